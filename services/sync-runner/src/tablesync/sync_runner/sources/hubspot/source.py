"""HubSpot: a first pass lists all records by id, later ones search by the time of the change.

Neither pages by offset. The list goes on after the last id. The search begins anew at the last
timestamp seen, which also keeps it below the 10,000 results that one query can page; if a whole
page shares one timestamp, that timestamp is pinned and its records are walked by id.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.redaction import foreign_text
from tablesync.sync_runner.access.answers import Continuations, not_understood, understood
from tablesync.sync_runner.access.provider_client import ProviderClient, TransientError
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.sources.base import (
    GONE,
    Opening,
    Page,
    Position,
    SourceObject,
    SourceProperty,
    SourceRecord,
)
from tablesync.sync_runner.sources.hubspot import search
from tablesync.sync_runner.sources.hubspot.answers import Found, Listed, read_record
from tablesync.sync_runner.sources.hubspot.budgets import ROLLING_SECONDS, HubSpotBudgets
from tablesync.sync_runner.sources.hubspot.definitions import (
    OWN_PROPERTIES,
    AccountAnswer,
    PropertiesAnswer,
    read_property,
    read_zone,
)
from tablesync.sync_runner.sources.hubspot.search import SearchWalk

VERSION = "2026-09"
OBJECTS = {"contacts": "Contacts", "companies": "Companies", "deals": "Deals"}
LIST_LIMIT = 100
# A search takes 3,000 characters in all, and a URL not many more.
LONGEST_NAMES = 2_000
_MOVED = 477  # the account is being moved between data centres
_LOCKED = 423


class HubSpotSource:
    """The records of one HubSpot account."""

    ids_at_once = LIST_LIMIT

    def __init__(
        self,
        client: ProviderClient,
        budgets: HubSpotBudgets,
        overlap_seconds: int,
    ) -> None:
        self._client = client
        self._budgets = budgets
        self._overlap_ms = overlap_seconds * 1000

    async def objects(self) -> list[SourceObject]:
        """Return the three objects that TableSync knows."""
        return [SourceObject(name, label) for name, label in OBJECTS.items()]

    async def open(self, object_: str) -> Opening:
        """Return an object's properties and HubSpot's clock, by the Date header."""
        response = await self._get(f"/crm/properties/{VERSION}/{_known(object_)}", {})
        found = understood(PropertiesAnswer, response).results
        account = await self._get(f"/account-info/{VERSION}/details", {})
        zone = read_zone(understood(AccountAnswer, account))
        return Opening(
            [*OWN_PROPERTIES, *(read_property(each, zone) for each in found)], _date_ms(response)
        )

    def first_position(self, cursor_ms: int | None, began_ms: int) -> Position:
        """List everything without a cursor; else search from it, minus the overlap."""
        if cursor_ms is None:
            return {"mode": "list", "after": None}
        return search.first_position(cursor_ms - self._overlap_ms, began_ms)

    async def read(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        """Read pages from a position to the end of the pass."""
        positions = [position]
        if position["mode"] != "archive" and any(each.name == GONE for each in properties):
            # A search never finds what was archived, and the list tells no times: read it whole.
            positions.append({"mode": "archive", "after": None})
        for each in positions:
            async for page in self._pages(_known(object_), _provided(properties), each):
                yield page

    async def read_ids(
        self, object_: str, properties: Sequence[SourceProperty], ids: Sequence[str]
    ) -> list[SourceRecord]:
        """Read up to 100 records; what was merged away answers with another id: gone, too."""
        found = await self._batch(_known(object_), _provided(properties), ids)
        return [each for each in found if each.id in ids]

    async def _pages(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        """Read one pass; what would not fit into a query is read by ids, page by page."""
        read = self._search if position["mode"] == "search" else self._list
        wide = len(",".join(each.name for each in properties)) > LONGEST_NAMES
        async for page in read(object_, () if wide else properties, position):
            yield await self._completed(object_, properties, page) if wide else page

    async def _completed(
        self, object_: str, properties: Sequence[SourceProperty], page: Page
    ) -> Page:
        records: list[SourceRecord] = []
        for start in range(0, len(page.records), LIST_LIMIT):
            part = page.records[start : start + LIST_LIMIT]
            ids = [each.id for each in part]
            records += await self._batch(object_, properties, ids, archived=part[0].gone)
        return replace(page, records=records)

    async def _batch(
        self,
        object_: str,
        properties: Sequence[SourceProperty],
        ids: Sequence[str],
        *,
        archived: bool = False,
    ) -> list[SourceRecord]:
        names = [each.name for each in properties]
        response = await self._client.call(
            "POST",
            f"/crm/objects/{VERSION}/{object_}/batch/read",
            [self._budgets.rolling],
            self._refusal,
            json={"properties": names, "inputs": [{"id": each} for each in ids]},
            params={"archived": str(archived).lower()},
        )
        return [read_record(each, properties) for each in understood(Listed, response).results]

    async def _list(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        archived = str(position["mode"] == "archive").lower()
        query = {"limit": str(LIST_LIMIT), "archived": archived}
        if properties:
            query["properties"] = ",".join(each.name for each in properties)
        after = position["after"]
        continuations = Continuations(after)
        while True:
            more = {"after": after} if after else {}
            response = await self._get(f"/crm/objects/{VERSION}/{object_}", query | more)
            listed = understood(Listed, response)
            after = continuations.take(listed.after, response)
            records = [read_record(each, properties) for each in listed.results]
            last = records[-1].id if records else position["after"]
            yield Page(records, {"mode": position["mode"], "after": last})
            if after is None:
                return

    async def _search(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        walk = SearchWalk(object_, properties, position)
        while not walk.ended:
            yield walk.take(understood(Found, await self._post_search(object_, walk.query())))

    async def _get(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        response = await self._client.call(
            "GET", path, [self._budgets.rolling], self._refusal, params=params
        )
        self._budgets.learn(response)
        return response

    async def _post_search(self, object_: str, query: dict[str, Any]) -> httpx.Response:
        return await self._client.call(
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
        summary = f"HubSpot answered {response.status_code}: {foreign_text(str(said))}"
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            await self._too_many(body if isinstance(body, dict) else {}, summary)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in (_LOCKED, _MOVED):
            raise TransientError.of(response, summary)
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            raise RunFailedError.resource(summary, self._client.connection_id)
        if status == httpx.codes.BAD_REQUEST:
            raise RunFailedError.mapping(summary)
        raise RunFailedError.provider(summary, self._client.connection_id)

    async def _too_many(self, body: Mapping[str, Any], summary: str) -> None:
        policy = body.get("policyName")
        if policy == "DAILY":
            raise RunFailedError.quota(summary, self._client.connection_id)
        if policy == "SECONDLY":
            await self._budgets.search.freeze(1)
        else:
            await self._budgets.rolling.freeze(ROLLING_SECONDS)
        raise TransientError(summary, 0.0)


def _provided(properties: Sequence[SourceProperty]) -> list[SourceProperty]:
    return [each for each in properties if each.name not in ("id", GONE)]


def _known(object_: str) -> str:
    if object_ not in OBJECTS:
        raise RunFailedError.resource(f'HubSpot has no object "{object_}" that TableSync can read.')
    return object_


def _date_ms(response: httpx.Response) -> int:
    try:
        return int(parsedate_to_datetime(response.headers["Date"]).timestamp()) * 1000
    except (KeyError, ValueError, OverflowError) as error:
        raise not_understood(response, error) from None
