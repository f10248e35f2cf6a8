"""A provider that offers what `SourceProvider` asks for is read: nothing else has to know it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from sync_runner_rig import Rig, text
from tablesync.contracts import Account, ConnectionEvent, FieldMapping, Provider, Source, SyncSpec
from tablesync.contracts.internal_api import AuthFailureRuling
from tablesync.service_kit import clock
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.sources import SOURCES, SourceSettings, StartProvider
from tablesync.sync_runner.sources.base import (
    Opening,
    Page,
    Position,
    SourceObject,
    SourceProperty,
    SourceRecord,
)
from tablesync.test_kit import NO_TLS

SHOP = "con_shop"
TITLES = {"1": "Ananas", "2": "Boskoop", "3": "Cassis"}


def product(id_: str) -> SourceRecord:
    return SourceRecord(id_, {"id": id_, "title": TITLES[id_]})


class Shelf:
    """What one shop has on its shelf: three products, which stand in this file."""

    ids_at_once: int | None = 2

    async def objects(self) -> list[SourceObject]:
        return [SourceObject("products", "Products")]

    async def open(self, object_: str) -> Opening:
        return Opening([SourceProperty(name, name, "string") for name in ("id", "title")], 1)

    def first_position(self, cursor_ms: int | None, began_ms: int) -> Position:
        return {"after": ""}

    async def read(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        for id_ in sorted(each for each in TITLES if each > position["after"]):
            yield Page([product(id_)], {"after": id_}, len(TITLES))

    async def read_ids(
        self, object_: str, properties: Sequence[SourceProperty], ids: Sequence[str]
    ) -> list[SourceRecord]:
        return [product(each) for each in ids if each in TITLES]

    async def fates(self, object_: str, ids: Sequence[str]) -> Mapping[str, str]:
        return {}


class Window(Shelf):
    """A shelf behind glass: it is read as a whole, and nothing by its id."""

    ids_at_once = None

    async def read_ids(
        self, object_: str, properties: Sequence[SourceProperty], ids: Sequence[str]
    ) -> list[SourceRecord]:
        raise AssertionError("nothing can be read by its id")


class Shop:
    """The provider: nobody is called, so that one client does for all."""

    shelf: type[Shelf] = Shelf

    def __init__(self, settings: SourceSettings, budgets: Budgets) -> None:
        self.http = httpx.AsyncClient(verify=NO_TLS)

    def open(self, client: ProviderClient, account_id: str) -> Shelf:
        return self.shelf()


class ShopWindow(Shop):
    """A provider whose records cannot be read by id."""

    shelf = Window


class Lender:
    """auth-service, as far as a run needs it: it lends the one token that is called with."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        account = Account(id=f"account of {connection_id}", name="Acme")
        return Grant(self._token, 1, clock.seconds() + 600, account)

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        raise AssertionError("no provider refuses anything here")

    async def connection_states(self, since: int = 0) -> AsyncIterator[Sequence[ConnectionEvent]]:
        yield ()


async def spec_of(rig: Rig, key: str, other: str) -> SyncSpec:
    """Make a sync of the shop's products by one of their two properties."""
    table, ids = await rig.new_table(text(key.capitalize()), text(other.capitalize()))
    first, second = map(_mapped, (key, other), ids)
    source = Source(connection_id=SHOP, provider=Provider.SHOPIFY, object="products")
    return await rig.spec(source=source, destination=table, key=first, mapping=(second,))


def _mapped(source: str, field_id: str) -> FieldMapping:
    return FieldMapping(source=source, field_id=field_id)


def runner(rig: Rig, shop: type[Shop]) -> AbstractAsyncContextManager[str]:
    """Run a runner that knows a shop."""
    known: Mapping[Provider, StartProvider] = {**SOURCES, Provider.SHOPIFY: shop}
    return rig.runner(auth_service=Lender(rig.airtable.token), known_sources=known)


async def test_another_source_is_read_into_airtable(rig: Rig) -> None:
    spec = await spec_of(rig, "id", "title")
    async with runner(rig, Shop):
        first, second = await rig.run(spec), await rig.run(spec)
    assert (first["status"], first["counts"]["written"]) == ("succeeded", 3)
    assert (second["status"], second["counts"]["unchanged"]) == ("succeeded", 3)
    rows = {each["Id"]: each["Title"] for each in await rig.named_rows(spec)}
    assert rows == TITLES
    assert (await rig.checkpoint(spec))["origin"] == f"shopify/account of {SHOP}"
    assert not rig.auth.asked


async def test_a_key_whose_holder_cannot_be_asked_waits_for_a_full_pass(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = await spec_of(rig, "title", "id")
    async with runner(rig, ShopWindow):
        await rig.run(spec)
        monkeypatch.delitem(TITLES, "1")
        monkeypatch.setitem(TITLES, "4", "Ananas")
        rejections = await rig.rejections((await rig.run(spec))["_id"])
        assert rejections["4"]["reason"] == (
            'record 1 had the same "title" when it was last read; the next full pass decides'
        )
        last = await rig.check(spec)
    assert (last["status"], last["counts"]["rejected"]) == ("succeeded", 0)
    assert last["summary"] == (
        "Checked 4 records: 1 was new or had changed at the source, 1 is gone at the source."
    )
    rows = {each["Title"]: each["Id"] for each in await rig.named_rows(spec)}
    assert rows == {"Ananas": "4", "Boskoop": "2", "Cassis": "3"}
