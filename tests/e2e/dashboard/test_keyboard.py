"""Everything by keyboard alone, with a focus that is seen wherever it is."""

import pytest
from playwright.async_api import Locator, Page, expect

from .visitor import PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# More presses than any page of ours has places to stop at.
MOST_PRESSES = 120
FOCUS_PX = 3
# What shows where the focus is: the width of its ring, and whether anything lies over it.
SEEN = """box => {
  const { outlineStyle, outlineWidth } = getComputedStyle(box);
  const { left, top, width, height } = box.getBoundingClientRect();
  const over = document.elementFromPoint(left + width / 2, top + height / 2);
  const free = over && (box.contains(over) || over.contains(box) || over.closest("label"));
  return { ring: outlineStyle === "none" ? 0 : parseFloat(outlineWidth), free: Boolean(free) };
}"""


async def go_to(target: Locator, key: str = "Tab") -> None:
    """Press Tab until something has the focus, and see that it shows."""
    page = target.page
    for _ in range(MOST_PRESSES):
        await page.keyboard.press(key)
        if await target.evaluate("box => box === document.activeElement"):
            break
    else:
        raise AssertionError(f"no Tab leads to {target}")
    seen = await target.evaluate(SEEN)
    assert seen == {"ring": FOCUS_PX, "free": True}, f"{target}: {seen}"


async def press(target: Locator) -> None:
    """Go to something by Tab alone, and use it."""
    await go_to(target)
    await target.page.keyboard.press("Enter")


async def go_on(page: Page, name: str) -> None:
    """Go to the button at the foot of a form, the short way: from the end of the page."""
    await go_to(button(page, name), "Shift+Tab")
    await page.keyboard.press("Enter")


def button(page: Page, name: str) -> Locator:
    """Return a button by its words."""
    return page.get_by_role("button", name=name)


async def test_connecting_and_reconnecting_take_no_mouse(ada: Visitor) -> None:
    page = ada.page
    await ada.connects("airtable")
    await ada.open("/integrations")
    await ada.will_consent("hubspot", PORTAL)
    async with page.expect_popup() as opened:
        await press(button(page, "Connect HubSpot"))
    popup = await opened.value
    async with popup.expect_event("close"):
        await press(button(popup, "Continue to HubSpot"))
    await ada.sees("HubSpot", "Connected")

    await page.reload()
    menu = ada.card("HubSpot").get_by_label("More for HubSpot")
    await press(menu)
    await go_to(ada.card("HubSpot").get_by_role("link", name="Rename"))
    await page.keyboard.press("Escape")
    await expect(ada.card("HubSpot").locator(".menu-list")).to_be_hidden()
    assert await menu.evaluate("box => box === document.activeElement")

    await page.keyboard.press("Enter")
    await ada.will_consent("hubspot", PORTAL)
    async with page.expect_popup() as opened:
        await press(ada.card("HubSpot").get_by_role("button", name="Reconnect"))
    popup = await opened.value
    async with popup.expect_event("close"):
        await press(button(popup, "Reconnect HubSpot"))
    async with ada.tablesync as tablesync:
        grants = [each.grant_version async for each in tablesync.connections.all()]
    assert sorted(grants) == [1, 2]


async def test_the_wizard_takes_no_mouse(ada: Visitor) -> None:
    page = ada.page
    await ada.connects("hubspot", PORTAL)
    await ada.connects("airtable")
    await ada.open("/syncs")
    await press(page.get_by_role("link", name="New sync"))
    await page.wait_for_url("**/syncs/new")
    await go_to(page.get_by_role("radio").first)
    await page.keyboard.press("ArrowDown")
    await go_on(page, "Continue to table")
    await go_to(page.get_by_label("Base"))
    await page.keyboard.type("Acme deals")
    await press(button(page, "Show its tables"))
    await go_to(page.locator("#table"))
    await page.keyboard.type("Deals")
    await go_on(page, "Continue to mapping")
    await go_on(page, "Continue to schedule")
    await go_to(page.get_by_label("Name of the sync"))
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("By keyboard")
    await go_on(page, "Continue to trial")
    await go_on(page, "Make the sync")
    await expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()

    await press(page.get_by_label("More for By keyboard"))
    await press(page.get_by_role("link", name="Delete…"))
    await expect(page.get_by_role("heading", name="Delete")).to_be_visible()
