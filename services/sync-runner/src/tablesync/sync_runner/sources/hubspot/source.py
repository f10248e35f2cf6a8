"""HubSpot: a first pass lists all records by id, later ones search by the time of the change.

Neither pages by offset. The list goes on after the last id. The search begins anew at the last
timestamp seen, which also keeps it below the 10,000 results that one query can page; if a whole
page shares one timestamp, that timestamp is pinned and its records are walked by id.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import httpx
import structlog
from tablesync.sync_runner.access.answers import (
    AnswerTooLargeError,
    Continuations,
    TransientError,
)
from tablesync.sync_runner.access.budgets import Budget, Claim
from tablesync.sync_runner.access.provider_client import Call, ProviderClient
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
from tablesync.sync_runner.sources.hubspot.answers import (
    REMEDY,
    Batch,
    Found,
    Listed,
    read_record,
    records_reader,
)
from tablesync.sync_runner.sources.hubspot.budgets import HubSpotBudgets
from tablesync.sync_runner.sources.hubspot.definitions import (
    OWN_PROPERTIES,
    KnownAccount,
    account_reader,
    properties_reader,
    read_property,
    read_zone,
)
from tablesync.sync_runner.sources.hubspot.outcomes import HubSpotOutcomes
from tablesync.sync_runner.sources.hubspot.search import SearchWalk

log = structlog.get_logger()

VERSION = "2026-09"
OBJECTS = {"contacts": "Contacts", "companies": "Companies", "deals": "Deals"}
LIST_LIMIT = 100
# A search takes 3,000 characters in all, and a URL not many more.
LONGEST_NAMES = 2_000
_UNREAD = f"HubSpot does not tell it when it is asked for by its id; {REMEDY}"
T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Records that were read by their ids, those that are there and were not told, and bytes."""

    records: Sequence[SourceRecord]
    unread: Sequence[str] = ()
    size: int = 0

    def all(self, *, archived: bool) -> "Part":
        """Return it with those that were not told, to be rejected: nobody takes them for gone."""
        unread = [SourceRecord(each, {}, archived, _UNREAD) for each in self.unread]
        return Part([*self.records, *unread], size=self.size)


