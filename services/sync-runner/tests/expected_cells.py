"""What a cell has to be: an oracle, which shares no code with what makes cells.

It goes from HubSpot's text and definition by the mapping to Airtable's field, plainly, as their
documents tell it. It raises UnknownCaseError for what these tests do not have.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
# What a sync can map of a record besides the properties that HubSpot defines.
OWN: dict[str, Json] = {
    "id": {"name": "id", "type": "string"},
    "archived": {"name": "archived", "type": "bool"},
}
TEXTS = ("singleLineText", "multilineText", "email", "url", "phoneNumber")
NUMBERS = ("number", "currency", "percent", "duration")
# Where nobody who sets up a sync maps a property of such a type to.
SENSELESS: Mapping[str, Sequence[str]] = {
    "list": (*NUMBERS, "rating", "checkbox", "date", "dateTime", "barcode"),
    "date": (*NUMBERS, "rating", "checkbox"),
    "datetime": (*NUMBERS, "rating", "checkbox"),
    "number": ("date", "dateTime"),
    "bool": (*NUMBERS, "rating", "date", "dateTime"),
}
LONGEST_TEXT, SHOWN = 100_000, 40
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
DIGITS = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)", re.ASCII)
# A longer exponent is a part of a code.
WITH_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,6})?", re.ASCII)
TOO_LARGE = 10**309
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
# Where nothing says that it is a time: shorter ones may be phone numbers.
SURELY_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)?", re.ASCII)


class UnknownCaseError(Exception):
    """No test has such a case, and the documents do not settle it: whoever adds one decides it."""


class RefusedError(Exception):
    """No cell can be this value, so its record is rejected; the message is the whole reason."""


@dataclass(frozen=True)
class Mapped:
    """A property as HubSpot defines it, its field as Airtable shows it, and how they are mapped.

    `zone` is that of HubSpot's account.
    """

    definition: Json
    field: Json
    as_: str | None = None
    zone: str = "UTC"

    @property
    def source(self) -> str:
        """The name of the property."""
        return str(self.definition["name"])

    @property
    def type(self) -> str:
        """The type of the property; of a multi-select it is `list`."""
        found = str(self.definition["type"])
        if found == "enumeration" and self.definition["fieldType"] == "checkbox":
            return "list"
        if found not in ("string", "number", "bool", "enumeration", "date", "datetime"):
            raise UnknownCaseError(f"a property of type {found}")
        return found

    @property
    def choices(self) -> list[str]:
        """The names of the field's options."""
        names = [str(each["name"]) for each in self.field["options"]["choices"]]
        if len(names) > 10 or [each for each in names if each != each.strip()]:
            raise UnknownCaseError(f"options {names}")
        return names

    @property
    def labels(self) -> Mapping[str, str]:
        """What people see of the options, by value without spaces, if it is mapped by label."""
        options = self.definition.get("options") or []
        labels = {each["value"].strip(): each["label"] for each in options}
        return labels if self.as_ == "label" else {}

    def shown_as(self, value: str) -> str:
        """Return what a cell of words shows of a value."""
        return self.labels.get(value.strip(), value)

    def refused(self, value: str, why: str, remedy: str = "map it to a text field") -> RefusedError:
        """Say that a value fits into no cell, and what to do."""
        field = f'field "{self.field["name"]}" ({self.field["type"]})'
        quoted = repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")
        return RefusedError(f"{field}: {quoted} {why}; {remedy}")


def expected_cells(record: Json, mapping: Sequence[Mapped]) -> Json:
    """Return a record's cells by field id; raises RefusedError for the first that cannot be."""
    own = {"id": record["id"], "archived": "true" if record["archived"] else None}
    told = record["properties"] | own
    return {each.field["id"]: expected_cell(told.get(each.source), each) for each in mapping}


def expected_cell(told: str | None, mapped: Mapped) -> Any:
    """Return what the cell of a property's text has to be, None for an empty one."""
    field_type = mapped.field["type"]
    if field_type not in _CELLS or field_type in SENSELESS.get(mapped.type, ()):
        raise UnknownCaseError(f"a property of type {mapped.type} in a field of {field_type}")
    if not told:
        return None
    if field_type not in TEXTS:
        if not told.strip():
            return None
        if UNFIT.search(told):
            raise UnknownCaseError(f"{told!r} in a field of type {field_type}")
    return _CELLS[field_type](told, mapped)


def _text(told: str, mapped: Mapped) -> str | None:
    text = UNFIT.sub("", _spelled(told, mapped))
    if len(text) > LONGEST_TEXT:
        why = "is longer than 100,000 characters"
        raise mapped.refused(text, why, "shorten it at its source")
    return text or None


def _barcode(told: str, mapped: Mapped) -> Json:
    return {"text": _text(told, mapped)}


