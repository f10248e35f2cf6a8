"""Every page: WCAG by axe in both themes, nothing sideways on a phone, odd names in place."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Response, expect

from .everything import ODD_NAME, Full
from .looking import look_at
from .visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CONNECTION, SYNC, INCIDENT = "/connections/{connection_id}", "/syncs/{sync_id}", "/incidents"
GONE = ("/syncs/new?draft=gone", "/nothing-here")
PATHS = (
    "/integrations",
    "/connect",
    "/connected?authorization={refused_id}",
    "/connected?authorization={authorization_id}",
    CONNECTION,
    f"{CONNECTION}/rename",
    f"{CONNECTION}/disconnect",
    f"{CONNECTION}/practice",
    f"{CONNECTION}/receipts/{{since}}",
    "/syncs?q=nothing",
    SYNC,
    f"{SYNC}/duplicate",
    f"{SYNC}/delete",
    f"{SYNC}/edit",
    f"{SYNC}/explain?record=101",
    f"{SYNC}/dry-run?id={{dry_run_id}}",
    "/bulk-changes/{change_id}",
    "/runs",
    "/runs/{run_id}",
    INCIDENT,
    f"{INCIDENT}/{{incident_id}}",
    f"{INCIDENT}/{{incident_id}}/mails/{{mail_id}}",
    "/settings/audit",
    "/settings/members/{operator_id}/remove",
    *GONE,
)
# The help has one template: its longest page, with a table, and those that speak of one thing.
HELP = ("", "/reconnecting", "/problems", "/problems/edited-meanwhile", "/providers/airtable")
OF_NO_WORKSPACE = ("/workspaces", "/sign-in?fault=denied", *(f"/help{each}" for each in HELP))
Opening = Callable[[Visitor], Awaitable[Any]]


async def nothing_chosen(ada: Visitor) -> None:
    await ada.open("/syncs/new")
    await ada.page.get_by_role("button", name="Continue to table").click()
    await expect(ada.page.locator(".error").first).to_be_visible()


async def step_table(ada: Visitor) -> None:
    await ada.page.get_by_label("Deals").check()
    await ada.page.get_by_role("button", name="Continue to table").click()
    await ada.page.get_by_label("Base").select_option(label="Acme deals")
    await ada.page.get_by_role("button", name="Show its tables").click()
    await expect(ada.page.locator("#table")).to_be_visible()


async def new_table(ada: Visitor) -> None:
    await ada.page.get_by_role("button", name="Make a table for me").click()
    await expect(ada.page.get_by_role("button", name="Make the table")).to_be_visible()


async def new_table_taken(ada: Visitor) -> None:
    await ada.page.get_by_role("button", name="Make the table").click()
    await expect(ada.page.get_by_text("the base has a table Deals already")).to_be_visible()


async def new_table_not_allowed(ada: Visitor) -> None:
    await ada.page.get_by_label("Name of the table").fill("Deals of ours")
    await ada.page.get_by_role("button", name="Make the table").click()
    await expect(ada.page.get_by_role("button", name="Allow it at Airtable")).to_be_visible()


async def step_mapping(ada: Visitor) -> None:
    await ada.page.get_by_role("link", name="Back to table").click()
    await ada.page.locator("#table").select_option(label="Deals")
    await ada.page.get_by_role("button", name="Continue to mapping").click()
    await expect(ada.page.get_by_text("Nothing is written yet")).to_be_visible()


async def step_schedule(ada: Visitor) -> None:
    await ada.page.get_by_role("button", name="Continue to schedule").click()
    await expect(ada.page.get_by_label("Name of the sync")).to_be_visible()


async def draft_moved_on(ada: Visitor) -> None:
    await ada.page.get_by_label("Name of the sync").fill(ODD_NAME)
    await ada.page.locator("input[name=version]").evaluate("field => { field.value = '0' }")
    await ada.page.get_by_role("button", name="Continue to trial").click()
    await expect(ada.page.get_by_text("You have changed this draft in another tab")).to_be_visible()


async def step_trial(ada: Visitor) -> None:
    await ada.page.get_by_role("button", name="Continue to trial").click()
    await expect(ada.page.get_by_role("button", name="Make the sync")).to_be_visible()


async def begun_drafts(ada: Visitor) -> None:
    await ada.open("/syncs")
    await expect(ada.page.get_by_role("heading", name="Begun and not finished")).to_be_visible()


async def others_match(ada: Visitor) -> None:
    await ada.page.get_by_label("that match").check()
    await ada.page.locator("input[name=seen]").evaluate("field => { field.value = '7' }")
    await ada.page.get_by_role("button", name="Pause").click()
    await expect(ada.page.get_by_text("7 syncs matched when you")).to_be_visible()


async def delete_many(ada: Visitor) -> None:
    await ada.page.get_by_role("link", name="See which they are").click()
    await ada.page.locator("input[name=sync]").first.check()
    await ada.page.get_by_role("button", name="Delete").click()
    await expect(ada.page.get_by_role("link", name="Keep them")).to_be_visible()


async def new_token(ada: Visitor) -> None:
    await ada.open("/settings")
    await ada.page.get_by_label("A new one").fill("For looking at")
    await ada.page.get_by_role("button", name="Create the token").click()
    await expect(ada.page.get_by_role("heading", name="Your new API token")).to_be_visible()


# One after the other: each begins where the one before it ends.
OPENINGS: tuple[Opening, ...] = (
    *(nothing_chosen, step_table, new_table, new_table_taken, new_table_not_allowed),
    *(step_mapping, step_schedule, draft_moved_on, step_trial),
    *(begun_drafts, others_match, delete_many, new_token),
)


async def test_every_page_is_accessible_in_both_themes_and_on_a_phone(
    full: Full,
) -> None:
    ada, there = full
    found: dict[str, list[str]] = {}
    for path in PATHS:
        status = await ada.open(there.path(path))
        assert status == (404 if path in GONE else 200), path
        found[path] = await look_at(ada.page)
    for opening in OPENINGS:
        await opening(ada)
        found[opening.__name__] = await look_at(ada.page)
    assert {path: faults for path, faults in found.items() if faults} == {}


async def test_pages_of_no_workspace_are_accessible_in_both_themes_and_on_a_phone(
    full: Full,
) -> None:
    ada, _ = full
    found: dict[str, list[str]] = {}
    for path in OF_NO_WORKSPACE:
        await ada.page.goto(f"{ada.url}{path}")
        found[path] = await look_at(ada.page)
    assert {path: faults for path, faults in found.items() if faults} == {}


async def test_a_name_of_markup_and_many_directions_stays_in_its_place(
    full: Full,
) -> None:
    ada, _ = full
    await ada.open("/syncs")
    link = ada.page.locator("a.main-link")
    await expect(link).to_contain_text("<b>Ada & Co</b>")
    assert await link.get_attribute("title")
    assert await ada.page.locator("a.main-link b").count() == 0


async def test_a_first_page_is_light(full: Full, browser: Browser) -> None:
    """A browser that has nothing yet is sent 200 kB at most."""
    ada, _ = full
    fresh = await browser.new_context()
    await fresh.add_cookies(await ada.context.cookies())  # type: ignore[arg-type] # as they were told
    page = await fresh.new_page()
    sent: list[Response] = []

    def note(response: Response) -> None:
        if "/live/" not in response.url:
            sent.append(response)

    page.on("response", note)
    await page.goto(f"{ada.url}/w/{ada.workspace_id}/integrations")
    sizes = [len(await each.body()) for each in sent]
    await fresh.close()
    assert 0 < sum(sizes) <= 200_000
