"""The shop as a source: products are read by the order of their changes, orders first exported."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from tablesync.service_kit.http.client import new_client
from tablesync.sync_runner.access.answers import Answer, understood
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.provider_client import Call, ProviderClient
from tablesync.sync_runner.sources import SourceSettings
from tablesync.sync_runner.sources.base import (
    Opening,
    Page,
    Position,
    SourceObject,
    SourceProperty,
    SourceRecord,
)

from second_provider.budgets import ShopBudgets, ShopLimits
from second_provider.dialect import (
    OWN_PROPERTIES,
    Definition,
    Told,
    read_definition,
    read_record,
)
from second_provider.outcomes import ExportGoneError, ShopOutcomes
from second_provider.server import COST_OF_A_CALL, COST_OF_A_RECORD, PAGE, TOKEN_HEADER

OBJECTS = {"products": "Products", "orders": "Orders", "reviews": "Reviews"}
EXPORTED = "orders"
LOOK_AGAIN_SECONDS = 0.2
T = TypeVar("T")
A = TypeVar("A", bound=Answer)


class Envelope(Answer, Generic[T]):
    """What is around every answer: the shop's clock, for one."""

    now: datetime
    data: T


class Definitions(Answer):
    """What there is to know of an object."""

    zone: str
    fields: tuple[Definition, ...]


class Changes(Answer):
    """Records in the order of their changes."""

    records: tuple[Told, ...]
    total: int
    more: bool


class Started(Answer):
    """An export that has begun."""

    id: str


class State(Answer):
    """An export: there is a link once it is done."""

    link: str | None


class Exported(Answer):
    """Some lines of an export."""

    records: tuple[Told, ...]
    total: int


class ShopSource:
    """The records of one shop; none of them can be read by its id."""

    ids_at_once = None

    def __init__(self, client: ProviderClient, budgets: ShopBudgets) -> None:
        self._client = client
        self._budgets = budgets
        self._outcomes = ShopOutcomes(budgets, client.connection_id)

    async def objects(self) -> list[SourceObject]:
        """Return the objects that can be synced."""
        return [SourceObject(name, label) for name, label in OBJECTS.items()]

    async def open(self, object_: str) -> Opening:
        """Return an object's properties and the shop's clock."""
        answer = await self._ask(Envelope[Definitions], ask="definitions", object=object_)
        zone = ZoneInfo(answer.data.zone)
        told = (read_definition(each, zone) for each in answer.data.fields)
        return Opening([*OWN_PROPERTIES, *told], round(answer.now.timestamp() * 1000))

    def first_position(self, cursor_ms: int | None, began_ms: int) -> Position:
        """Begin with everything where there is no cursor, else with what changed since."""
        since = {} if cursor_ms is None else {"since_ms": cursor_ms, "after": ""}
        return {"until_ms": began_ms, **since}

    async def read(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        """Read pages from a position to the end of the pass."""
        provided = [each for each in properties if each not in OWN_PROPERTIES]
        if object_ == EXPORTED and "since_ms" not in position:
            pages = self._exported(object_, provided, position)
        else:
            pages = self._changed(object_, provided, {"since_ms": 0, "after": "", **position})
        async for page in pages:
            yield page

    async def read_ids(
        self, object_: str, properties: Sequence[SourceProperty], ids: Sequence[str]
    ) -> list[SourceRecord]:
        """Raise: nobody may ask a source that cannot."""
        raise AssertionError("a shop reads no record by its id")

    async def fates(self, object_: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Raise, for the same reason."""
        raise AssertionError("a shop looks for no record by its id")

    async def _changed(
        self, object_: str, properties: list[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        more = True
        while more and position["since_ms"] <= position["until_ms"]:
            after = {"since_ms": position["since_ms"], "after": position["after"]}
            answer = await self._ask(
                Envelope[Changes], ask="changes", object=object_, first=PAGE, **after
            )
            found = answer.data
            if found.records:
                last = found.records[-1]
                position = {**position, "since_ms": last.changed_ms, "after": last.id}
            more = found.more
            records = [read_record(each, properties) for each in found.records]
            yield Page(records, position, found.total)

    async def _exported(
        self, object_: str, properties: list[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        """Read an export; one that is gone meanwhile begins anew."""
        while True:
            try:
                async for page in self._one_export(object_, properties, position):
                    yield page
                    position = page.position
                return
            except ExportGoneError:
                position = {"until_ms": position["until_ms"]}

    async def _one_export(
        self, object_: str, properties: list[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        if "export" not in position:
            started = await self._ask(Envelope[Started], ask="export", object=object_)
            position = {**position, "export": started.data.id, "line": 0}
        while not (link := await self._link(position["export"])):
            yield Page([], position)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        total = position["line"] + 1
        while position["line"] < total:
            found = await self._lines(link, position["line"])
            total = found.total
            position = {**position, "line": position["line"] + len(found.records)}
            yield Page([read_record(each, properties) for each in found.records], position, total)

    async def _link(self, export: str) -> str | None:
        return (await self._ask(Envelope[State], ask="export_state", id=export)).data.link

    async def _lines(self, link: str, line: int) -> Exported:
        """Follow a link: it counts against nothing."""
        read = partial(understood, Exported)
        classify, params = self._outcomes.classify, {"from": str(line)}
        return await self._client.call(Call("GET", link, [], classify, read, params=params))

    async def _ask(self, model: type[A], **body: Any) -> A:
        weight = COST_OF_A_CALL + COST_OF_A_RECORD * body.get("first", 0)
        return await self._client.call(
            Call(
                "POST",
                "/api",
                self._budgets.claims(weight),
                self._outcomes.classify,
                partial(understood, model),
                json=body,
                learn=self._budgets.learn,
                sign=lambda token: {TOKEN_HEADER: token},
            )
        )


class ShopProvider:
    """Opens the shops that are connected: where each of them is, its grant says."""

    def __init__(self, settings: SourceSettings, budgets: Budgets, limits: ShopLimits) -> None:
        self.http = new_client()
        self._budgets = budgets
        self._limits = limits

    def open(self, client: ProviderClient, account_id: str) -> ShopSource:
        """Open one shop."""
        return ShopSource(client, ShopBudgets(self._budgets, account_id, self._limits))
