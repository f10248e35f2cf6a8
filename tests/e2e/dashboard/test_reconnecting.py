"""The page *How to reconnect an integration*, point by point, in a real browser."""

import pytest
from playwright.async_api import expect

from .visitor import ADA, LOOKS, OTHER_PORTAL, PATIENCE_MS, PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BLOCKS_POPUPS = "window.open = () => null"


async def test_a_connection_that_is_lost_is_shown_as_disconnected_and_back_after_one_click(
    lost: Visitor,
) -> None:
    card = lost.card("HubSpot")
    await expect(card).to_contain_text("The TableSync app was uninstalled at HubSpot.")
    await expect(card).to_contain_text("1 sync waits; rows, mappings and schedules stay")
    await lost.page.reload()
    await lost.picture("disconnected")
    await card.get_by_role("button", name="Reconnect HubSpot").focus()
    await lost.picture("reconnect")
    await lost.will_consent("hubspot", PORTAL)
    popup = await lost.begins_to_reconnect()
    await lost.picture("consent", popup)

    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()

    await lost.sees("HubSpot", "Connected")
    await expect(card).to_contain_text("acme.test")
    await expect(card).to_contain_text("All syncs that use it are fine.", timeout=PATIENCE_MS)
    await expect(lost.page.locator("#banners .banner")).to_have_count(0)
    await lost.open("/integrations")
    await lost.picture("connected")
    async with lost.tablesync as tablesync:
        (sync,) = [each async for each in tablesync.syncs.all()]
        runs = (await tablesync.runs.page(sync_id=sync.id)).items
    assert next(str(each.trigger) for each in runs) == "catch_up"
    assert not sync.holds

    await lost.open("/incidents")
    await expect(lost.page.get_by_text("was uninstalled at HubSpot")).to_be_visible()
    await lost.page.get_by_role("link", name="was lost").click()
    await expect(lost.page.get_by_text("Mail about the loss").first).to_be_visible()


async def test_pop_up_was_blocked(lost: Visitor) -> None:
    await lost.page.add_init_script(BLOCKS_POPUPS)
    await lost.page.reload()
    await lost.will_consent("hubspot", PORTAL)

    await lost.card("HubSpot").get_by_role("button", name="Reconnect HubSpot").click()

    await expect(lost.page.get_by_text("Your browser blocked the popup")).to_be_visible()
    await lost.open("/integrations")
    await lost.card("HubSpot").get_by_role("link", name="Continue").click()
    await expect(lost.page.get_by_text("Your browser blocked the popup")).to_be_visible()
    await lost.page.get_by_role("button", name="Reconnect HubSpot").click()
    await lost.page.wait_for_url("**/integrations")
    await lost.sees("HubSpot", "Connected")


async def test_a_connections_own_page_reconnects_it_and_shows_it_connected(lost: Visitor) -> None:
    await lost.card("HubSpot").get_by_label("More for HubSpot").click()
    await lost.card("HubSpot").get_by_role("link", name="History").click()
    await expect(lost.page.locator("main .badge").first).to_have_text("Disconnected")
    await lost.will_consent("hubspot", PORTAL)
    async with lost.page.expect_popup() as opened:
        await lost.page.get_by_role("button", name="Reconnect HubSpot").click()
    popup = await opened.value
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()

    await expect(lost.page.locator("main .badge").first).to_have_text("Connected")
    await expect(lost.page.get_by_text("Reconnected by")).to_be_visible()


async def test_a_popup_that_is_closed_loses_nothing(lost: Visitor) -> None:
    popup = await lost.begins_to_reconnect()
    await popup.close()

    await lost.page.reload()
    card = lost.card("HubSpot")
    await expect(card).to_contain_text("Sign-in under way")
    await lost.will_consent("hubspot", PORTAL)
    async with lost.page.expect_popup() as opened:
        await card.get_by_role("link", name="Continue").click()
    popup = await opened.value
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()

    await lost.sees("HubSpot", "Connected")


