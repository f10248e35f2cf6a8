"""The first day: a workspace that `make up DEMO=1` has furnished, and one that has nothing yet."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tablesync.client import TableSync
from tablesync.contracts.public_api.people import NewApiToken
from tablesync.contracts.public_api.runs import RunView
from tablesync.demo.furnished.__main__ import furnish
from tablesync.demo.furnished.pieces import PIECES
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl

from .visitor import PATIENCE_MS, PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


class BrokenOffError(Exception):
    """Somebody has pressed Ctrl-C."""


class Said:
    """What is printed meanwhile; it is broken off, once each, where one of these is said."""

    def __init__(self, *break_off: str) -> None:
        self.lines: list[str] = []
        self._break_off = list(break_off)

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        if self._break_off and self._break_off[0] in line:
            raise BrokenOffError(self._break_off.pop(0))


@pytest_asyncio.fixture
async def furnished(
    stack: LocalStack, browser: Browser, sandbox: SandboxControl
) -> AsyncIterator[Visitor]:
    """Ada in the furnished workspace, whose seeding was broken off twice; it is left at peace."""
    said = Said("sync 5 of", "Partners meets trouble")
    for _ in range(2):
        with pytest.raises(BrokenOffError):
            await furnish(stack.info, said)
    await furnish(stack.info, said)
    assert said.lines[-1].startswith("DEMO: ready")
    async with visiting(stack, browser, sandbox, "ada") as ada:
        ada.workspace_id = stack.info.workspace_id
        yield ada
        async with ada.tablesync as tablesync:
            for each in (await tablesync.connections.page()).items:
                await tablesync.connections.disconnect(each.id)


async def test_make_up_demo_furnishes_weeks_twelve_syncs_and_one_broken_connection(
    furnished: Visitor, stack: LocalStack, browser: Browser, sandbox: SandboxControl
) -> None:
    page = furnished.page
    await furnished.open("/integrations")
    badges = page.locator("article .badge")
    assert Counter(await badges.all_inner_texts()) == {"Connected": 2, "Disconnected": 1}
    await furnished.picture("furnished")

    async with furnished.tablesync as tablesync:
        await has_twelve_syncs_whose_books_agree(tablesync)
        await has_a_healed_outage_and_one_that_lasts(tablesync)
        before = await all_of(tablesync)
        said = Said()
        await furnish(stack.info, said)
        assert said.lines == ["DEMO: furnished already"]
        assert await all_of(tablesync) == before

    weeks_ago = datetime.now(UTC) - timedelta(weeks=3)
    await furnished.open(f"/runs?to={weeks_ago:%Y-%m-%dT%H:%M}")
    await expect(page.locator("tbody tr")).to_have_count(50)
    await leads_from_a_record_to_the_run_that_brought_it(furnished)
    await furnished.open("/incidents")
    await expect(page.get_by_text("globex.test")).to_have_count(2)

    async with visiting(stack, browser, sandbox, "bob") as bob:
        bob.workspace_id = furnished.workspace_id
        assert await bob.open("/syncs") == 200
        await expect(bob.page.locator("tbody tr")).to_have_count(len(PIECES))


async def has_twelve_syncs_whose_books_agree(tablesync: TableSync) -> None:
    syncs = [each async for each in tablesync.syncs.all()]
    assert {each.name for each in syncs} == {each.name for each in PIECES}
    states = Counter(str(each.status) for each in syncs)
    assert states == {"active": 4, "paused": 2, "held": 6}
    for each in syncs:
        ledger = await tablesync.syncs.ledger(each.id)
        assert ledger.balanced
        assert ledger.run >= 4
        runs = [run async for run in runs_of(tablesync, each.id)]
        assert sum(run.slot is not None for run in runs) == ledger.run
        assert runs[-1].requested_at < datetime.now(UTC) - timedelta(weeks=4)


async def has_a_healed_outage_and_one_that_lasts(tablesync: TableSync) -> None:
    (broken,) = [
        each for each in (await tablesync.connections.page()).items if each.badge == "Disconnected"
    ]
    told = [each.kind for each in (await tablesync.connections.history(broken.id)).items]
    assert told == ["revoked", "reconnected", "revoked", "established"]
    now, healed = (await tablesync.receipts.page(broken.id)).items
    assert now.back_at is None
    assert healed.back_at
    assert healed.back_at < datetime.now(UTC) - timedelta(days=3)
    receipt = await tablesync.receipts.get(broken.id, round(healed.lost_at.timestamp() * 1_000))
    assert (receipt.done, receipt.slots_missed) == (4, 14)
    assert receipt.counts.written
    incidents = (await tablesync.incidents.page(connection_id=broken.id)).items
    sent = [[str(mail.kind) for mail in each.mails if mail.sent_at] for each in incidents]
    assert sent == [["revocation"], ["revocation", "recovery"]]


async def leads_from_a_record_to_the_run_that_brought_it(furnished: Visitor) -> None:
    record, *_ = await furnished.sandbox.records("hubspot", PORTAL, object="contacts")
    async with furnished.tablesync as tablesync:
        (sync,) = [each async for each in tablesync.syncs.all() if each.name == "Contacts"]
    await furnished.open(f"/syncs/{sync.id}/explain?record={record['id']}")
    await furnished.page.get_by_role("link", name="Show the run").click()
    await expect(furnished.page.get_by_role("heading", level=1)).to_contain_text("Contacts")
    await expect(furnished.page.get_by_text("Finished")).to_be_visible()


async def runs_of(tablesync: TableSync, sync_id: str | None = None) -> AsyncIterator[RunView]:
    page = await tablesync.runs.page(sync_id=sync_id, limit=200)
    while True:
        for each in page.items:
            yield each
        if page.next_cursor is None:
            return
        page = await tablesync.runs.page(sync_id=sync_id, limit=200, cursor=page.next_cursor)


async def all_of(tablesync: TableSync) -> list[str]:
    """Return the ids of all that is kept of the workspace."""
    found = [each.id async for each in tablesync.syncs.all()]
    found += [each.id async for each in runs_of(tablesync)]
    found += [each.id for each in (await tablesync.connections.page()).items]
    return [*found, *(each.id for each in (await tablesync.incidents.page()).items)]


async def test_an_empty_workspace_shows_four_steps_to_the_first_rows_and_is_not_furnished_then(
    ada: Visitor,
) -> None:
    page = ada.page
    steps = page.get_by_role("region", name="First steps")
    now = steps.locator("[aria-current=step]")
    await expect(steps.get_by_role("listitem")).to_have_count(4)
    await expect(now.get_by_role("heading")).to_have_text("Connect Airtable")
    await expect(now.get_by_text("Connect Airtable").last).to_be_visible()

    airtable = await ada.connects("airtable")
    await ada.open("/integrations")
    await expect(now.get_by_role("heading")).to_have_text("Connect a source")

    hubspot = await ada.connects("hubspot")
    await ada.open("/integrations")
    await now.get_by_role("link", name="Make the first sync").click()
    await expect(page).to_have_url(f"{ada.url}/w/{ada.workspace_id}/syncs/new")

    await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/integrations")
    await ada.sees("HubSpot", "Connected")
    await expect(steps).to_have_count(0, timeout=PATIENCE_MS)
    async with ada.tablesync as tablesync:
        token = (await tablesync.api_tokens.create(NewApiToken(name="demo"))).api_token
        before, said = await all_of(tablesync), Said()
        info = replace(ada.stack.info, workspace_id=ada.workspace_id, api_token=token)
        await furnish(info, said)
        assert await all_of(tablesync) == before
    assert len(said.lines) == 1
    assert said.lines[0].startswith("DEMO: nothing is added")
