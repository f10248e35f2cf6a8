"""HubSpot: a first pass lists all records by id, later ones search by the time of the change.

Neither pages by offset. The list goes on after the last id. The search begins anew at the last
timestamp seen, which also keeps it below the 10,000 results that one query can page; if a whole
page shares one timestamp, that timestamp is pinned and its records are walked by id.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from tablesync.service_kit.http import json_or_none
from tablesync.sync_runner.budgets import Budget, Budgets, Limit
from tablesync.sync_runner.calls import Caller, TransientError, json_body, retry_after
from tablesync.sync_runner.errors import mapping, quota, resource
from tablesync.sync_runner.sources.base import (
    GONE,
    Opening,
    Page,
    Position,
    SourceObject,
    SourceProperty,
    SourceRecord,
)

VERSION = "2026-09"
OBJECTS = {"contacts": "Contacts", "companies": "Companies", "deals": "Deals"}
LIST_LIMIT, SEARCH_LIMIT = 100, 200
ROLLING_SECONDS = 10
_MOVED = 477  # the account is being moved between data centres
_LOCKED = 423
_OWN_PROPERTIES = (
    SourceProperty("id", "Record ID", "string"),
    SourceProperty(GONE, "Deleted at source", "bool"),
)


class HubSpotSource:
    """The records of one HubSpot account."""

    def __init__(
        self,
        caller: Caller,
        budgets: "HubSpotBudgets",
        connection_id: str,
        overlap_seconds: int,
    ) -> None:
        self._caller = caller
        self._budgets = budgets
        self._connection_id = connection_id
        self._overlap_ms = overlap_seconds * 1000

    async def objects(self) -> list[SourceObject]:
        """Give the three objects that TableSync knows."""
        return [SourceObject(name, label) for name, label in OBJECTS.items()]

    async def open(self, object_: str) -> Opening:
        """Give an object's properties and HubSpot's clock, by the Date header."""
        response = await self._get(f"/crm/properties/{VERSION}/{_known(object_)}", {})
        found = [
            SourceProperty(each["name"], each["label"], each["type"])
            for each in json_body(response)["results"]
        ]
        return Opening([*_OWN_PROPERTIES, *found], _date_ms(response))

    def first_position(self, cursor_ms: int | None, began_ms: int) -> Position:
        """List everything without a cursor; else search from it, minus the overlap."""
        if cursor_ms is None:
            return {"mode": "list", "after": None}
        return {"mode": "search", "since": cursor_ms - self._overlap_ms, "until": began_ms}

    async def read(
        self, object_: str, properties: Sequence[str], position: Position
    ) -> AsyncIterator[Page]:
        """Read pages from a position to the end of the pass."""
        names = [name for name in properties if name not in ("id", GONE)]
        passes = {"list": self._list, "search": self._search, "archive": self._list}
        async for page in passes[position["mode"]](_known(object_), names, position):
            yield page
        if GONE in properties and position["mode"] != "archive":
            # A search never finds what was archived, and the list tells no times: read it whole.
            archive = {"mode": "archive", "after": None}
            async for page in self._list(object_, names, archive):
                yield page

    async def _list(
        self, object_: str, properties: Sequence[str], position: Position
    ) -> AsyncIterator[Page]:
        archived = str(position["mode"] == "archive").lower()
        names = ",".join(properties)
        query = {"limit": str(LIST_LIMIT), "properties": names, "archived": archived}
        after = position["after"]
        while True:
            more = {"after": after} if after else {}
            response = await self._get(f"/crm/objects/{VERSION}/{object_}", query | more)
            body = json_body(response)
            after = body.get("paging", {}).get("next", {}).get("after")
            records = [_record(each) for each in body["results"]]
            last = records[-1].id if records else position["after"]
            yield Page(records, {"mode": position["mode"], "after": last})
            if after is None:
                return

    async def _search(
        self, object_: str, properties: Sequence[str], position: Position
    ) -> AsyncIterator[Page]:
        walk = SearchWalk(object_, properties, position)
        while not walk.ended:
            body = json_body(await self._post_search(object_, walk.query()))
            yield walk.take(body)

    async def _get(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        response = await self._caller.call(
            "GET", path, [self._budgets.rolling], self._refusal, params=params
        )
        self._budgets.learn(response)
        return response

    async def _post_search(self, object_: str, query: dict[str, Any]) -> httpx.Response:
        return await self._caller.call(
            "POST",
            f"/crm/objects/{VERSION}/{object_}/search",
            [self._budgets.search],
            self._refusal,
            json=query,
        )

    async def _refusal(self, response: httpx.Response) -> None:
        """Sort an answer that is no success."""
        body = json_or_none(response)
        said = body.get("message", "") if isinstance(body, dict) else ""
        summary = f"HubSpot answered {response.status_code}: {said[:300]}"
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            await self._too_many(body if isinstance(body, dict) else {}, summary)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in (_LOCKED, _MOVED):
            raise TransientError(summary, retry_after(response))
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            raise resource(summary, self._connection_id)
        raise mapping(summary)

    async def _too_many(self, body: Mapping[str, Any], summary: str) -> None:
        policy = body.get("policyName")
        if policy == "DAILY":
            raise quota(summary, self._connection_id)
        if policy == "SECONDLY":
            await self._budgets.search.freeze(1)
        else:
            await self._budgets.rolling.freeze(ROLLING_SECONDS)
        raise TransientError(summary, 0.0)


class HubSpotBudgets:
    """The two limits of one HubSpot account."""

    # Both are windows, not buckets: what came late counts in the next window too, so neither
    # is used to its last place.
    ROLLING_SHARE, SEARCH_SHARE = 0.9, 0.8

    def __init__(
        self, budgets: Budgets, account_id: str, per_ten_seconds: float, search_per_second: float
    ) -> None:
        self.rolling: Budget = budgets.of(
            Limit(
                f"hubspot/{account_id}",
                self.ROLLING_SHARE * per_ten_seconds / ROLLING_SECONDS,
                burst=5,
            )
        )
        self.search: Budget = budgets.of(
            Limit(
                f"hubspot-search/{account_id}",
                self.SEARCH_SHARE * search_per_second,
                late_seconds=0.1,
            )
        )

    def learn(self, response: httpx.Response) -> None:
        """Correct the budget by the limit that HubSpot names."""
        maximum = response.headers.get("X-HubSpot-RateLimit-Max", "")
        interval = response.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
        if maximum.isdecimal() and interval.isdecimal() and int(maximum) and int(interval):
            self.rolling.correct(self.ROLLING_SHARE * int(maximum) * 1000 / int(interval))


class SearchWalk:
    """The state of one search: which query comes next, and which records were seen at its edge."""

    def __init__(self, object_: str, properties: Sequence[str], position: Position) -> None:
        self._property = cursor_property(object_)
        self._wanted = [*dict.fromkeys([*properties, self._property])]
        self._since = int(position["since"])
        self._until = int(position["until"])
        self._pinned: str | None = position.get("pinned")
        self._edge: set[str] = set()
        self.ended = False

    def query(self) -> dict[str, Any]:
        """Give the body of the next search."""
        filters = [self._filter("GTE", str(self._since))]
        sort = self._property
        if self._pinned is not None:
            sort = "hs_object_id"
            filters = [
                self._filter("EQ", str(self._since)),
                {"propertyName": sort, "operator": "GT", "value": self._pinned},
            ]
        return {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": self._wanted,
            "limit": SEARCH_LIMIT,
        }

    def take(self, body: Mapping[str, Any]) -> Page:
        """Take an answer in: give its new records and go on behind them."""
        results = body["results"]
        fresh = [each for each in results if self._key(each) not in self._edge]
        if self._pinned is None:
            self._go_on(results, full=len(results) == SEARCH_LIMIT)
        else:
            self._go_on_pinned(results, full=len(results) == SEARCH_LIMIT)
        return Page([_record(each) for each in fresh], self._position(), body.get("total"))

    def _go_on(self, results: Sequence[Mapping[str, Any]], *, full: bool) -> None:
        if not results:
            self.ended = True
            return
        last = self._changed_ms(results[-1])
        self._edge = {self._key(each) for each in results if self._changed_ms(each) == last}
        if full and last == self._since:
            self._pinned = "0"
        # What changed after the pass began belongs to the next one, or this would never end.
        self.ended = not full or last > self._until
        self._since = last

    def _go_on_pinned(self, results: Sequence[Mapping[str, Any]], *, full: bool) -> None:
        if full:
            self._pinned = results[-1]["id"]
        else:
            self._pinned, self._since = None, self._since + 1

    def _position(self) -> Position:
        return {
            "mode": "search",
            "since": self._since,
            "until": self._until,
            **({} if self._pinned is None else {"pinned": self._pinned}),
        }

    def _filter(self, operator: str, value: str) -> dict[str, str]:
        return {"propertyName": self._property, "operator": operator, "value": value}

    def _changed_ms(self, result: Mapping[str, Any]) -> int:
        return _instant_ms(result["properties"][self._property])

    def _key(self, result: Mapping[str, Any]) -> str:
        """Name a record in one state: the same record changed again is a new one."""
        return f"{result['id']}@{result['properties'][self._property]}"


def cursor_property(object_: str) -> str:
    """Name the property that tells when a record changed."""
    return "lastmodifieddate" if object_ == "contacts" else "hs_lastmodifieddate"


def _known(object_: str) -> str:
    if object_ not in OBJECTS:
        raise resource(f'HubSpot has no object "{object_}" that TableSync can read.')
    return object_


def _record(result: Mapping[str, Any]) -> SourceRecord:
    gone = bool(result.get("archived"))
    own = {"id": result["id"], GONE: str(gone).lower()}
    return SourceRecord(result["id"], {**result["properties"], **own}, gone)


def _instant_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _date_ms(response: httpx.Response) -> int:
    return int(parsedate_to_datetime(response.headers["Date"]).timestamp()) * 1000
