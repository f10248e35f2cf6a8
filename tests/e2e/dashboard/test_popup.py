"""What may become of the popup in which somebody signs in: the outcome is the server's state."""

import pytest
from playwright.async_api import Page, Route, expect
from tablesync.test_kit import eventually

from .visitor import ADA, PATIENCE_MS, PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BLOCKS_POPUPS = "window.open = () => null"
ISOLATED = {"cross-origin-opener-policy": "same-origin"}


async def isolates(route: Route) -> None:
    """Answer as a provider that cuts all ties to the window that opened its page."""
    answer = await route.fetch(max_redirects=0)
    await route.fulfill(response=answer, headers={**answer.headers, **ISOLATED})


async def at_hubspot(ada: Visitor) -> Page:
    """Reconnect HubSpot, which is well, from its menu; return the popup, at HubSpot's page."""
    await ada.open("/integrations")
    await ada.card("HubSpot").get_by_label("More for HubSpot").click()
    async with ada.page.expect_popup() as opened:
        await ada.card("HubSpot").get_by_role("button", name="Reconnect").click()
    popup = await opened.value
    await popup.get_by_role("button", name="Reconnect HubSpot").click()
    await expect(popup.get_by_test_id(f"user-{ADA}")).to_be_visible()
    return popup


async def signs_in(popup: Page) -> None:
    """Sign in at HubSpot, and connect the portal."""
    await popup.get_by_test_id(f"user-{ADA}").click()
    await popup.get_by_test_id(f"account-{PORTAL}").check()
    await popup.get_by_test_id("allow").click()


async def test_a_popup_that_is_reloaded_loses_nothing(ada: Visitor) -> None:
    await ada.connects("hubspot", PORTAL)
    popup = await at_hubspot(ada)
    await popup.reload()
    await popup.go_back()
    await popup.reload()
    await popup.get_by_role("button", name="Reconnect HubSpot").click()

    async with popup.expect_event("close"):
        await signs_in(popup)

    await renewed(ada)


async def test_a_popup_that_is_isolated_loses_nothing(ada: Visitor) -> None:
    await ada.connects("hubspot", PORTAL)
    await ada.context.route(f"{ada.sandbox.url}/**", isolates)
    popup = await at_hubspot(ada)
    await popup.reload()
    assert await popup.evaluate("window.opener") is None

    await signs_in(popup)

    await renewed(ada)
    # It cannot know any more that it is a popup: it goes where the other tab is.
    await popup.wait_for_url("**/integrations")


async def test_the_page_of_a_connection_turns_green_by_itself_whatever_the_popup_is(
    lost: Visitor,
) -> None:
    """Its popup is isolated, so that it seems to be closed at once; nothing is loaded anew.

    The incident is closed in another tab.
    """
    page, state = lost.page, lost.page.locator("#connection")
    incidents = await shows_the_incident(lost)
    await lost.card("HubSpot").get_by_label("More for HubSpot").click()
    await lost.card("HubSpot").get_by_role("link", name="History").click()
    await expect(page.locator("[data-live]")).to_have_attribute("data-live", "on")
    await page.evaluate("window.kept = true")
    await lost.context.route(f"{lost.sandbox.url}/**", isolates)
    async with page.expect_popup() as opened:
        await state.get_by_role("button", name="Reconnect HubSpot").click()
    popup = await opened.value
    await popup.get_by_role("button", name="Reconnect HubSpot").click()
    await expect(popup.get_by_test_id(f"user-{ADA}")).to_be_visible()
    await popup.reload()

    await signs_in(popup)

    await expect(state.locator(".badge")).to_have_text("Connected", timeout=PATIENCE_MS)
    await expect(page.locator("#outages")).to_contain_text("missed", timeout=PATIENCE_MS)
    await expect(page.locator("#events")).to_contain_text("Reconnected by")
    await expect(state).to_contain_text("All syncs that use it are fine.", timeout=PATIENCE_MS)
    assert await page.evaluate("window.kept")
    await expect(incidents.locator("tr .badge")).to_have_text("Closed", timeout=PATIENCE_MS)


