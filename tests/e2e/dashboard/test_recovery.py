"""A recovery in its details: while a run goes on, with less allowed, and with records refused."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.demo.syncs import tables_of

from .visitor import PATIENCE_MS, PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# A source that answers this slowly leaves time to look at a run while it goes on.
SLOWLY_MS = 20_000
ODD_VALUE = "no-such-choice"
GAP = re.compile(r"[Gg]ap today, \d\d:\d\d–\d\d:\d\d")


async def connected(ada: Visitor) -> tuple[str, SyncView]:
    """Have a sync; return the id of its source's connection, too."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    return hubspot, await ada.makes_a_sync("deals", hubspot, airtable)


async def runs_of(ada: Visitor, sync: SyncView) -> Sequence[RunView]:
    """Return the runs of a sync, newest first."""
    async with ada.tablesync as tablesync:
        return (await tablesync.runs.page(sync_id=sync.id)).items


@asynccontextmanager
async def slow(ada: Visitor) -> AsyncIterator[None]:
    """Have HubSpot take its time for a block; what waits then is answered at once."""
    try:
        await ada.sandbox.control("hubspot", PORTAL, "latency", ms=SLOWLY_MS)
        yield
    finally:
        await ada.sandbox.control("hubspot", PORTAL, "latency", ms=0)
        await ada.sandbox.control("hubspot", PORTAL, "hurry")


async def test_can_i_reconnect_while_syncs_are_running(ada: Visitor) -> None:
    """A run in progress goes on with the new grant: no hold, no incident, no mail."""
    badge = ada.page.locator("#run-badge")
    hubspot, sync = await connected(ada)
    await ada.open(f"/syncs/{sync.id}")
    async with slow(ada):
        await ada.page.get_by_role("button", name="Sync now").click()
        await expect(badge).to_have_text("Running", timeout=PATIENCE_MS)
        await ada.signs_in("hubspot", PORTAL, hubspot)
        async with ada.tablesync as tablesync:
            assert (await tablesync.connections.get(hubspot)).grant_version == 2
        await expect(badge).to_have_text("Running")

    await expect(badge).to_have_text("Finished", timeout=PATIENCE_MS)
    async with ada.tablesync as tablesync:
        assert not (await tablesync.syncs.get(sync.id)).holds
        assert not (await tablesync.incidents.page()).items
        (own,) = [each.email async for each in tablesync.members.all()]
    assert not [
        each for each in await ada.sandbox.messages(own) if ada.workspace_id in each["text"]
    ]
    assert [str(each.trigger) for each in await runs_of(ada, sync)] == ["manual"] * 2


async def test_review_what_timeframe_was_missed_while_it_is_caught_up(lost: Visitor) -> None:
    """The card and the run tell the gap and how far it is, in words and as a bar."""
    page, card = lost.page, lost.card("HubSpot")
    async with lost.tablesync as tablesync:
        (sync,) = [each async for each in tablesync.syncs.all()]
    async with slow(lost):
        await lost.signs_in("hubspot", PORTAL, sync.source.connection_id)
        await expect(card.get_by_label("Catch-up of HubSpot")).to_be_visible(timeout=PATIENCE_MS)
        for said in (GAP, re.compile(r"0 of 1 sync"), re.compile(r"\d+ records")):
            await expect(card).to_contain_text(said)
        run = (await runs_of(lost, sync))[0]
        await lost.open(f"/runs/{run.id}")
        await expect(page.get_by_role("progressbar", name="Records read")).to_be_visible()
        await expect(page.locator("#run-figures")).to_contain_text(GAP)

    await expect(page.locator("#run-badge")).to_have_text("Finished", timeout=PATIENCE_MS)


async def test_approve_all_permission_requests(ada: Visitor) -> None:
    """What was not allowed is named on the card, until somebody reconnects and allows it."""
    hubspot, _ = await connected(ada)
    async with ada.tablesync as tablesync:
        allowed = (await tablesync.connections.get(hubspot)).scopes
    some = [each for each in allowed if "deals" not in each]
    await ada.signs_in("hubspot", PORTAL, hubspot, scopes=some)
    await ada.open("/integrations")
    await ada.sees("HubSpot", "Needs attention")
    await expect(ada.card("HubSpot")).to_contain_text("TableSync was not allowed to read deals")
    await ada.will_consent("hubspot", PORTAL)

    popup = await ada.begins_to_reconnect()
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()

    await ada.sees("HubSpot", "Connected")


async def test_check_the_specific_sync_error_messages(ada: Visitor) -> None:
    """A record that is refused is told with field, value and reason, and as a file for a sheet."""
    page = ada.page
    _, sync = await connected(ada)
    async with an_odd_record(ada, sync) as (record_id, field):
        await ada.open(f"/syncs/{sync.id}")
        await page.get_by_role("button", name="Sync now").click()
        badge = page.locator("#run-badge")
        await expect(badge).to_have_text("Finished with 1 rejected", timeout=PATIENCE_MS)

    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="CSV").click()

    kept = await (await downloading.value).path()
    (rejected,) = csv.DictReader(io.StringIO(kept.read_text("utf-8")))
    assert (rejected["Record"], rejected["Field"]) == (record_id, field)
    assert ODD_VALUE in rejected["Value"]
    assert ODD_VALUE in rejected["Reason"]


@asynccontextmanager
async def an_odd_record(ada: Visitor, sync: SyncView) -> AsyncIterator[tuple[str, str]]:
    """Have a deal for a block whose value no option of its field has; yield its id and the field.

    All stories have the same portal: nobody else is to meet it.
    """
    fields = tables_of((await ada.sandbox.bases())["bases"])["deals"].fields
    name, field = next(each for each in fields.items() if each[1]["type"] == "singleSelect")
    source = next(each.source for each in sync.mapping if each.field_id == field["id"])
    control = ada.sandbox.control
    (id_,) = (await control("hubspot", PORTAL, "create", object="deals", count=1))["created"]
    odd = {source: ODD_VALUE}
    try:
        await control("hubspot", PORTAL, "edit", object="deals", ids=[id_], properties=odd)
        yield str(id_), name
    finally:
        await control("hubspot", PORTAL, "purge", object="deals", ids=[id_])
