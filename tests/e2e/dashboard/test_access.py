"""Who may see and do what: roles, other workspaces, forms of other sites, sessions that end."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect
from tablesync.contracts.public_api.people import NewMember, Role
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually

from .visitor import LOOKS, PATIENCE_MS, PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

VERA = "viewer@example.test"


async def test_a_viewer_is_offered_nothing_that_would_be_refused(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = (await ada.makes_a_sync("deals", hubspot, airtable)).id
    async with ada.tablesync as tablesync:
        await tablesync.members.invite(NewMember(email=VERA, name="Vera", role=Role.VIEWER))
    async with visiting(stack, browser, sandbox, "vera") as vera:
        await vera.page.goto(f"{vera.url}/workspaces")
        invitation = vera.page.locator("section", has_text=re.compile("invites you")).last
        await invitation.get_by_role("button", name="Accept").click()
        await vera.page.wait_for_url("**/integrations")
        vera.workspace_id = ada.workspace_id
        for path in ("/integrations", "/syncs", "/runs", f"/connections/{hubspot}"):
            assert await vera.open(path) == 200
            buttons = await vera.page.locator("main button").all_inner_texts()
            assert set(buttons) <= {"Search", "Show", ""}, path
        assert await vera.page.get_by_role("link", name="New sync").count() == 0
        assert await vera.open("/settings") == 200
        buttons = await vera.page.locator("main button").all_inner_texts()
        own = {"Save", "Use it", "Create the token", "Sign out", "Sign out everywhere"}
        assert set(buttons) <= own
        assert await vera.page.get_by_role("link", name="Audit trail").count() == 0
        asking = (
            "/connect",
            f"/connections/{hubspot}/rename",
            f"/connections/{hubspot}/disconnect",
        )
        asking += (f"/syncs/{sync}/delete", f"/syncs/{sync}/duplicate", "/settings/audit")
        for path in asking:
            answer = await vera.context.request.get(f"{vera.url}/w/{ada.workspace_id}{path}")
            assert answer.status == 403, path

        refused = await vera.context.request.post(
            f"{vera.url}/w/{ada.workspace_id}/connections/{hubspot}/pause",
            form={"csrf": await vera.csrf(), "once": "x"},
            headers={"Origin": vera.url},
        )
        assert refused.status == 403
        assert "Your role does not allow this" in await refused.text()


async def test_an_admin_takes_back_an_invitation_and_is_asked_before_a_member_is_removed(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    page = ada.page
    await ada.open("/settings")
    for name, email in (("Vera", VERA), ("Eve", "eve@example.test")):
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Name", exact=True).fill(name)
        await page.get_by_role("button", name="Send the invitation").click()
        await expect(page.get_by_text(f"{name} ({email}) as Viewer")).to_be_visible()
    await (
        page.get_by_role("listitem")
        .filter(has_text="Eve")
        .get_by_role("button", name="Withdraw")
        .click()
    )
    await expect(page.get_by_text("The invitation is withdrawn")).to_be_visible()
    await expect(page.get_by_text("Eve (eve@example.test)")).to_have_count(0)

    async with visiting(stack, browser, sandbox, "vera") as vera:
        await vera.page.goto(f"{vera.url}/workspaces")
        invitation = vera.page.locator("section", has_text="invites you").last
        await invitation.get_by_role("button", name="Accept").click()
        await vera.page.wait_for_url("**/integrations")
        await expect(vera.page.locator("[data-live]")).to_have_attribute("data-live", "on")
        await ada.open("/settings")
        removing = page.get_by_role("row").filter(has_text=VERA).get_by_role("link", name="Remove")
        await removing.click()
        await page.get_by_role("link", name="Keep the member").click()
        await removing.click()
        await page.get_by_role("button", name="Remove the member").click()
        await expect(page.get_by_text("They are a member no longer")).to_be_visible()
        await vera.page.evaluate(LOOKS)
        ended = vera.page.get_by_text("You are no member of this workspace any more")
        await expect(ended).to_be_visible(timeout=PATIENCE_MS)

    await page.get_by_role("link", name="Audit trail").click()
    for done in ("Removed a member", "Accepted an invitation", "Withdrew an invitation"):
        await expect(page.get_by_text(done)).to_be_visible()


async def test_a_form_of_another_site_changes_nothing(ada: Visitor) -> None:
    hubspot = await ada.connects("hubspot", PORTAL)
    await ada.open("/integrations")
    path = f"{ada.url}/w/{ada.workspace_id}/connections/{hubspot}/disconnect"
    elsewhere = await ada.context.request.post(
        path, form={"csrf": await ada.csrf()}, headers={"Origin": "https://elsewhere.test"}
    )
    forged = await ada.context.request.post(
        path, form={"csrf": "made-up"}, headers={"Origin": ada.url}
    )
    assert (elsewhere.status, forged.status) == (403, 403)
    await ada.open("/integrations")
    await ada.sees("HubSpot", "Connected")


async def test_signing_out_everywhere_ends_every_tab(
    ada: Visitor, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    async with visiting(stack, browser, sandbox, "ada") as elsewhere:
        elsewhere.workspace_id = ada.workspace_id
        await ada.open("/settings")
        await ada.page.get_by_role("button", name="Sign out everywhere").click()
        await expect(ada.page.get_by_role("heading", name="Sign in to TableSync")).to_be_visible()

        async with httpx.AsyncClient(base_url=stack.info.urls["auth-service"]) as auth:
            answer = await auth.post(
                "/v1/tokens", json={"session_token": elsewhere.session.get_secret_value()}
            )
    assert answer.status_code == 401


async def test_signing_in_anew_ends_the_sign_in_before(ada: Visitor) -> None:
    await ada.page.goto(f"{ada.url}/sign-in/start?person=ada")
    kept = {each.get("name"): each.get("value") for each in await ada.context.cookies()}
    before = {"session_token": ada.session.get_secret_value()}
    now = {"session_token": str(kept["tablesync_session"])}
    async with httpx.AsyncClient(base_url=ada.stack.info.urls["auth-service"]) as auth:
        assert (await auth.post("/v1/tokens", json=before)).status_code == 401
        assert (await auth.post("/v1/tokens", json=now)).status_code != 401

    await ada.page.goto(f"{ada.url}/workspaces")
    await ada.page.get_by_label("Your account").click()
    await ada.page.get_by_role("button", name="Sign out").click()
    await expect(ada.page.get_by_text("You are signed out.")).to_be_visible()


async def test_nobody_is_sent_to_sign_in_and_comes_back(ada: Visitor, browser: Browser) -> None:
    fresh = await browser.new_context()
    page = await fresh.new_page()
    await page.goto(f"{ada.url}/w/{ada.workspace_id}/syncs?q=deals")
    await page.get_by_role("link", name="Continue as Ada").click()
    await page.wait_for_url("**/syncs?q=deals")
    await fresh.close()


@pytest.mark.parametrize("trap", ["https://evil.test/", "//evil.test", "/\\evil.test"])
async def test_signing_in_leads_to_no_other_site(ada: Visitor, trap: str) -> None:
    await ada.page.goto(f"{ada.url}/sign-in/start?person=ada&return_to={trap}")
    assert ada.page.url.startswith(ada.url)


async def test_a_filter_that_nobody_knows_widens_no_change(ada: Visitor) -> None:
    """`All that match` of an address with a misspelt state is no sync, and not all of them."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/syncs")
    await ada.page.get_by_role("row").get_by_role("link", name=" / ").click()
    await expect(ada.page.get_by_text("Only into")).to_be_visible()
    await expect(ada.page.get_by_role("link", name=sync.name).first).to_be_visible()
    await ada.open("/runs")
    await ada.page.get_by_label("Until").fill("2026-01-01T00:00")
    await ada.page.get_by_role("button", name="Show").click()
    await expect(ada.page.get_by_role("heading", name="No run fits")).to_be_visible()
    assert "to=2026-01-01" in ada.page.url

    await ada.open("/syncs?state=bogus")
    await expect(ada.page.get_by_label("All 1 that match")).to_be_visible()
    form = {"csrf": await ada.csrf(), "once": "x", "action": "pause", "chosen": "matching"}
    bulk = f"{ada.url}/w/{ada.workspace_id}/syncs/bulk"
    refused = await ada.context.request.post(
        bulk, form={**form, "state": "bogus"}, headers={"Origin": ada.url}
    )
    assert "Nothing was done" in await refused.text()
    async with ada.tablesync as tablesync:
        assert not (await tablesync.syncs.get(sync.id)).paused


