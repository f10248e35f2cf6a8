"""Names of 200 characters, in both directions and with emoji, with menus open on a phone.

The walk over all pages meets such names too, on pages that have no menu.
"""

import re

import pytest
from playwright.async_api import expect
from tablesync.contracts.public_api.people import NewMember, Role
from tablesync.contracts.public_api.syncs import SyncCopy, SyncEdit

from .everything import LONG, RIGHT_TO_LEFT
from .looking import PHONE, outside
from .visitor import PORTAL, WIDE, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EMOJI = "👩‍🚀🏳️‍🌈🇩🇪" * 12


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
        found += [f"{path}: {each}" for each in await outside(page)]
    assert found == []
    await ada.open("/syncs")
    for name in (LONG, RIGHT_TO_LEFT, EMOJI):
        link = page.locator("a.main-link", has_text=name[:20])
        await expect(link).to_have_attribute("title", re.compile(re.escape(name)))


async def test_a_notice_with_a_long_name_stays_on_the_screen(ada: Visitor) -> None:
    page = ada.page
    for size in (WIDE, PHONE):
        await page.set_viewport_size(dict(size))
        await page.goto(f"{ada.url}/workspaces")
        await page.get_by_label("Its name").fill(f'<b>Fett & "Q"</b> שלום {"W" * 160}')
        await page.get_by_role("button", name="Create the workspace").click()
        notice = page.locator("[data-toast]")
        await expect(notice).to_contain_text("Fett")
        box = await notice.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