async def test_a_sign_in_under_way_can_be_cancelled(lost: Visitor) -> None:
    await (await lost.begins_to_reconnect()).close()
    await lost.page.reload()

    await lost.card("HubSpot").get_by_role("button", name="Cancel").click()

    await expect(lost.page.get_by_text("The sign-in was cancelled.")).to_be_visible()
    await expect(
        lost.card("HubSpot").get_by_role("button", name="Reconnect HubSpot")
    ).to_be_visible()


async def test_authorization_denied(ada: Visitor) -> None:
    """Nothing is changed; whoever signs out there is asked who they are, and allows all."""
    airtable = await ada.connects("airtable")
    await ada.open("/integrations")
    await ada.will_consent("airtable", decision="deny")
    await ada.card("Airtable").get_by_label("More for Airtable").click()
    async with ada.page.expect_popup() as opened:
        await ada.card("Airtable").get_by_role("button", name="Reconnect").click()
    popup = await opened.value

    await popup.get_by_role("button", name="Reconnect Airtable").click()

    await expect(popup.get_by_role("heading", name="Airtable was not connected")).to_be_visible()
    await ada.sees("Airtable", "Connected")
    async with popup.expect_popup() as opened:
        await popup.get_by_role("link", name="Sign out of Airtable").click()
    await expect((await opened.value).get_by_text("signed out")).to_be_visible()
    await (await opened.value).close()

    await popup.get_by_role("button", name="Try again").click()
    await popup.get_by_role("button", name="Reconnect Airtable").click()
    await popup.get_by_test_id(f"user-{ADA}").click()
    async with popup.expect_event("close"):
        await popup.get_by_test_id("allow").click()
    await expect(ada.page.get_by_text("Airtable was not connected")).to_have_count(0)
    async with ada.tablesync as tablesync:
        assert (await tablesync.connections.get(airtable)).grant_version == 2


async def test_a_first_sign_in_that_never_comes_back_has_a_card(ada: Visitor) -> None:
    await ada.connects("airtable")
    await ada.open("/integrations")
    async with ada.page.expect_popup() as opened:
        await ada.page.get_by_role("button", name="Connect HubSpot").click()
    popup = await opened.value
    await expect(popup.get_by_role("button", name="Continue to HubSpot")).to_be_visible()

    await popup.close()

    card = ada.card("HubSpot")
    await expect(card).to_contain_text("Sign-in under way")
    await expect(card.get_by_role("link", name="Continue")).to_be_visible()
    await expect(card.get_by_role("link", name="Sign out of HubSpot")).to_be_visible()
    async with ada.tablesync as tablesync:
        (attempt,) = await tablesync.authorizations.pending()
        await tablesync.authorizations.cancel(attempt.id)
    await ada.page.evaluate(LOOKS)
    await expect(card.get_by_text("Sign-in under way")).to_have_count(0, timeout=PATIENCE_MS)

    async with ada.page.expect_popup() as opened:
        await ada.page.get_by_role("button", name="Connect HubSpot").click()
    await ada.will_consent("hubspot", PORTAL)
    await (await opened.value).get_by_role("button", name="Continue to HubSpot").click()
    await ada.sees("HubSpot", "Connected")
    await expect(ada.page.get_by_text("Not connected yet")).to_have_count(0)


async def test_a_different_account_is_named_on_both_sides_and_changes_nothing(
    lost: Visitor,
) -> None:
    await lost.will_consent("hubspot", OTHER_PORTAL)
    popup = await lost.begins_to_reconnect()

    await popup.get_by_role("button", name="Reconnect HubSpot").click()

    await expect(popup.get_by_text("This connection", exact=True)).to_be_visible()
    await expect(popup.locator(".versus")).to_contain_text("acme.test")
    await lost.sees("HubSpot", "Disconnected")


