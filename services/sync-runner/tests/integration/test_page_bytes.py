"""What a run has of its source in memory is bounded by bytes, and a larger page passes alone."""

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx
import pytest
from sync_runner_rig import Rig, text
from tablesync.contracts import FieldMapping, Provider, Source, SyncSpec
from tablesync.service_kit.http.client import MEGABYTE
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.sources import SOURCES, SourceSettings
from tablesync.sync_runner.sources.base import (
    Opening,
    Page,
    Position,
    SourceObject,
    SourceProperty,
    SourceRecord,
)
from tablesync.test_kit import NO_TLS

PAGES, RECORDS_A_PAGE = 30, 10


class Warehouse:
    """Pages that say how large they are, and ask each time how much of them has arrived."""

    ids_at_once = None

    def __init__(self, rig: Rig, spec: SyncSpec, page_bytes: int) -> None:
        self._rig = rig
        self._spec = spec
        self._page_bytes = page_bytes
        self.most_pages_in_hand = 0.0

    async def objects(self) -> list[SourceObject]:
        return [SourceObject("products", "Products")]

    async def open(self, object_: str) -> Opening:
        return Opening([SourceProperty("id", "id", "string")], 1)

    def first_position(self, cursor_ms: int | None, began_ms: int) -> Position:
        return {"page": 0}

    async def read(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        for page in range(position["page"], PAGES):
            ids = [f"{page}-{each}" for each in range(RECORDS_A_PAGE)]
            records = [SourceRecord(each, {"id": each}) for each in ids]
            yield Page(records, {"page": page + 1}, size=self._page_bytes)
            arrived = len(await self._rig.named_rows(self._spec)) / RECORDS_A_PAGE
            self.most_pages_in_hand = max(self.most_pages_in_hand, page + 1 - arrived)

    async def read_ids(
        self, object_: str, properties: Sequence[SourceProperty], ids: Sequence[str]
    ) -> list[SourceRecord]:
        raise AssertionError("nobody reads by id here")

    async def fates(self, object_: str, ids: Sequence[str]) -> Mapping[str, str]:
        return {}


@pytest.mark.parametrize(
    ("page_megabytes", "most_pages"),
    [(4, 2 + 2 + 2), (100, 1 + 1 + 2)],
    ids=["two fit", "none fits"],
)
async def test_pages_are_bounded_by_bytes(rig: Rig, page_megabytes: int, most_pages: int) -> None:
    """Open ones, those ahead, the one in hand and the one that waits to be put among them."""
    table, (key,) = await rig.new_table(text("Id"))
    spec = await rig.spec(
        source=Source(connection_id="con_hubspot", provider=Provider.HUBSPOT, object="products"),
        destination=table,
        key=FieldMapping(source="id", field_id=key),
        mapping=(),
    )
    warehouse = Warehouse(rig, spec, page_megabytes * MEGABYTE)

    class Provided:
        def __init__(self, settings: SourceSettings, budgets: Budgets) -> None:
            self.http = httpx.AsyncClient(verify=NO_TLS)

        def open(self, client: ProviderClient, account_id: str) -> Warehouse:
            return warehouse

    known = {**SOURCES, Provider.HUBSPOT: Provided}
    await rig.slow_down(Provider.AIRTABLE, 50)
    async with rig.runner(known_sources=known, runner_page_megabytes=8, runner_writes_in_flight=1):
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", PAGES * RECORDS_A_PAGE)
    assert warehouse.most_pages_in_hand <= most_pages
