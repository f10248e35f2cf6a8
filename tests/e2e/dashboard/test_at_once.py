"""Two people at one thing, two clicks at one button, and a tab whose viewer was removed."""

import asyncio

import pytest
from playwright.async_api import Browser, Locator, Route, expect
from tablesync.contracts.public_api.people import Role
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl

from .visitor import PATIENCE_MS, PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BOB = "operator@example.test"


async def no_updates(route: Route) -> None:
    """Have a tab be as old as when it was loaded."""
    await route.abort()


async def test_two_operators_at_one_connection_at_once(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    """One reconnects; the other, whose tab is old by then, is told what has changed meanwhile."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/integrations")
    await ada.loses_hubspot()
    await ada.sees("HubSpot", "Disconnected")
    async with visiting(stack, browser, sandbox, "bob") as bob:
        await bob.page.route("**/live/**", no_updates)
        await ada.invites(bob, BOB, Role.OPERATOR)
        await ada.will_consent("hubspot", PORTAL)
        popup = await ada.begins_to_reconnect()
        await bob.page.reload()
        async with ada.tablesync as tablesync:
            (admin,) = [m.name async for m in tablesync.members.all() if m.role == Role.ADMIN]
        await expect(bob.card("HubSpot")).to_contain_text(f"Sign-in under way, begun by {admin}")
        async with popup.expect_event("close"):
            await popup.get_by_role("button", name="Reconnect HubSpot").click()
        await ada.sees("HubSpot", "Connected")

        await bob.card("HubSpot").get_by_role("button", name="Cancel").click()

        await expect(bob.page.get_by_text("It has connected its account already")).to_be_visible()
        await bob.open("/integrations")
        await bob.sees("HubSpot", "Connected")
    async with ada.tablesync as tablesync:
        assert (await tablesync.connections.get(hubspot)).grant_version == 2
        assert not await tablesync.authorizations.pending()


async def sends_twice(ada: Visitor, button: Locator) -> None:
    """Have the form of a button be sent twice at the same time, and both be answered alike.

    Of a double click a browser may take one back: then nobody would have to do a thing once.
    """
    form = button.locator("xpath=ancestor::form")
    action = await form.evaluate("form => form.action")
    fields = await form.evaluate("form => Object.fromEntries(new FormData(form))")
    send, headers = ada.context.request.post, {"Origin": ada.url}
    sent = [send(action, form=fields, headers=headers, max_redirects=0) for _ in range(2)]
    told = {(each.status, each.headers.get("location")) for each in await asyncio.gather(*sent)}
    assert len(told) == 1, told


async def test_a_double_click_does_a_thing_once(ada: Visitor) -> None:
    page = ada.page
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open(f"/syncs/{sync.id}")
    await page.get_by_role("button", name="Sync now").dblclick()
    await expect(page.locator("#run-badge")).to_have_text("Finished", timeout=PATIENCE_MS)
    await ada.open(f"/syncs/{sync.id}")
    await sends_twice(ada, page.get_by_role("button", name="Sync now"))

    await ada.open(f"/connections/{hubspot}/practice")
    await sends_twice(
        ada, page.get_by_role("button", name="Answer the next ten requests with errors")
    )
    assert (await ada.sandbox.control("hubspot", PORTAL, "unbreak"))["removed"] == 1

    await ada.open("/integrations")
    await ada.card("HubSpot").get_by_label("More for HubSpot").click()
    async with page.expect_popup() as opened:
        await ada.card("HubSpot").get_by_role("button", name="Reconnect").dblclick()
    popup = await opened.value
    await expect(popup.get_by_role("button", name="Reconnect HubSpot")).to_be_visible()

    async with ada.tablesync as tablesync:
        runs = (await tablesync.runs.page(sync_id=sync.id)).items
        pending = await tablesync.authorizations.pending()
    # The first one, one for each two clicks, and that with which practising begins.
    assert [str(each.trigger) for each in runs] == ["manual"] * 4
    assert len(pending) == 1


@pytest.mark.soak  # a minute: so long is a session known; the stream itself has a smaller test
async def test_a_tab_says_so_when_its_viewers_membership_ends(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    await ada.connects("hubspot", PORTAL)
    async with visiting(stack, browser, sandbox, "bob") as bob:
        await ada.invites(bob, BOB, Role.OPERATOR)
        await bob.sees("HubSpot", "Connected")
        async with ada.tablesync as tablesync:
            members = [each async for each in tablesync.members.all() if each.email == BOB]
            await tablesync.members.remove(members[0].operator_id)
        over = bob.page.get_by_text("You are no member of this workspace any more")
        await expect(over).to_be_visible(timeout=4 * PATIENCE_MS)
        assert await bob.open("/integrations") == 404
