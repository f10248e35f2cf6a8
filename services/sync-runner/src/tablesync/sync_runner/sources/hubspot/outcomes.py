"""What HubSpot's answers mean: its errors are JSON with a message, but for those of its edge."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.service_kit.redaction import foreign_text
from tablesync.sync_runner.access.outcomes import (
    WAIT_MAX_SECONDS,
    AccountState,
    AuthFailed,
    Ok,
    Outcome,
    Refused,
    Throttled,
    Transient,
    not_its_own,
)
from tablesync.sync_runner.access.refills import next_midnight
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.sources.hubspot.budgets import ROLLING_SECONDS, HubSpotBudgets
from tablesync.sync_runner.sources.hubspot.definitions import KnownAccount

_MOVED = 477  # the account is being moved between data centres, which may take a day
_LOCKED = 423
_POINTERS = ("propertyName", "propertyNames", "property", "properties", "name")
# A sentence quotes other things, too, if it speaks of no property. JSON in a sentence has quoted
# names of members, which are no properties.
_OF_A_PROPERTY = re.compile(r"(?i)propert(?:y|ies)")
_IN_WORDS = re.compile(
    r"""(?xi) ["'`](?P<quoted>\w+)\\?["'`](?!\s*:)
    | \bpropert(?:y|ies)(?:\ names?)?:\s*(?P<listed>\w+)
    | \bproperty\ (?P<called>\w+)\ (?:does\ not\ exist|doesn't\ exist|was\ not\ found)"""
)


class HubSpotOutcomes:
    """Sorts the answers to one connection's calls."""

    def __init__(self, budgets: HubSpotBudgets, connection_id: str, account: KnownAccount) -> None:
        self._budgets = budgets
        self._connection_id = connection_id
        self._account = account

    def classify(self, response: httpx.Response, properties: Collection[str] = ()) -> Outcome:
        """Sort an answer to a call that named these properties."""
        status = response.status_code
        if response.is_success:
            return Ok()
        if status == httpx.codes.UNAUTHORIZED:
            return AuthFailed()
        found = json_or_none(response)
        body: Mapping[str, Any] = found if isinstance(found, dict) else {}
        summary = f"HubSpot answered {status}: {foreign_text(str(body.get('message', '')))}"
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return self._too_many(response, body, summary)
        if status == _MOVED:
            return self._moved(response, summary)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == _LOCKED:
            return Transient(summary, retry_after(response, None, at_most=WAIT_MAX_SECONDS))
        refused = Refused(self._refusal(status, summary, _named(body, properties)))
        return not_its_own(response, "HubSpot") or refused

    def _refusal(self, status: int, summary: str, named: str | None) -> RunFailedError:
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            return RunFailedError.resource(summary, self._connection_id)
        if status == httpx.codes.BAD_REQUEST and named:
            return RunFailedError.mapping(f'{summary} (property "{named}")')
        return RunFailedError.provider(summary, self._connection_id)

    def _too_many(self, response: httpx.Response, body: Mapping[str, Any], summary: str) -> Outcome:
        policy = body.get("policyName")
        if policy == "DAILY":
            zone = self._account.zone
            refilled = next_midnight(response, zone) if zone else None
            return Refused(RunFailedError.quota(summary, self._connection_id, refilled))
        if policy == "SECONDLY":
            return Throttled(summary, 1, [self._budgets.search])
        return Throttled(summary, ROLLING_SECONDS, [self._budgets.rolling])

    def _moved(self, response: httpx.Response, summary: str) -> Outcome:
        wait = retry_after(response, None, at_most=float("inf"))
        if wait is None or wait <= WAIT_MAX_SECONDS:
            return Transient(summary, wait)
        return AccountState(
            RunFailedError.resource(
                "HubSpot is moving this account to another data centre.", self._connection_id
            )
        )


def _named(body: Mapping[str, Any], properties: Collection[str]) -> str | None:
    """Find the property that an error names: only then is the mapping to blame."""
    parts = [body, *_objects(body.get("errors")), *_objects(body.get("validationResults"))]
    named = {name for part in parts for name in _names_in(part)}
    return next((each for each in properties if each in named), None)


def _names_in(part: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a part of an error points at, and what its sentence quotes or calls a property."""
    for told in (part.get("context"), part):
        if isinstance(told, dict):
            pointed = [told.get(each) for each in _POINTERS]
            yield from (each for each in _flat(pointed) if isinstance(each, str))
    message = str(part.get("message", ""))
    if _OF_A_PROPERTY.search(message):
        yield from (found[found.lastgroup or 0] for found in _IN_WORDS.finditer(message))


def _flat(told: Iterable[Any]) -> Iterator[Any]:
    for each in told:
        yield from each if isinstance(each, list) else [each]


def _objects(told: object) -> list[dict[str, Any]]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
