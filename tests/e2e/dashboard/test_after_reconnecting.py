"""The page *How to reconnect an integration*: what was missed, what fails yet, and mails."""

import pytest
from playwright.async_api import Page, expect
from tablesync.contracts.public_api.incidents import MailView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.demo.syncs import tables_of
from tablesync.test_kit import eventually

from .visitor import ADA, PATIENCE_MS, PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def test_check_for_missed_data(lost: Visitor) -> None:
    """What changed meanwhile is caught up, and a receipt says so."""
    page, card = lost.page, lost.card("HubSpot")
    made = await lost.sandbox.control("hubspot", PORTAL, "create", object="deals", count=3)
    await expect(card).to_contain_text("Slots missed")
    await lost.will_consent("hubspot", PORTAL)
    popup = await lost.begins_to_reconnect()
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()
    await lost.sees("HubSpot", "Connected")
    await expect(card).to_contain_text("All syncs that use it are fine.", timeout=PATIENCE_MS)

    await card.get_by_label("More for HubSpot").click()
    await card.get_by_role("link", name="History").click()
    await page.get_by_role("link", name="Receipt").click()

    await expect(page.get_by_text("Everything is caught up")).to_be_visible()
    caught_up = page.get_by_role("row", name="HubSpot deals").get_by_role("cell")
    assert (await caught_up.all_inner_texts())[2:5] == ["3", "3", "0"]
    table = tables_of((await lost.sandbox.bases())["bases"])["deals"]
    rows = await lost.sandbox.records("airtable", "-", base=table.base_id, table=table.table_id)
    assert set(made["created"]) <= {str(each["fields"].get("HubSpot ID")) for each in rows}


async def test_connection_shows_connected_but_syncs_still_fail(ada: Visitor) -> None:
    """Its card stays green and says that a sync waits; the sync's page says why, and what helps."""
    page = ada.page
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await spoils_the_mapping(ada, sync)
    await ada.open(f"/syncs/{sync.id}")
    await page.get_by_role("button", name="Sync now").click()
    await page.wait_for_url("**/runs/**")

    await ada.open("/integrations")
    await expect(ada.card("HubSpot")).to_contain_text(
        "1 sync that uses it waits", timeout=PATIENCE_MS
    )
    await ada.sees("HubSpot", "Connected")
    await ada.card("HubSpot").get_by_role("link", name="See the sync").click()
    await page.get_by_role("link", name=sync.name).first.click()

    state = page.get_by_role("region", name="State")
    for said in ("What happened", "What TableSync did", "What you can do"):
        await expect(state.get_by_role("heading", name=said)).to_be_visible()
    await expect(state).to_contain_text(sync.names[sync.mapping[-1].field_id])


async def spoils_the_mapping(ada: Visitor, sync: SyncView) -> None:
    """Have a field that is written to be deleted in Airtable, and another be there for others."""
    name = sync.names[sync.mapping[-1].field_id]
    table = tables_of((await ada.sandbox.bases())["bases"])["deals"]
    there = {"base": table.base_id, "table": table.table_id}
    was = table.fields[name]
    anew = {key: was[key] for key in ("name", "type", "options") if key in was}
    await ada.sandbox.control("airtable", "-", "delete-field", **there, field=name)
    await ada.sandbox.control("airtable", "-", "add-field", **there, field=anew)


async def test_re_select_which_bases_tablesync_can_access(ada: Visitor) -> None:
    """A base that syncs write to is left out: it is named, and back once it is chosen."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    popup = await chooses_bases(ada, without=sync.destination.base_id)
    await popup.get_by_test_id("allow").click()
    await expect(popup.get_by_text("Acme deals")).to_be_visible()
    await popup.close()
    await ada.sees("Airtable", "Needs attention")
    await expect(ada.card("Airtable")).to_contain_text("Acme deals")

    popup = await chooses_bases(ada)
    async with popup.expect_event("close"):
        await popup.get_by_test_id("allow").click()

    await ada.sees("Airtable", "Connected")


async def chooses_bases(ada: Visitor, *, without: str = "") -> Page:
    """Reconnect Airtable from its menu; return the popup, with all bases chosen but one."""
    await ada.open("/integrations")
    card = ada.card("Airtable")
    await card.get_by_label("More for Airtable").click()
    async with ada.page.expect_popup() as opened:
        await card.get_by_role("button", name="Reconnect", exact=True).click()
    popup = await opened.value
    await popup.get_by_role("button", name="Reconnect Airtable").click()
    await popup.get_by_test_id(f"user-{ADA}").click()
    if without:
        await popup.get_by_test_id(f"base-{without}").uncheck()
    return popup


async def test_enable_email_notifications_for_failures(lost: Visitor) -> None:
    """One mail for one loss, with the link that reconnects, and shown on the page of it."""
    page = lost.page
    (mail,) = await eventually(lambda: sent_mails(lost))
    caught = await lost.sandbox.messages(mail.to)
    (told,) = [each for each in caught if each["message_id"] == mail.message_id]
    for said in ("HubSpot is disconnected", "/reconnect/", f"{lost.url}/help/"):
        assert said in told["text"]

    await lost.open("/incidents")
    await page.get_by_role("link", name="was lost").click()
    await page.get_by_role("link", name="Mail about the loss").click()
    await expect(page.get_by_text("WHAT YOU DO")).to_be_visible()
    # What only its reader may open is shown to nobody else.
    shown = await page.locator("main").inner_text()
    assert "/reconnect/" not in shown
    assert "/unsubscribe/" not in shown


async def sent_mails(ada: Visitor) -> list[MailView]:
    """Return the mails about what was lost that have been sent."""
    async with ada.tablesync as tablesync:
        incidents = (await tablesync.incidents.page()).items
    return [mail for each in incidents for mail in each.mails if mail.sent_at]