async def test_i_cannot_find_the_reconnect_button(ada: Visitor) -> None:
    """A healthy connection is reconnected from the three-dot menu, twice: nothing stops for it."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/integrations")
    for _ in range(2):
        await ada.will_consent("hubspot", PORTAL)
        await ada.card("HubSpot").get_by_label("More for HubSpot").click()
        button = ada.card("HubSpot").get_by_role("button", name="Reconnect")
        key = ada.card("HubSpot").locator("form[action$='/reconnect'] input[name=once]")
        was = await key.input_value()
        async with ada.page.expect_popup() as opened:
            await button.click()
        popup = await opened.value
        async with popup.expect_event("close"):
            await popup.get_by_role("button", name="Reconnect HubSpot").click()
        await expect(key).not_to_have_value(was)
        await ada.sees("HubSpot", "Connected")

    async with ada.tablesync as tablesync:
        assert (await tablesync.connections.get(hubspot)).grant_version == 3
        (sync,) = [each async for each in tablesync.syncs.all()]
        runs = (await tablesync.runs.page(sync_id=sync.id)).items
        incidents = (await tablesync.incidents.page()).items
    assert [str(each.trigger) for each in runs] == ["manual"]
    assert not sync.holds
    assert not incidents


async def test_try_disconnecting_completely_then_reconnecting(ada: Visitor) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/integrations")
    await ada.card("HubSpot").get_by_label("More for HubSpot").click()
    await ada.card("HubSpot").get_by_role("link", name="Disconnect…").click()
    await ada.page.get_by_role("button", name="Disconnect").click()
    await ada.sees("HubSpot", "Disconnected by you")

    await ada.will_consent("hubspot", PORTAL)
    async with ada.page.expect_popup() as opened:
        await ada.card("HubSpot").get_by_role("button", name="Connect again").click()
    popup = await opened.value
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()

    await ada.sees("HubSpot", "Connected")
    async with ada.tablesync as tablesync:
        kept = await tablesync.syncs.get(sync.id)
        runs = (await tablesync.runs.page(sync_id=sync.id)).items
    assert (kept.source.connection_id, kept.mapping) == (hubspot, sync.mapping)
    assert (kept.schedule, kept.destination) == (sync.schedule, sync.destination)
    assert runs[-1].trigger == "manual"


async def test_a_recovery_is_practised_with_a_connection_that_is_broken_on_purpose(
    ada: Visitor,
) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/integrations")
    await ada.card("HubSpot").get_by_label("More for HubSpot").click()
    await ada.card("HubSpot").get_by_role("link", name="Practice…").click()
    await ada.page.get_by_role("button", name="Uninstall the TableSync app").click()
    await expect(ada.page.get_by_text("HubSpot: uninstall the TableSync app.")).to_be_visible()
    await ada.sees("HubSpot", "Disconnected")


async def test_run_a_manual_sync(ada: Visitor) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open(f"/syncs/{sync.id}")

    await ada.page.get_by_role("button", name="Sync now").click()

    await expect(ada.page.locator("#run-badge")).to_have_text("Finished", timeout=PATIENCE_MS)
    await expect(ada.page.locator("#run-figures")).to_contain_text("Deleted")

    await ada.open(f"/syncs/{sync.id}")
    await expect(ada.page.get_by_role("link", name="Open at HubSpot")).to_be_visible()
    async with ada.page.expect_popup() as opened:
        await ada.page.get_by_role("link", name="Open in Airtable").click()
    await expect((await opened.value).get_by_role("heading", name="Acme deals")).to_be_visible()

    await ada.page.get_by_role("button", name="Pause").click()
    await expect(ada.page.locator("#state")).to_contain_text("Paused")
    await ada.page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(ada.page.get_by_text(f"{sync.name} goes on.")).to_be_visible()
    await expect(ada.page.locator("#state")).to_contain_text("Up to date")
