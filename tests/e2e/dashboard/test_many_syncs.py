"""Many syncs at once: those chosen, all that match, all of a connection; and a copy of one."""

import pytest
from playwright.async_api import expect
from tablesync.contracts.public_api.syncs import SyncCopy, SyncView

from .visitor import PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def has_three_syncs(ada: Visitor) -> tuple[SyncView, SyncView, SyncView]:
    """Make a sync, and two like it: those are paused until somebody resumes them."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    first = await ada.makes_a_sync("deals", hubspot, airtable)
    async with ada.tablesync as tablesync:
        second = await tablesync.syncs.duplicate(first.id, SyncCopy(name="Second"))
        third = await tablesync.syncs.duplicate(first.id, SyncCopy(name="Third"))
    return first, second, third


async def paused(ada: Visitor) -> set[str]:
    """Return the ids of the syncs that are paused."""
    async with ada.tablesync as tablesync:
        return {each.id async for each in tablesync.syncs.all() if each.paused}


async def test_syncs_are_changed_by_choice_and_all_that_match_and_told_what_did_not_work(
    ada: Visitor,
) -> None:
    page = ada.page
    first, second, third = await has_three_syncs(ada)
    await ada.open("/syncs")
    await expect(page.get_by_label("All 3 that match")).to_be_visible()
    await expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    for each in (first, third):
        await page.get_by_label(f"Choose {each.name}").check()
    await page.get_by_role("button", name="Resume").click()
    await ada.is_told("1 sync resumed", "1 was so already.")
    assert await paused(ada) == {second.id}

    await ada.open("/syncs?q=Third")
    await page.get_by_label("All 1 that match").check()
    await page.get_by_role("button", name="Pause").click()
    await ada.is_told("1 sync paused")
    assert await paused(ada) == {second.id, third.id}

    async with ada.tablesync as tablesync:
        await tablesync.connections.disconnect(first.source.connection_id)
    await ada.open("/syncs")
    await page.get_by_label("All 3 that match").check()
    await page.get_by_role("button", name="Sync now").click()
    await ada.is_told("0 syncs asked to run", "3 syncs could not be asked to run", "Third")
    causes = page.locator("#bulk-change li .sub")
    await expect(causes.first).to_contain_text("HubSpot")
    await page.get_by_role("link", name=first.name).click()
    await expect(page.get_by_role("heading", name=first.name)).to_be_visible()


async def test_pause_all_syncs_of_a_connection_and_resume_exactly_those(ada: Visitor) -> None:
    card = ada.card("HubSpot")
    first, second, third = await has_three_syncs(ada)
    async with ada.tablesync as tablesync:
        await tablesync.syncs.resume(second.id)

    await ada.acts("Pause all 2 syncs")
    await ada.is_told("2 syncs paused")
    assert await paused(ada) == {first.id, second.id, third.id}

    await ada.acts("Resume the 2 paused")
    await ada.is_told("2 syncs resumed")
    assert await paused(ada) == {third.id}

    await ada.acts("Sync all now")
    await ada.is_told("asked to run")
    await ada.open("/integrations")
    await expect(card).to_contain_text("Connected")
    async with ada.tablesync as tablesync:
        runs = [(await tablesync.runs.page(sync_id=each.id)).items for each in (first, second)]
    assert [[str(run.trigger) for run in of_one] for of_one in runs] == [["manual"] * 2, ["manual"]]


async def test_a_sync_is_duplicated_and_the_copy_waits_to_be_changed(ada: Visitor) -> None:
    page = ada.page
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open(f"/syncs/{sync.id}")
    await page.get_by_label(f"More for {sync.name}").click()
    await page.get_by_role("link", name="Duplicate", exact=True).click()
    await expect(page.get_by_label("Its name")).to_have_value(f"{sync.name} (copy)")
    await page.get_by_label("Its name").fill("Deals for finance")

    await page.get_by_role("button", name="Duplicate the sync").dblclick()

    await expect(page.get_by_role("heading", name="Deals for finance")).to_be_visible()
    await expect(page.locator("#state")).to_contain_text("Paused")
    async with ada.tablesync as tablesync:
        syncs = [each async for each in tablesync.syncs.all()]
    (copy,) = [each for each in syncs if each.id != sync.id]
    same = ("source", "destination", "key", "mapping", "schedule")
    assert all(getattr(copy, each) == getattr(sync, each) for each in same)
