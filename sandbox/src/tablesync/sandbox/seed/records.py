"""Seeded records: the n-th record of an object is a pure function of the seed."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from tablesync.sandbox.clock import java_instant

from . import words
from .catalogue import CATALOGUE

Properties = dict[str, str | None]

FIRST_IDS = {"contacts": 101, "companies": 50_000_001, "deals": 90_000_001}
ID_STEP = 50
_OPTIONS = {
    (kind, spec.name): tuple(value for value, _ in spec.options)
    for kind, specs in CATALOGUE.items()
    for spec in specs
}
_EPOCH_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
_SPAN_MS = int(timedelta(days=650).total_seconds() * 1000)
_LONG_NOTE_EVERY = 97
_LONG_NOTE_BYTES = 50_000


def record_id(kind: str, n: int) -> int:
    """Return the id of the n-th seeded record; ids have gaps, as in a portal that has lived."""
    return FIRST_IDS[kind] + n * ID_STEP


def modified_ms(n: int, total: int) -> int:
    """Return when the n-th of so many records was last modified, in unix milliseconds.

    It grows with n, but for neighbours that share one instant, as after an import. Every seventh
    instant has no milliseconds.
    """
    step = _SPAN_MS // max(total, 1)
    instant = _EPOCH_MS + _SPAN_MS // 10 + (n - n % 3 if n % 10 == 2 else n) * step
    return instant - instant % 1000 if n % 7 == 0 and step > 1000 else instant


def build(kind: str, seed: int, n: int, total: int, domain: str) -> Properties:
    """Return all properties of the n-th seeded record of an object."""
    source = random.Random(hash((seed, FIRST_IDS[kind], n)))
    modified = modified_ms(n, total)
    created = modified - source.randrange(1, _SPAN_MS // 10)
    properties = _BUILDERS[kind](source, n, domain)
    properties["hs_object_id"] = str(record_id(kind, n))
    properties["createdate"] = java_instant(created)
    properties[_modified_name(kind)] = java_instant(modified)
    return properties


def _modified_name(kind: str) -> str:
    return "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"


def _contact(source: random.Random, n: int, domain: str) -> Properties:
    email = f"person{n}@{domain}" if n % 25 else f"shared{n % 3}@{domain}"
    return {
        "email": None if n % 11 == 5 else email,
        "firstname": source.choice(words.FIRST_NAMES),
        "lastname": source.choice(words.LAST_NAMES),
        "phone": _maybe(source, 0.8, f"+49 30 {source.randrange(10**6, 10**7)}"),
        "jobtitle": _maybe(source, 0.7, source.choice(words.JOB_TITLES)),
        "company": _maybe(source, 0.6, _company_name(source)),
        "city": source.choice(words.CITIES),
        "country": source.choice(words.COUNTRIES),
        "website": _maybe(source, 0.3, f"https://www.{domain}/people/{n}?from=crm&x=1"),
        "message": note(source, n),
        "lifecyclestage": _option(source, "contacts", "lifecyclestage"),
        "hs_lead_status": _maybe(source, 0.5, _option(source, "contacts", "hs_lead_status")),
        "num_associated_deals": str(source.randrange(0, 12)),
        "hs_email_optout": _maybe(source, 0.9, _bool(source)),
        "loyalty_tier": _maybe(source, 0.6, _option(source, "contacts", "loyalty_tier")),
        "interests": _several(source, "contacts", "interests"),
        "member_since": _maybe(source, 0.7, _day(source)),
    }


def _company(source: random.Random, n: int, domain: str) -> Properties:
    host = f"company{n}.{domain}"
    return {
        "name": _company_name(source),
        "domain": _maybe(source, 0.9, host),
        "website": _maybe(source, 0.8, f"https://{host}/"),
        "phone": _maybe(source, 0.6, f"+1 555 {source.randrange(10**6, 10**7)}"),
        "city": source.choice(words.CITIES),
        "country": source.choice(words.COUNTRIES),
        "industry": _option(source, "companies", "industry"),
        "numberofemployees": _maybe(source, 0.8, str(source.randrange(1, 50_000))),
        "annualrevenue": _maybe(source, 0.7, str(source.randrange(10**4, 10**9))),
        "description": note(source, n),
        "is_public": _bool(source),
        "partner_level": _maybe(source, 0.5, _option(source, "companies", "partner_level")),
        "sales_regions": _several(source, "companies", "sales_regions"),
        "contract_start": _maybe(source, 0.6, _day(source)),
    }


def _deal(source: random.Random, n: int, domain: str) -> Properties:
    closes = _EPOCH_MS + source.randrange(0, 2 * _SPAN_MS)
    return {
        "dealname": f"{_company_name(source)} — {source.choice(('renewal', 'pilot', '拡張'))} {n}",
        "amount": _maybe(source, 0.9, f"{source.randrange(100, 10**7) / 100:.2f}"),
        "deal_currency_code": _option(source, "deals", "deal_currency_code"),
        "pipeline": "default",
        "dealstage": _option(source, "deals", "dealstage"),
        "dealtype": _maybe(source, 0.7, _option(source, "deals", "dealtype")),
        "closedate": _maybe(source, 0.9, java_instant(closes)),
        "hs_deal_stage_probability": str(source.choice((0, 0.2, 0.4, 0.9, 1))),
        "description": note(source, n),
        "auto_renewal": _maybe(source, 0.8, _bool(source)),
        "products_sold": _several(source, "deals", "products_sold"),
        "go_live_date": _maybe(source, 0.5, _day(source)),
    }


def note(source: random.Random, n: int) -> str | None:
    """Return a multi-line note; every 97th is about 50 kB long, every fifth is missing."""
    if n % _LONG_NOTE_EVERY == 3:
        paragraph = "\n".join(source.choices(words.SENTENCES, k=8)) + "\n\n"
        return (paragraph * (_LONG_NOTE_BYTES // len(paragraph.encode()) + 1)).strip()
    if n % 5 == 4:
        return None
    return "\n".join(source.choices(words.SENTENCES, k=source.randrange(1, 4)))


def _company_name(source: random.Random) -> str:
    return f"{source.choice(words.COMPANY_WORDS)} {source.choice(words.COMPANY_KINDS)}"


def _maybe(source: random.Random, chance: float, value: str) -> str | None:
    return value if source.random() < chance else None


def _option(source: random.Random, kind: str, name: str) -> str:
    return source.choice(_OPTIONS[kind, name])


def _several(source: random.Random, kind: str, name: str) -> str | None:
    options = _OPTIONS[kind, name]
    chosen = [option for option in options if source.random() < 0.35]
    return ";".join(chosen) or None


def _bool(source: random.Random) -> str:
    return "true" if source.random() < 0.4 else "false"


def _day(source: random.Random) -> str:
    return (date(2019, 1, 1) + timedelta(days=source.randrange(0, 2500))).isoformat()


_BUILDERS: dict[str, Callable[[random.Random, int, str], Properties]] = {
    "contacts": _contact,
    "companies": _company,
    "deals": _deal,
}
