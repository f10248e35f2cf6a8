"""A real browser, for what a person clicks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright
from tablesync.local_stack import tools

# It calls nobody but whom a page calls.
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the machine's Chromium for a block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=tools.find_chromium(), args=ARGUMENTS
        )
        try:
            yield browser
        finally:
            await browser.close()