def _spelled(told: str, mapped: Mapped) -> str:
    """Return what HubSpot has as text: truth and times have one spelling, labels are labels."""
    if mapped.type == "list" and (mapped.labels or not _parts(told)):
        return ";".join(map(mapped.shown_as, _parts(told)))
    if mapped.type == "bool" and told.strip().lower() in ("true", "false"):
        return mapped.shown_as(told.strip().lower())
    if mapped.type == "datetime" and (moment := _moment(told, mapped)):
        return _by_utc(moment, "milliseconds" if moment.microsecond else "seconds")
    if mapped.type == "date" and (day := _day(told.strip(), mapped)):
        return day.isoformat()
    return mapped.shown_as(told)


def _parts(told: str) -> list[str]:
    return list(dict.fromkeys(each.strip() for each in told.split(";") if each.strip()))


def _by_utc(moment: datetime, timespec: str) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _number(told: str, mapped: Mapped) -> int | float:
    """Return the number that HubSpot has, if a double is printed with every digit of it."""
    exact = _exact(told, mapped)
    if exact.denominator == 1 and abs(exact) < 2**53:
        return int(exact)
    double = float(exact)
    if Fraction(str(double)) != exact:
        raise mapped.refused(told, "has more digits than a number keeps")
    return double


def _exact(told: str, mapped: Mapped) -> Fraction:
    """Return a number; exponents are understood only in a property that is one."""
    form = WITH_EXPONENT if mapped.type == "number" else DIGITS
    if not form.fullmatch(told.strip()):
        raise mapped.refused(told, "is not a number")
    exact = Fraction(told.strip())
    if mapped.definition.get("numberDisplayHint") == "duration" == mapped.field["type"]:
        exact /= 1_000  # HubSpot counts milliseconds, Airtable seconds
    if abs(exact) >= TOO_LARGE:
        raise mapped.refused(told, "is not a finite number")
    return exact


def _rating(told: str, mapped: Mapped) -> int | None:
    exact, highest = _exact(told, mapped), mapped.field["options"]["max"]
    if exact not in range(highest + 1):
        why = f"is not a whole number from 0 to {highest}"
        raise mapped.refused(told, why, "map it to a number field")
    return int(exact) or None


def _checkbox(told: str, mapped: Mapped) -> bool | None:
    word = told.strip().lower()
    if word not in ("true", "yes", "1", "false", "no", "0"):
        raise mapped.refused(told, "is neither true nor false")
    return True if word in ("true", "yes", "1") else None


def _choice(told: str, mapped: Mapped) -> str | None:
    if mapped.type == "list" and len(_parts(told)) > 1:
        raise UnknownCaseError(f"{told!r} in a single select")
    chosen = _choices(told, mapped)
    return chosen[0] if chosen else None


def _choices(told: str, mapped: Mapped) -> list[str] | None:
    is_list = mapped.type == "list"
    names = map(mapped.shown_as, _parts(told)) if is_list else [_spelled(told, mapped)]
    return list(dict.fromkeys(_option(each, mapped) for each in names)) or None


def _option(name: str, mapped: Mapped) -> str:
    """Return the field's own option: spaces around a name do not tell it from another."""
    if name.strip() in mapped.choices:
        return name.strip()
    known = ", ".join(map(repr, mapped.choices)) or "none"
    remedy = "add it in Airtable, or change the value at its source"
    raise mapped.refused(name, f"is no option of it, which has {known}", remedy)


def _date(told: str, mapped: Mapped) -> str:
    """Return the day, of a property that is a moment the one that it is where the account is."""
    zone = ZoneInfo(mapped.zone) if mapped.type == "datetime" else UTC
    return _needed(told, mapped).astimezone(zone).date().isoformat()


def _date_time(told: str, mapped: Mapped) -> str:
    return _by_utc(_needed(told, mapped), "milliseconds")


def _needed(told: str, mapped: Mapped) -> datetime:
    moment = _moment(told, mapped)
    if moment is None:
        raise mapped.refused(told, "is not a date")
    return moment


def _moment(told: str, mapped: Mapped) -> datetime | None:
    """Return the moment, of a day its midnight by UTC; None for what is no time."""
    text, is_time = told.strip(), mapped.type in ("date", "datetime")
    if day := _day(text, mapped):
        return datetime.combine(day, time(), UTC)
    if (MILLISECONDS if is_time else SURELY_MILLISECONDS).fullmatch(text):
        return EPOCH + timedelta(milliseconds=int(text))
    if MOMENT.fullmatch(text):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if DAY.match(text):
        raise UnknownCaseError(f"{told!r} as a time")
    return None


def _day(text: str, mapped: Mapped) -> date | None:
    """Return the day that a text tells, in a property of days also by its midnight."""
    if mapped.type == "date" and MILLISECONDS.fullmatch(text):
        return (EPOCH + timedelta(milliseconds=int(text))).date()
    is_day = DAY.fullmatch(text) and mapped.type != "datetime"
    return date.fromisoformat(text) if is_day else None


_CELLS: Mapping[str, Callable[[str, Mapped], Any]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(NUMBERS, _number),
    "barcode": _barcode,
    "rating": _rating,
    "checkbox": _checkbox,
    "singleSelect": _choice,
    "multipleSelects": _choices,
    "date": _date,
    "dateTime": _date_time,
}
