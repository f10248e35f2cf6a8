"""How a loss is prevented: whoever knows that access ends reconnects before a sync meets it."""

import pytest
from playwright.async_api import expect

from .visitor import PATIENCE_MS, PORTAL, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def reconnects_from_the_menu(ada: Visitor) -> None:
    """Reconnect HubSpot, whose card does not ask for it."""
    await ada.will_consent("hubspot", PORTAL)
    async with ada.page.expect_popup() as opened:
        await ada.acts("Reconnect")
    popup = await opened.value
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Reconnect HubSpot").click()


async def runs_well(ada: Visitor, sync_id: str) -> None:
    """Have a sync run to its end, and no incident be known."""
    await ada.open(f"/syncs/{sync_id}")
    await ada.page.get_by_role("button", name="Sync now").click()
    badge = ada.page.locator("#run-badge")
    await expect(badge).to_have_text("Finished", timeout=PATIENCE_MS)
    async with ada.tablesync as tablesync:
        assert not (await tablesync.incidents.page()).items


async def test_reconnect_proactively_right_after_changing_your_password(ada: Visitor) -> None:
    """An access that has expired is renewed by itself, one that has ended by hand."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.sandbox.control("hubspot", PORTAL, "expire")
    await runs_well(ada, sync.id)
    await ada.sandbox.control("hubspot", PORTAL, "revoke")

    await reconnects_from_the_menu(ada)

    await ada.sees("HubSpot", "Connected")
    await runs_well(ada, sync.id)


async def test_first_pause_then_revoke_access_and_reconnect_later(ada: Visitor) -> None:
    """While its syncs are paused nothing meets the end of the access; they are kept for later."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.acts("Pause 1 sync")
    await ada.is_told("1 sync paused")
    await ada.sandbox.control("hubspot", PORTAL, "uninstall")

    await reconnects_from_the_menu(ada)
    await ada.sees("HubSpot", "Connected")
    await ada.acts("Resume 1 sync")
    await ada.is_told("1 sync resumed")

    await runs_well(ada, sync.id)