async def test_many_are_deleted_as_the_page_asks_and_no_others(ada: Visitor) -> None:
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    deals = await ada.makes_a_sync("deals", hubspot, airtable)
    contacts = await ada.makes_a_sync("contacts", hubspot, airtable)
    page = ada.page
    await ada.open(f"/syncs?table={deals.destination.table_id}")
    await page.get_by_label("All 1 that match").check()
    await page.get_by_role("button", name="Delete…").click()
    await expect(page.get_by_role("heading", name="Delete 1 sync?")).to_be_visible()
    await expect(page.get_by_text("only into Deals")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.wait_for_url("**/bulk-changes/**")
    async with ada.tablesync as tablesync:

        async def only_contacts() -> bool:
            return [each.id async for each in tablesync.syncs.all()] == [contacts.id]

        await eventually(only_contacts)


async def test_a_callback_that_nobody_began_is_told_so(ada: Visitor) -> None:
    await ada.context.request.get(f"{ada.url}/sign-in/start?person=ada", max_redirects=0)
    odd = await ada.context.request.get(f"{ada.url}/sign-in/callback?state=%C3%A9&code=x")
    assert odd.status == 200
    assert "That sign-in is over" in await odd.text()


async def test_an_address_that_is_none_of_ours_has_a_page(ada: Visitor) -> None:
    for path in ("/connections/x/receipts/abc", "/connected", "/runs/nothing"):
        assert await ada.open(path) == 404
        await expect(ada.page.get_by_role("heading", name="There is no such page")).to_be_visible()
