"""Sessions and roles that change while pages are open: nothing typed is lost, nothing slips in."""

import pytest
from playwright.async_api import Browser, Page, expect
from tablesync.contracts.public_api.people import MemberEdit, Role
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually

from .looking import look_at
from .visitor import LOOKS, PATIENCE_MS, PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BOB = "operator@example.test"
STREAMS_OF_A_PERSON = 4


async def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_typed(
    ada: Visitor,
) -> None:
    """Whoever was signed out meanwhile signs in, and goes on with the form they filled in."""
    page = ada.page
    hubspot = await ada.connects("hubspot", PORTAL)
    await ada.open(f"/connections/{hubspot}/rename")
    await page.get_by_label("Name", exact=True).fill("Typed before it ended")
    await ada.context.clear_cookies(name="tablesync_session")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.get_by_role("heading", name="You were signed out meanwhile")).to_be_visible()
    assert await look_at(page) == []

    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Sign in").click()
    await (await opened.value).get_by_role("link", name="Continue as Ada").click()
    await (await opened.value).wait_for_url(f"**/connections/{hubspot}/rename")
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("button", name="Send it")).to_be_visible()
    assert await look_at(page) == []
    await page.get_by_role("button", name="Send it").click()

    await page.wait_for_url("**/integrations")
    await expect(page.get_by_text("The connection was renamed.")).to_be_visible()
    await expect(ada.card("HubSpot")).to_contain_text("Typed before it ended")


async def test_a_tab_of_somebody_demoted_loses_its_buttons_and_its_forms_are_refused(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    hubspot = await ada.connects("hubspot", PORTAL)
    async with visiting(stack, browser, sandbox, "bob") as bob:
        await ada.invites(bob, BOB, Role.OPERATOR)
        filled = await bob.context.new_page()
        await filled.goto(f"{bob.url}/w/{bob.workspace_id}/connections/{hubspot}/rename")
        await filled.get_by_label("Name", exact=True).fill("Renamed by a viewer")
        await bob.page.bring_to_front()
        await bob.sees("HubSpot", "Connected")
        menu = bob.card("HubSpot").get_by_label("More for HubSpot")
        await expect(bob.page.locator("[data-live]")).to_have_attribute("data-live", "on")
        async with ada.tablesync as tablesync:
            (his,) = [each async for each in tablesync.members.all() if each.email == BOB]
            await tablesync.members.change(his.operator_id, MemberEdit(role=Role.VIEWER))
        await bob.page.evaluate(LOOKS)
        renaming = bob.card("HubSpot").locator("a", has_text="Rename")
        await expect(renaming).to_have_count(0, timeout=PATIENCE_MS)
        await menu.click()
        await expect(bob.card("HubSpot").get_by_role("link", name="History")).to_be_visible()
        await expect(bob.card("HubSpot").get_by_role("button")).to_have_count(0)

        await filled.get_by_role("button", name="Rename").click()

        refused = filled.get_by_role("heading", name="Your role does not allow this")
        await expect(refused).to_be_visible()
        async with ada.tablesync as tablesync:
            assert (await tablesync.connections.get(hubspot)).name is None


async def test_the_tab_opened_last_is_live_and_one_that_made_room_is_once_it_is_clicked(
    ada: Visitor,
) -> None:
    """However many tabs are open, the one that somebody looks at is live, and says so if not."""
    await ada.connects("hubspot", PORTAL)
    address = f"{ada.url}/w/{ada.workspace_id}/integrations"
    others = [await ada.context.new_page() for _ in range(STREAMS_OF_A_PERSON)]
    first = ada.page
    await first.clock.install()
    for tab in (first, *others):
        await tab.goto(address)
        await _is_live(tab)
    crowded = first.get_by_text("Live updates run in your other tabs")
    await expect(crowded).to_be_visible(timeout=PATIENCE_MS)

    await first.get_by_role("heading", name="Integrations").click()

    await _is_live(first)
    await expect(crowded).to_be_hidden()
    late = others[0]
    await expect(late.get_by_text("Live updates run in your other tabs")).to_be_visible()


async def test_a_tab_that_made_room_is_live_again_by_itself_once_another_is_closed(
    ada: Visitor,
) -> None:
    await ada.connects("hubspot", PORTAL)
    first = ada.page
    await first.clock.install()
    others = [await ada.context.new_page() for _ in range(STREAMS_OF_A_PERSON)]
    for tab in (first, *others):
        await tab.goto(f"{ada.url}/w/{ada.workspace_id}/integrations")
        await _is_live(tab)
    crowded = first.get_by_text("Live updates run in your other tabs")
    await expect(crowded).to_be_visible(timeout=PATIENCE_MS)
    await first.clock.run_for(60_000)
    for tab in others:
        await _is_live(tab)

    await others[-1].close()

    async def asks_again() -> bool:
        await first.clock.run_for(60_000)
        return await crowded.is_hidden()

    await eventually(asks_again)
    await _is_live(first)


async def _is_live(tab: Page) -> None:
    await expect(tab.locator("[data-live]")).to_have_attribute(
        "data-live", "on", timeout=PATIENCE_MS
    )


async def test_signing_out_everywhere_from_another_browser_ends_an_open_tab(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    """The tab that is open says so; a page that is opened then leads to the sign-in and back."""
    await ada.connects("hubspot", PORTAL)
    await ada.open("/integrations")
    await expect(ada.page.locator("[data-live]")).to_have_attribute("data-live", "on")
    async with visiting(stack, browser, sandbox, "ada") as elsewhere:
        elsewhere.workspace_id = ada.workspace_id
        await elsewhere.open("/settings")
        await elsewhere.page.get_by_role("button", name="Sign out everywhere").click()
        heading = elsewhere.page.get_by_role("heading", name="Sign in to TableSync")
        await expect(heading).to_be_visible()
    await ada.page.evaluate(LOOKS)
    await expect(ada.page.get_by_text("You are signed out")).to_be_visible(timeout=PATIENCE_MS)

    await ada.open("/syncs?q=deals")
    await ada.page.get_by_role("link", name="Continue as Ada").click()
    await ada.page.wait_for_url("**/syncs?q=deals")
