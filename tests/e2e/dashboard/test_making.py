"""Making a sync in five steps, editing it while somebody else does, and looking into it."""

import pytest
from playwright.async_api import Browser, expect
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl

from .visitor import PATIENCE_MS, PORTAL, Visitor, visiting

# Beside the origin there is room for a workspace, a draft and a step, and for nothing chosen.
SHORT = 250

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def test_a_sync_is_made_in_five_steps_and_nothing_typed_is_lost(ada: Visitor) -> None:
    page = ada.page
    await ada.connects("hubspot", PORTAL)
    await ada.connects("airtable")
    await ada.open("/syncs/new")
    await page.get_by_role("button", name="Continue to table").click()
    await expect(page.locator(".error").first).to_be_visible()
    await page.get_by_role("link", name="History").click()
    await page.go_back()
    await expect(page.locator(".error").first).to_be_visible()
    await page.get_by_label("Deals").check()
    await page.get_by_role("button", name="Continue to table").click()
    await page.get_by_label("Base").select_option(label="Acme deals")
    await page.get_by_role("button", name="Show its tables").click()
    await page.locator("#table").select_option(label="Deals")
    await page.get_by_role("button", name="Continue to mapping").click()
    await expect(page.get_by_text("Nothing is written yet")).to_be_visible()
    await page.get_by_role("button", name="Continue to schedule").click()
    await page.get_by_label("Name of the sync").fill("Deals by hand")
    await page.get_by_label("Runs every").fill("0")
    await page.get_by_role("button", name="Continue to trial").click()
    await expect(page.locator(".error").first).to_be_visible()
    await expect(page.get_by_label("Name of the sync")).to_have_value("Deals by hand")
    await page.get_by_label("Runs every").fill("60")
    await page.get_by_role("button", name="Continue to trial").click()
    await ada.picture("trial")
    assert len(page.url) < SHORT

    await ada.open("/syncs")
    await page.get_by_role("link", name="Continue").click()
    await expect(page.get_by_role("heading", name="Does it look right?")).to_be_visible()
    await page.get_by_role("button", name="Make the sync").dblclick()

    await expect(page.get_by_role("heading", name="Deals by hand")).to_be_visible()
    async with ada.tablesync as tablesync:
        (made,) = [each async for each in tablesync.syncs.all()]
        assert await tablesync.drafts.all() == ()
    assert (made.name, made.source.object) == ("Deals by hand", "deals")
    assert len(made.mapping) > 2
    await page.go_back()
    await expect(page.get_by_role("heading", name="Deals by hand")).to_be_visible()


async def test_a_draft_is_discarded_and_its_other_tab_is_told(ada: Visitor) -> None:
    page = ada.page
    await ada.connects("hubspot", PORTAL)
    await ada.connects("airtable")
    await ada.open("/syncs/new")
    await page.get_by_label("Deals").check()
    await page.get_by_role("button", name="Continue to table").click()
    await expect(page.get_by_role("heading", name="Where does it go?")).to_be_visible()
    draft = page.url

    await ada.open("/syncs")
    await page.get_by_role("button", name="Discard").click()

    await expect(page.get_by_text("The draft is discarded")).to_be_visible()
    await expect(page.get_by_text("Begun and not finished")).to_have_count(0)
    await page.goto(draft)
    await expect(page.get_by_text("This draft is not there any more")).to_be_visible()
    await page.get_by_role("link", name="Begin a new sync").click()
    await expect(page.get_by_role("heading", name="What is to be synced?")).to_be_visible()


async def test_two_people_edit_a_sync_and_neither_edit_is_lost(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    save = "Save the sync"
    async with visiting(stack, browser, sandbox, "ada") as other:
        other.workspace_id = ada.workspace_id
        await ada.open(f"/syncs/{sync.id}/edit")
        await other.open(f"/syncs/{sync.id}/edit")
        await other.page.get_by_label("Name", exact=True).fill("Renamed meanwhile")
        await other.page.get_by_role("button", name=save).click()
        await expect(other.page.get_by_role("heading", name="Renamed meanwhile")).to_be_visible()
        await ada.page.get_by_label("Runs every").fill("2")

        await ada.page.get_by_role("button", name=save).click()

        await expect(ada.page.get_by_text("What was changed meanwhile")).to_be_visible()
        await ada.page.get_by_role("button", name=save).click()
        await expect(ada.page.get_by_role("heading", name="Renamed meanwhile")).to_be_visible()


async def test_a_record_is_explained_and_a_dry_run_writes_nothing(ada: Visitor) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    (record, *_) = await ada.sandbox.records("hubspot", PORTAL, object="deals")
    await ada.open(f"/syncs/{sync.id}/explain")
    await ada.page.get_by_label("Record", exact=True).fill(str(record["id"]))
    await ada.page.get_by_role("button", name="Explain the record").click()
    await expect(ada.page.locator("section[aria-label=Verdict]")).to_be_visible()

    await ada.open(f"/syncs/{sync.id}/dry-run")
    await ada.page.get_by_role("button", name="Start the dry run").click()

    finished = ada.page.locator("#dry .badge", has_text="Finished")
    await expect(finished).to_be_visible(timeout=PATIENCE_MS)