class HubSpotSource:
    """The records of one HubSpot account."""

    ids_at_once = LIST_LIMIT

    def __init__(
        self,
        client: ProviderClient,
        budgets: HubSpotBudgets,
        overlap_seconds: int,
        account: KnownAccount,
    ) -> None:
        self._client = client
        self._budgets = budgets
        self._account = account
        self._outcomes = HubSpotOutcomes(budgets, client.connection_id, account)
        self._overlap_ms = overlap_seconds * 1000

    async def objects(self) -> list[SourceObject]:
        """Return the three objects that TableSync knows."""
        return [SourceObject(name, label) for name, label in OBJECTS.items()]

    async def open(self, object_: str) -> Opening:
        """Return an object's properties and HubSpot's clock, by the Date header."""
        path = f"/crm/properties/{VERSION}/{_known(object_)}"
        found, began_ms = await self._call("GET", path, _dated(properties_reader()))
        account = await self._call("GET", f"/account-info/{VERSION}/details", account_reader())
        zone = self._account.zone = read_zone(account, self._account.zone)
        told = (read_property(each, zone) for each in found.all)
        return Opening([*OWN_PROPERTIES, *told], began_ms)

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
        found = self._by_ids(_known(object_), _provided(properties), ids)
        return [each async for part in found for each in part.records if each.id in ids]

    async def fates(self, object_: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Look in the archive; of what is left, one that was merged answers with another id.

        Only where one does, each is asked for alone: the answer does not say whose it is.
        """
        known = _known(object_)
        archived = await self._batch(known, (), ids, archived=True)
        told = [each for each in ids if each not in archived.unread]
        fates = dict.fromkeys(told, "purged") | {each.id: "deleted" for each in archived.records}
        left = [each for each in told if fates[each] == "purged"]
        if left and (await self._batch(known, (), left, archived=False)).records:
            for each in left:
                alone = (await self._batch(known, (), [each], archived=False)).records
                fates[each] = f"merged into {alone[0].id}" if alone else fates[each]
        return fates

    async def _pages(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        """Read one pass; what would not fit into a query, or into an answer, is read by ids."""
        if len(",".join(each.name for each in properties)) <= LONGEST_NAMES:
            try:
                async for page in self._walk(object_, properties, position):
                    yield page
                    position = page.position
            except AnswerTooLargeError as error:
                log.info("reading by ids from here on", object=object_, reason=error.summary)
            else:
                return
        async for page in self._walk(object_, (), position):
            async for part in self._completed(object_, properties, page, position):
                yield part
            position = page.position

    def _walk(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        read = self._search if position["mode"] == "search" else self._list
        return read(object_, properties, position)

    async def _completed(
        self,
        object_: str,
        properties: Sequence[SourceProperty],
        page: Page,
        before: Position,
    ) -> AsyncIterator[Page]:
        """Read the records of a page in parts, of which only the last goes on behind it."""
        faulty = [each for each in page.records if each.fault]
        archived = any(each.gone for each in page.records)
        ids = [each.id for each in page.records if not each.fault]
        async for part in self._by_ids(object_, properties, ids, archived=archived):
            yield Page(part.records, before, page.total, part.size)
        yield Page(faulty, page.position, page.total, page.size)

    async def _by_ids(
        self,
        object_: str,
        properties: Sequence[SourceProperty],
        ids: Sequence[str],
        *,
        archived: bool = False,
    ) -> AsyncIterator[Part]:
        """Read records by their ids: as many at once as an answer holds."""
        at_once, left = LIST_LIMIT, list(ids)
        while left:
            asked = left[:at_once]
            try:
                part = await self._batch(object_, properties, asked, archived=archived)
                yield part.all(archived=archived)
            except AnswerTooLargeError as error:
                if len(asked) > 1:
                    at_once = len(asked) // 2
                    continue
                yield Part([SourceRecord(asked[0], {}, archived, f"{error.summary} {REMEDY}")])
            del left[:at_once]

    async def _batch(
        self,
        object_: str,
        properties: Sequence[SourceProperty],
        ids: Sequence[str],
        *,
        archived: bool,
    ) -> Part:
        names = [each.name for each in properties]
        found = await self._call(
            "POST",
            f"/crm/objects/{VERSION}/{object_}/batch/read",
            records_reader(Batch, names, ids),
            names,
            json={"properties": names, "inputs": [{"id": each} for each in ids]},
            params={"archived": str(archived).lower()},
        )
        records = [read_record(each, properties) for each in found.results]
        return Part(records, found.unread(ids), found.size)

    async def _list(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        archived = str(position["mode"] == "archive").lower()
        names = [each.name for each in properties] or ["hs_object_id"]
        query = {"limit": str(LIST_LIMIT), "archived": archived, "properties": ",".join(names)}
        after = last = position["after"]
        continuations = Continuations(after)
        while True:
            more = {"after": after} if after else {}
            listed = await self._call(
                "GET",
                f"/crm/objects/{VERSION}/{object_}",
                records_reader(Listed, names),
                names,
                params=query | more,
            )
            after = continuations.take(listed.after, "HubSpot", listed.last_id)
            records = [read_record(each, properties) for each in listed.results]
            last = listed.last_id or last
            position = {"mode": position["mode"], "after": last}
            yield Page(records, position, size=listed.size)
            if after is None:
                return

    async def _search(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        walk = SearchWalk(object_, properties, position)
        while not walk.ended:
            query = walk.query()
            found = await self._call(
                "POST",
                f"/crm/objects/{VERSION}/{object_}/search",
                records_reader(Found, query["properties"]),
                query["properties"],
                budget=self._budgets.search,
                json=query,
            )
            yield walk.take(found)

    async def _call(
        self,
        method: str,
        path: str,
        read: Callable[[httpx.Response], T],
        properties: Collection[str] = (),
        *,
        budget: Budget | None = None,
        **body: Any,
    ) -> T:
        claims = [Claim(budget or self._budgets.rolling)]
        classify = partial(self._outcomes.classify, properties=properties)
        learn = self._budgets.learn
        return await self._client.call(
            Call(method, path, claims, classify, read, learn=learn, **body)
        )


def _provided(properties: Sequence[SourceProperty]) -> list[SourceProperty]:
    return [each for each in properties if each.name not in ("id", GONE)]


def _known(object_: str) -> str:
    if object_ not in OBJECTS:
        raise RunFailedError.resource(f'HubSpot has no object "{object_}" that TableSync can read.')
    return object_


def _dated(read: Callable[[httpx.Response], T]) -> Callable[[httpx.Response], tuple[T, int]]:
    return lambda response: (read(response), _date_ms(response))


def _date_ms(response: httpx.Response) -> int:
    try:
        return int(parsedate_to_datetime(response.headers["Date"]).timestamp()) * 1000
    except (KeyError, ValueError, OverflowError):
        raise TransientError("HubSpot's answer has no date that is understood") from None