async def shows_the_incident(lost: Visitor) -> Page:
    """Open the list of incidents in another tab, once one is there."""

    async def is_there() -> object:
        async with lost.tablesync as tablesync:
            return (await tablesync.incidents.page()).items

    await eventually(is_there)
    tab = await lost.context.new_page()
    await tab.goto(f"{lost.url}/w/{lost.workspace_id}/incidents")
    await expect(tab.locator("tr .badge")).to_have_text("Open")
    await expect(tab.locator("[data-live]")).to_have_attribute("data-live", "on")
    await lost.page.bring_to_front()
    return tab


async def renewed(ada: Visitor) -> None:
    """Check that the connection has a new grant, and that its card says no more of a sign-in."""
    await ada.sees("HubSpot", "Connected")
    await expect(ada.card("HubSpot")).not_to_contain_text("Sign-in under way")
    async with ada.tablesync as tablesync:
        (connection,) = [each async for each in tablesync.connections.all()]
    assert connection.grant_version == 2


async def begins_a_table(ada: Visitor) -> None:
    """Go as far as Airtable does not allow it, with a name for the sync, and fields chosen."""
    page = ada.page
    await ada.connects("hubspot", PORTAL)
    await ada.connects("airtable")
    await ada.open("/syncs/new")
    await page.get_by_label("Deals").check()
    await page.get_by_role("button", name="Continue to table").click()
    await page.get_by_label("Base").select_option(label="Acme deals")
    await page.get_by_role("button", name="Show its tables").click()
    await page.locator("#table").select_option(label="Deals")
    await page.get_by_role("button", name="Continue to mapping").click()
    await page.get_by_role("button", name="Continue to schedule").click()
    await page.get_by_label("Name of the sync").fill("Deals by hand")
    await page.get_by_role("button", name="Continue to trial").click()
    await page.get_by_role("link", name="Table", exact=True).click()
    await page.get_by_role("button", name="Make a table for me").click()
    await page.get_by_label("Name of the table").fill(f"Deals of {ada.workspace_id[-12:]}")
    await page.get_by_label("Close date").uncheck()
    await page.get_by_label("Auto renewal").check()
    await page.get_by_role("button", name="Make the table").click()
    await expect(page.get_by_role("button", name="Allow it at Airtable")).to_be_visible()
    await ada.will_consent("airtable")


async def goes_on_with_the_table(ada: Visitor) -> None:
    """Make the table, and the sync; all that was typed before is there."""
    page = ada.page
    name = f"Deals of {ada.workspace_id[-12:]}"
    await expect(page.get_by_label("Name of the table")).to_have_value(name)
    await expect(page.get_by_label("Close date")).not_to_be_checked()
    await expect(page.get_by_label("Auto renewal")).to_be_checked()
    await page.get_by_role("button", name="Make the table").click()
    await expect(page.get_by_text("Nothing is written yet")).to_be_visible()
    await page.get_by_role("button", name="Continue to schedule").click()
    await expect(page.get_by_label("Name of the sync")).to_have_value("Deals by hand")
    await page.get_by_role("button", name="Continue to trial").click()
    await page.get_by_role("button", name="Make the sync").click()
    await expect(page.get_by_role("heading", name="Deals by hand")).to_be_visible()
    async with ada.tablesync as tablesync:
        (made,) = [each async for each in tablesync.syncs.all()]
    fields = {each.field for each in made.writes}
    assert made.writes[0].field == "HubSpot ID"
    assert "Auto renewal" in fields
    assert "Close date" not in fields


async def test_more_is_allowed_at_airtable_in_a_popup_and_nothing_typed_is_lost(
    ada: Visitor,
) -> None:
    await begins_a_table(ada)
    async with ada.page.expect_popup() as opened:
        await ada.page.get_by_role("button", name="Allow it at Airtable").click()
    popup = await opened.value
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect Airtable").click()
    await goes_on_with_the_table(ada)


async def test_more_is_allowed_at_airtable_in_the_same_tab_and_nothing_typed_is_lost(
    ada: Visitor,
) -> None:
    await ada.page.add_init_script(BLOCKS_POPUPS)
    await begins_a_table(ada)
    await ada.page.get_by_role("button", name="Allow it at Airtable").click()
    await ada.page.get_by_role("button", name="Reconnect Airtable").click()
    await ada.page.wait_for_url("**/syncs/new/table?**")
    await goes_on_with_the_table(ada)
