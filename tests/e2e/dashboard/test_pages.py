"""Every page: WCAG by axe in both themes, nothing sideways on a phone, odd names in place."""

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from tablesync.contracts.public_api.syncs import SyncEdit
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl
from tablesync.test_kit.browser import width_of

from .visitor import PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Theme = Literal["light", "dark"]
PHONE = 360
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# Markup, both directions, and as long as a name may be.
ODD_NAME = ("<b>Ada & Co</b> שלום مرحبا " + "Überlang" * 30)[:200]
PATHS = (
    "/integrations",
    "/connect",
    "/connections/{connection}",
    "/connections/{connection}/rename",
    "/connections/{connection}/disconnect",
    "/syncs",
    "/syncs?q=nothing",
    "/syncs/{sync}",
    "/syncs/{sync}/duplicate",
    "/syncs/{sync}/delete",
    "/syncs/{sync}/edit",
    "/syncs/{sync}/explain?record=101",
    "/syncs/{sync}/dry-run",
    "/syncs/new",
    "/runs",
    "/runs/{run}",
    "/incidents",
    "/settings",
    "/nothing-here",
)


@pytest_asyncio.fixture(scope="module")
async def shown(stack: LocalStack, browser: Browser) -> AsyncIterator[tuple[Visitor, list[str]]]:
    """Return Ada in a workspace with something on every page, and the paths of all pages."""
    assert stack.info.sandbox
    async with (
        SandboxControl(stack.info.sandbox) as sandbox,
        visiting(stack, browser, sandbox, "ada") as ada,
    ):
        await ada.has_a_workspace("Every page")
        hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
        sync = await ada.makes_a_sync("deals", hubspot, airtable)
        async with ada.tablesync as tablesync:
            await tablesync.syncs.edit(sync.id, SyncEdit(name=ODD_NAME))
            run = (await tablesync.runs.page(sync_id=sync.id)).items[0]
        await ada.loses_hubspot()
        await ada.open("/integrations")
        await ada.sees("HubSpot", "Disconnected")
        given = {"connection": hubspot, "sync": sync.id, "run": run.id}
        yield ada, [each.format(**given) for each in PATHS]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_accessible(shown: tuple[Visitor, list[str]], theme: Theme) -> None:
    ada, paths = shown
    await ada.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    found: dict[str, Any] = {}
    for path in paths:
        await ada.open(path)
        result = await Axe().run(ada.page, options=RULES)
        if result.violations_count:
            found[path] = result.generate_report()
    assert not found, "\n".join(f"{path}\n{report}" for path, report in found.items())


async def test_no_page_scrolls_sideways_on_a_phone(shown: tuple[Visitor, list[str]]) -> None:
    ada, paths = shown
    await ada.page.set_viewport_size({"width": PHONE, "height": 740})
    widths = {}
    for path in paths:
        await ada.open(path)
        widths[path] = await width_of(ada.page)
    await ada.page.set_viewport_size({"width": 1440, "height": 900})
    assert {path: width for path, width in widths.items() if width > PHONE} == {}


async def test_a_name_of_markup_and_many_directions_stays_in_its_place(
    shown: tuple[Visitor, list[str]],
) -> None:
    ada, _ = shown
    await ada.open("/syncs")
    link = ada.page.locator("a.main-link")
    await expect(link).to_contain_text("<b>Ada & Co</b>")
    assert await link.get_attribute("title")
    assert await ada.page.locator("a.main-link b").count() == 0


async def test_every_page_works_without_scripts(
    shown: tuple[Visitor, list[str]], browser: Browser, stack: LocalStack
) -> None:
    ada, paths = shown
    plain = await browser.new_context(java_script_enabled=False)
    await plain.add_cookies(await ada.context.cookies())  # type: ignore[arg-type] # as they were told
    page = await plain.new_page()
    for path in paths[:-1]:
        answer = await page.goto(f"{ada.url}/w/{ada.workspace_id}{path}")
        assert answer, path
        assert answer.status == 200, path
        assert await page.locator("h1").count() == 1, path
    await plain.close()


async def test_a_first_page_is_light(shown: tuple[Visitor, list[str]], browser: Browser) -> None:
    """A browser that has nothing yet is sent 200 kB at most."""
    ada, _ = shown
    fresh = await browser.new_context()
    await fresh.add_cookies(await ada.context.cookies())  # type: ignore[arg-type] # as they were told
    page = await fresh.new_page()
    sizes: list[int] = []

    async def note(response: Any) -> None:
        if "/live/" not in response.url:
            sizes.append(len(await response.body()))

    page.on("response", note)
    await page.goto(f"{ada.url}/w/{ada.workspace_id}/integrations")
    await page.wait_for_timeout(0)
    await fresh.close()
    assert 0 < sum(sizes) <= 200_000
