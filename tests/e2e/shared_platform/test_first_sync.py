"""The page that leads a newcomer to the first sync says what is so."""

import asyncio
import code
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from platform_settings import SMALL
from playwright.async_api import Browser, Locator, Page
from tablesync.demo.api import Api
from tablesync.local_stack.info import StackInfo
from tablesync.test_kit import eventually

from .newcomers import Newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[3] / "docs" / "first-sync.md"


async def test_the_page_leads_to_a_sync_that_is_held_and_carries_on_by_clicking(
    ada: Newcomer, browser: Browser, tmp_path: Path
) -> None:
    info = ada.info
    assert info.mailbox
    page = await browser.new_page()

    async def open_and_allow(start_url: str) -> None:
        await page.goto(start_url)
        if "/airtable/" in start_url:
            await think_better_of_it(page)
        await page.get_by_role("button").click()
        await allow(page)

    await follow_the_page(info, tmp_path, open_and_allow)
    await eventually(lambda: mail_of_the_loss(page, info.mailbox or ""), timeout=120)
    mail = page.frame_locator("iframe")
    reconnect = await opened_by(page, mail.get_by_role("link", name="Reconnect HubSpot"))
    await reconnect.get_by_role("button", name="Reconnect HubSpot").click()
    await allow(reconnect)
    await reconnect.get_by_text("Connected").first.wait_for()
    await eventually(lambda: all_are_active(info), timeout=120)

    done = "You get no more mails"
    button = mail.get_by_role("link", name="Send me no more mails")
    unsubscribe = await opened_by(page, button)
    await unsubscribe.get_by_role("button").click()
    await unsubscribe.get_by_role("heading", name=done).wait_for()
    line = page.get_by_test_id("text").get_by_role("link", name="/unsubscribe/")
    later = await opened_by(page, line)
    await later.get_by_role("heading", name=done).wait_for()


@pytest.mark.unit
def test_each_block_of_the_page_is_complete_at_a_prompt() -> None:
    """Python takes in the last lines of a block that is pasted alone, without another Enter."""
    for block in blocks():
        console = Prompt()
        still_open = [console.push(line) for line in block.splitlines()]
        assert not still_open[-1], block


class Prompt(code.InteractiveConsole):
    """Reads as Python's prompt does, and runs nothing."""

    def runcode(self, _: CodeType) -> None:
        """Run nothing."""

    def showsyntaxerror(self, filename: str | None = None, **_: Any) -> None:
        """Fail at a line that the prompt would refuse."""
        raise AssertionError(f"a syntax error in {self.buffer}, {filename}")


def blocks() -> list[str]:
    """Return what the page has people paste."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


async def follow_the_page(
    info: StackInfo, folder: Path, consent: Callable[[str], Awaitable[None]]
) -> None:
    """Paste all blocks, and open what they say is to be opened."""
    info.write(folder / ".local" / "up.json")
    complaints = folder / "stderr"
    with complaints.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-iq", cwd=folder, stdin=PIPE, stdout=PIPE, stderr=stderr
        )
    assert process.stdin
    assert process.stdout
    process.stdin.write("".join(f"{each}\n" for each in blocks()).encode())
    process.stdin.close()
    said = []
    async for line in process.stdout:
        said.append(line.decode())
        if said[-1].startswith("open "):
            await consent(said[-1].removeprefix("open ").strip())
    assert await process.wait() == 0
    assert "Error" not in complaints.read_text(), complaints.read_text()
    (ended,) = (line for line in said if line.startswith("succeeded"))
    assert f"'written': {SMALL['SANDBOX_DEALS']}," in ended
    assert "app_uninstalled" in said[-1]


async def allow(page: Page) -> None:
    """Click through what a provider asks, as Ada."""
    user, agree = page.get_by_test_id("user-ada@acme.test"), page.get_by_test_id("allow")
    await user.or_(agree).first.wait_for()
    if await user.count():
        await user.click()
    await agree.wait_for()
    portal = page.get_by_test_id("account-7001")
    if await portal.count():
        await portal.check()
    await agree.click()
    await agree.wait_for(state="detached")


async def think_better_of_it(page: Page) -> None:
    """Cancel at the provider, and start again on our page: the script that waits goes along."""
    await page.get_by_role("button").click()
    await page.get_by_test_id("cancel").first.click()
    await page.get_by_role("button", name="Start again").click()


async def mail_of_the_loss(page: Page, mailbox: str) -> bool:
    """Open the mail that tells of the loss, once it is there."""
    await page.goto(mailbox)
    mail = page.get_by_role("link", name="is disconnected")
    if not await mail.count():
        return False
    await mail.click()
    return True


async def opened_by(page: Page, link: Locator) -> Page:
    """Click a link, and return the tab in which it opens."""
    async with page.expect_popup() as opened:
        await link.click()
    return await opened.value


async def all_are_active(info: StackInfo) -> bool:
    """Whether every sync runs again and has caught up."""
    api = Api(info.urls, info.api_token)
    syncs = await api.items("scheduler", "/v1/syncs")
    runs = await api.items("scheduler", "/v1/runs")
    await api.close()
    caught_up = any(
        each["trigger"] == "catch_up" and each["status"] == "succeeded" for each in runs
    )
    return caught_up and all(each["status"] == "active" for each in syncs)
