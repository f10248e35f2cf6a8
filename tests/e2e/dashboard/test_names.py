"""Names of 200 characters, in both directions and with emoji, wherever a phone shows them."""

import re

import pytest
from playwright.async_api import expect
from tablesync.contracts.public_api.people import NewMember, Role
from tablesync.contracts.public_api.syncs import SyncCopy, SyncEdit
from tablesync.test_kit.browser import width_of

from .looking import PHONE
from .visitor import PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LONG, EMOJI = "Überlang" * 25, "👩‍🚀🏳️‍🌈🇩🇪" * 12
RIGHT_TO_LEFT = ("שלום עולם, مرحبا بالعالم " * 9)[:199].strip()
# What of a page is there to be pressed, and stands beyond the edge of the screen.
OUTSIDE = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .filter(each => each.checkVisibility() && !each.matches(".skip") && !each.closest("[tabindex]"))
  .filter(each => { const { left, right } = each.getBoundingClientRect();
    return right > innerWidth + 1 || left < -1; })
  .map(each => each.outerHTML.slice(0, 200))"""


async def has_odd_names(ada: Visitor) -> tuple[str, ...]:
    """Have connections, syncs, runs and an invitation with them; return the addresses of all."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    async with ada.tablesync as tablesync:
        run = (await tablesync.runs.page(sync_id=sync.id)).items[0]
        await tablesync.connections.rename(hubspot, LONG)
        await tablesync.connections.rename(airtable, RIGHT_TO_LEFT)
        await tablesync.syncs.edit(sync.id, SyncEdit(name=LONG))
        other = await tablesync.syncs.duplicate(sync.id, SyncCopy(name=RIGHT_TO_LEFT))
        await tablesync.syncs.duplicate(sync.id, SyncCopy(name=EMOJI))
        invited = NewMember(email="long@example.test", name=LONG, role=Role.VIEWER)
        await tablesync.members.invite(invited)
    of_connection, of_sync = f"/connections/{hubspot}", f"/syncs/{sync.id}"
    lists = ("/integrations", "/syncs", "/runs", f"/runs?sync={sync.id}", "/settings")
    asking = (f"{of_connection}/disconnect", f"{of_sync}/delete", f"{of_sync}/duplicate")
    own = (of_connection, of_sync, f"/runs/{run.id}", f"{of_sync}/edit", f"/syncs/{other.id}")
    return (*lists, *asking, *own)


async def test_names_of_200_characters_right_to_left_and_emoji_fit_a_phone(ada: Visitor) -> None:
    page, paths = ada.page, await has_odd_names(ada)
    await page.set_viewport_size(dict(PHONE))
    found: list[str] = []
    for path in paths:
        assert await ada.open(path) == 200, path
        if menus := await page.locator("main details.menu > summary").all():
            await menus[-1].click()
        if (width := await width_of(page)) > PHONE["width"]:
            found.append(f"{path} is {width} px wide")
        found += [f"{path}: {each}" for each in await page.evaluate(OUTSIDE)]
    assert found == []
    await ada.open("/syncs")
    for name in (LONG, RIGHT_TO_LEFT, EMOJI):
        link = page.locator("a.main-link", has_text=name[:20])
        await expect(link).to_have_attribute("title", re.compile(re.escape(name)))
