"""All of it with scripts switched off: slower, since nothing changes before a page is loaded."""

import pytest
from playwright.async_api import Browser, Locator, expect
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually

from .visitor import PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def seen(ada: Visitor, place: Locator) -> None:
    """Load a page again until something is on it."""

    async def is_there() -> bool:
        await ada.page.reload()
        return await place.count() > 0

    await eventually(is_there, interval=0.5)


def badge(ada: Visitor, card: str, words: str) -> Locator:
    return ada.card(card).locator(".badge", has_text=words)


async def test_works_with_scripts_switched_off(
    browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    """Connect, make a sync, run it, lose the connection and reconnect: in one tab, by forms."""
    async with visiting(stack, browser, sandbox, "ada", java_script_enabled=False) as ada:
        page = ada.page
        await ada.has_a_workspace("Without scripts")
        for provider, label, account in (
            ("airtable", "Airtable", None),
            ("hubspot", "HubSpot", PORTAL),
        ):
            await ada.will_consent(provider, account)
            await page.get_by_role("button", name=f"Connect {label}").click()
            await page.get_by_role("button", name=f"Continue to {label}").click()
            await expect(page.get_by_role("heading", name=f"{label} is connected")).to_be_visible()
            await page.get_by_role("link", name="Back").click()
        await ada.open("/syncs/new")
        await page.get_by_label("Deals").check()
        await page.get_by_role("button", name="Continue to table").click()
        await page.get_by_label("Base").select_option(label="Acme deals")
        await page.get_by_role("button", name="Show its tables").click()
        await page.locator("#table").select_option(label="Deals")
        for step in ("mapping", "schedule", "trial"):
            await page.get_by_role("button", name=f"Continue to {step}").click()
        await page.get_by_role("button", name="Make the sync").click()
        await page.get_by_role("button", name="Sync now").click()
        await page.wait_for_url("**/runs/**")
        await seen(ada, page.locator("#run-badge", has_text="Finished"))

        await ada.loses_hubspot()
        await ada.open("/integrations")
        await seen(ada, badge(ada, "HubSpot", "Disconnected"))
        await ada.will_consent("hubspot", PORTAL)
        await ada.card("HubSpot").get_by_role("button", name="Reconnect HubSpot").click()
        await page.get_by_role("button", name="Reconnect HubSpot").click()
        await expect(page.get_by_role("heading", name="HubSpot is connected")).to_be_visible()
        await page.get_by_role("link", name="Back").click()
        await expect(badge(ada, "HubSpot", "Connected")).to_be_visible()
        await ada.card("HubSpot").get_by_label("More for HubSpot").click()
        await ada.card("HubSpot").get_by_role("link", name="Rename").click()
        await page.get_by_label("Name").fill("Portal")
        await page.locator("main").get_by_role("button").first.click()
        await expect(ada.card("HubSpot").locator(".name").first).to_have_text("Portal")

        await ada.open("/settings")
        await page.get_by_label("Time zone in this browser").select_option("Asia/Tokyo")
        await page.get_by_role("button", name="Use it").click()
        await expect(page.get_by_text("Times in Asia/Tokyo")).to_be_visible()
