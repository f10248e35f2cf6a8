"""Pages that change while somebody looks: streams break, tabs hide, services stop."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect
from tablesync.contracts.public_api.people import MemberEdit, Role
from tablesync.contracts.public_api.syncs import SyncCopy
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl

from .between import Between, between
from .looking import look_at
from .visitor import LOOKS, PATIENCE_MS, PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

VERA = "viewer@example.test"
# What a browser does to a tab that somebody leaves, and comes back to.
HIDES = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Between]:
    """Run a proxy that may break."""
    async with between() as proxy:
        yield proxy


@pytest_asyncio.fixture
async def ada(
    stack: LocalStack, browser: Browser, sandbox: SandboxControl, proxy: Between, request: Any
) -> AsyncIterator[Visitor]:
    """Ada behind a proxy, in a workspace with a connection."""
    through = {"server": proxy.url, "bypass": "<-loopback>"}
    async with visiting(stack, browser, sandbox, "ada", proxy=through) as ada:
        await ada.has_a_workspace(request.node.name[:60])
        await ada.connects("hubspot", PORTAL)
        await ada.open("/integrations")
        await ada.sees("HubSpot", "Connected")
        yield ada


async def begins(ada: Visitor) -> None:
    """Wait until the tab is sent live updates."""
    await expect(ada.page.locator("[data-live]")).to_have_attribute("data-live", "on")


async def renames(ada: Visitor, name: str | None) -> None:
    """Rename the connection, beside the browser."""
    async with ada.tablesync as tablesync:
        (connection,) = [each async for each in tablesync.connections.all()]
        await tablesync.connections.rename(connection.id, name)


async def has_name(ada: Visitor, name: str) -> None:
    """Wait until the card has a name, with nothing loaded anew."""
    await expect(ada.card("HubSpot").locator(".name").first).to_have_text(name, timeout=PATIENCE_MS)


async def test_a_tab_that_was_hidden_shows_what_came_back_meanwhile(
    ada: Visitor, proxy: Between
) -> None:
    """From one name to another and back while the tab is hidden, which gives its stream back."""
    await begins(ada)
    await renames(ada, "Second")
    await has_name(ada, "Second")
    await ada.page.evaluate(HIDES, True)
    streams = len(proxy.asked)
    await renames(ada, None)
    await ada.page.wait_for_timeout(1_500)
    await has_name(ada, "Second")
    assert len(proxy.asked) == streams

    await ada.page.evaluate(HIDES, False)

    await has_name(ada, "acme.test")


async def test_a_proxys_502_is_survived_from_the_first_request_on(
    ada: Visitor, proxy: Between
) -> None:
    await begins(ada)
    proxy.broken = True
    await ada.open("/integrations")
    paused = ada.page.get_by_text("Live updates paused since")
    await expect(paused).to_be_visible(timeout=PATIENCE_MS)
    await renames(ada, "Behind a proxy")
    proxy.broken = False
    await has_name(ada, "Behind a proxy")
    await expect(paused).to_be_hidden()

    proxy.cut()
    await renames(ada, "After a cut")
    await has_name(ada, "After a cut")


async def test_lists_change_in_their_rows_and_say_what_has_come(ada: Visitor) -> None:
    async with ada.tablesync as tablesync:
        (hubspot,) = [each async for each in tablesync.connections.all()]
    sync = await ada.makes_a_sync("deals", hubspot.id, await ada.connects("airtable"))
    await ada.open("/syncs")
    await begins(ada)
    row = ada.page.locator(f"#sync-{sync.id}")
    await row.get_by_role("checkbox").check()
    async with ada.tablesync as tablesync:
        await tablesync.syncs.pause(sync.id)
    await expect(row.locator(".badge")).to_have_text("Paused", timeout=PATIENCE_MS)
    await expect(ada.page.locator("#counts")).to_contain_text("Paused 1")
    await expect(row.get_by_role("checkbox")).to_be_checked()
    async with ada.tablesync as tablesync:
        await tablesync.syncs.resume(sync.id)
        copy = await tablesync.syncs.duplicate(sync.id, SyncCopy(name="Another"))
    await ada.page.get_by_role("link", name="Syncs have come or moved").click(timeout=PATIENCE_MS)
    await expect(ada.page.locator(f"#sync-{copy.id}")).to_be_visible()

    await ada.open("/runs")
    await begins(ada)
    async with ada.tablesync as tablesync:
        asked_for = await tablesync.syncs.run(sync.id)
    await ada.page.get_by_role("link", name="1 new run. Show it").click(timeout=PATIENCE_MS)
    badge = ada.page.locator(f"#run-{asked_for.run_id} .badge")
    await expect(badge).to_have_text("Finished", timeout=PATIENCE_MS)


async def test_an_open_menu_stays_as_it_is_until_it_is_closed(ada: Visitor) -> None:
    await begins(ada)
    card = ada.card("HubSpot")
    await card.get_by_label("More for HubSpot").click()
    await card.get_by_role("link", name="Rename").focus()
    menu = await card.locator("details.menu").inner_html()
    await renames(ada, "While it is open")
    await ada.page.evaluate(LOOKS)
    await has_name(ada, "While it is open")
    assert await card.locator("details.menu").inner_html() == menu
    await expect(card.get_by_role("link", name="Rename")).to_be_focused()

    await ada.page.keyboard.press("Escape")

    await expect(card.get_by_label("More for HubSpot, While it is open")).to_be_focused()


async def test_a_tab_that_is_opened_behind_others_takes_no_stream_until_it_is_shown(
    ada: Visitor, proxy: Between
) -> None:
    await begins(ada)
    await ada.page.add_init_script(f"({HIDES})(true)")
    asked = len(proxy.asked)
    await ada.open("/integrations")
    await ada.page.wait_for_load_state("networkidle")
    assert len(proxy.asked) == asked

    await ada.page.evaluate(HIDES, False)

    await begins(ada)


async def test_a_script_that_comes_late_finds_its_stream_not_begun_without_it(
    ada: Visitor,
) -> None:
    """A stream that is asked for before, by htmx alone, does not say what the tab shows."""

    async def late(route: Route) -> None:
        await ada.page.wait_for_timeout(1_500)
        await route.continue_()

    await ada.page.route("**/live.js", late)
    await ada.open("/integrations")
    await begins(ada)
    await renames(ada, "Told late")
    await ada.page.evaluate(LOOKS)
    await has_name(ada, "Told late")


async def test_a_member_who_may_do_less_and_then_nothing_sees_so_in_an_open_tab(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    """What may be done is known for a minute: that it has changed is told before."""
    async with visiting(stack, browser, sandbox, "vera") as vera:
        await ada.invites(vera, VERA, Role.OPERATOR)
        await begins(vera)
        offered = vera.card("HubSpot").locator("a", has_text="Rename")
        await expect(offered).to_have_count(1)
        async with ada.tablesync as tablesync:
            found = [each async for each in tablesync.members.all() if each.email == VERA]
            await tablesync.members.change(found[0].operator_id, MemberEdit(role=Role.VIEWER))
        await expect(offered).to_have_count(0, timeout=PATIENCE_MS)
        await expect(vera.page.get_by_text("Your role here is viewer now")).to_be_visible()
        assert await look_at(vera.page) == []

        async with ada.tablesync as tablesync:
            await tablesync.members.remove(found[0].operator_id)

        ended = vera.page.get_by_text("You are no member of this workspace any more")
        await expect(ended).to_be_visible(timeout=PATIENCE_MS)
