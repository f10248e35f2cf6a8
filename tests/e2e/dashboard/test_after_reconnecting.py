"""The page *How to reconnect an integration*: what was missed, what fails yet, and mails."""

import pytest
from playwright.async_api import Page, expect
from tablesync.contracts.public_api.incidents import IncidentStatus, MailView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.demo.syncs import tables_of
from tablesync.test_kit import eventually

from .visitor import ADA, PATIENCE_MS, PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# What somebody has chosen of a sync.
SET_UP = ("source", "destination", "key", "mapping", "schedule", "overlap")
# One that only this portal has.
CUSTOM_PROPERTY = "Auto renewal"


async def test_check_for_missed_data(lost: Visitor) -> None:
    """What changed meanwhile is caught up, and a receipt says so.

    What was made and deleted meanwhile is not there any more: the receipt says that too.
    """
    page, card = lost.page, lost.card("HubSpot")
    made = await lost.sandbox.control("hubspot", PORTAL, "create", object="deals", count=4)
    (purged, *kept) = made["created"]
    await lost.sandbox.control("hubspot", PORTAL, "purge", object="deals", ids=[purged])
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
    written = {str(each["fields"].get("HubSpot ID")) for each in rows}
    assert set(kept) <= written
    assert purged not in written
    await expect(page.get_by_text("made and deleted at the source within the gap")).to_be_visible()


async def test_multiple_syncs_failing_simultaneously(ada: Visitor) -> None:
    """They have one cause, one mail and one button, and are set up as before once it is pressed."""
    page, card = ada.page, ada.card("HubSpot")
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    made = [await ada.makes_a_sync(each, hubspot, airtable) for each in ("deals", "contacts")]
    async with ada.tablesync as tablesync:
        properties = (await tablesync.catalog.properties(hubspot, "deals")).items
        await ada.sandbox.control("hubspot", PORTAL, "revoke")
        await tablesync.syncs.run_connection(hubspot)
    await ada.open("/integrations")
    await ada.sees("HubSpot", "Disconnected")
    await expect(card).to_contain_text("2 syncs wait", timeout=PATIENCE_MS)
    for each in made:
        await ada.open(f"/syncs/{each.id}")
        state = page.get_by_role("region", name="State")
        await expect(state.get_by_role("heading", name="What happened")).to_be_visible()
        await expect(state.get_by_role("button", name="Reconnect HubSpot")).to_be_visible()
    assert len(await eventually(lambda: sent_mails(ada))) == 1

    await ada.open("/integrations")
    await ada.will_consent("hubspot", PORTAL)
    popup = await ada.begins_to_reconnect()
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()
    await expect(card).to_contain_text("All syncs that use it are fine.", timeout=PATIENCE_MS)

    async with ada.tablesync as tablesync:
        for each in made:
            kept = await tablesync.syncs.get(each.id)
            assert all(getattr(kept, name) == getattr(each, name) for name in SET_UP)
            runs = (await tablesync.runs.page(sync_id=each.id)).items
            assert str(runs[0].trigger) == "catch_up"
        assert (await tablesync.catalog.properties(hubspot, "deals")).items == properties
        assert len((await tablesync.incidents.page()).items) == 1
    await ada.open(f"/syncs/{made[0].id}/edit")
    await expect(page.locator("main")).to_contain_text(CUSTOM_PROPERTY)


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
    await expect(popup.get_by_text("or all of them")).to_be_visible()
    await popup.get_by_role("button", name="Reconnect Airtable").click()
    await popup.get_by_test_id(f"user-{ADA}").click()
    if without:
        await popup.get_by_test_id(f"base-{without}").uncheck()
    return popup


async def test_enable_email_notifications_for_failures(lost: Visitor) -> None:
    """One mail for one loss, with the link that reconnects, and shown on the page of it.

    Whoever wants none gets none of the next one, of which the page says so.
    """
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

    await lost.open("/settings")
    await page.get_by_label("Mail me when").uncheck()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Your mails are as you chose.")).to_be_visible()
    async with lost.tablesync as tablesync:
        (sync,) = [each async for each in tablesync.syncs.all()]
    await lost.signs_in("hubspot", PORTAL, sync.source.connection_id)
    await lost.open("/integrations")
    await lost.sees("HubSpot", "Connected")
    await lost.loses_hubspot()
    await lost.sees("HubSpot", "Disconnected")
    incident_id = await eventually(lambda: unwanted(lost))
    await lost.open(f"/incidents/{incident_id}")
    await expect(page.get_by_text("everyone it could go to has switched mails off")).to_be_visible()
    caught = await lost.sandbox.messages(mail.to)
    ours = [each for each in caught if lost.workspace_id in each["text"]]
    assert [each["message_id"] for each in ours] == [mail.message_id]


async def unwanted(ada: Visitor) -> str | None:
    """Return the open incident, once its mail is known to be wanted by nobody."""
    async with ada.tablesync as tablesync:
        incidents = (await tablesync.incidents.page(status=IncidentStatus.OPEN)).items
    told = [each.id for each in incidents for mail in each.mails if mail.status == "unwanted"]
    return told[0] if told else None


async def sent_mails(ada: Visitor) -> list[MailView]:
    """Return the mails about what was lost that have been sent."""
    async with ada.tablesync as tablesync:
        incidents = (await tablesync.incidents.page()).items
    return [mail for each in incidents for mail in each.mails if mail.sent_at]
