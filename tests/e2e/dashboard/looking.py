"""Looks at a page as it stands: by axe in both themes, and on a phone, where nothing is outside."""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from tablesync.test_kit.browser import width_of

from .visitor import WIDE

PHONE = {"width": 360, "height": 740}
SCRIPT = Axe().axe_script
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# All that a theme changes is colour: the rest of a page has been looked at by then.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
# What of a page is there to be pressed, and stands beyond the edge of the screen.
OUTSIDE = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .filter(each => each.checkVisibility() && !each.matches(".skip") && !each.closest("[tabindex]"))
  .filter(each => { const { left, right } = each.getBoundingClientRect();
    return right > innerWidth + 1 || left < -1; })
  .map(each => each.outerHTML.slice(0, 200))"""
RUN = """options => axe.run({ resultTypes: ["violations"], preload: false, ...options })
  .then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html}`)))"""


async def look_at(page: Page) -> list[str]:
    """Return what is wrong with the page that a browser stands on, in one visit of it."""
    # What is not known of our own policy would be known by now: axe came past it, the page did not.
    await page.evaluate(SCRIPT)
    found = await _run(page, "light", {"runOnly": WCAG})
    found += await _run(page, "dark", {"runOnly": OF_COLOURS})
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await page.set_viewport_size(dict(PHONE))
    found += await outside(page)
    await page.set_viewport_size(dict(WIDE))
    return found


async def outside(page: Page) -> list[str]:
    """Return what of a page stands beyond the edge of a phone's screen, which it has by now."""
    found: list[str] = await page.evaluate(OUTSIDE)
    width = await width_of(page)
    return [f"it is {width} px wide", *found] if width > PHONE["width"] else found


async def _run(page: Page, theme: Any, options: dict[str, Any]) -> list[str]:
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    violations: list[str] = await page.evaluate(RUN, options)
    return [f"{theme}: {each}" for each in violations]
