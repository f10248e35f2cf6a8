"""A real browser, for what a person clicks, and what they see on a screen of some width."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright
from tablesync.local_stack import tools

# It calls nobody but whom a page calls.
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

_EACH_WORD = """function* eachWord(box) {
  const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      yield [word[0], range];
    }
}"""
_CUT_WORDS = f"""selector => {{ {_EACH_WORD}
  return [...document.querySelectorAll(selector)].flatMap(box => [...eachWord(box)]
    .filter(([word, range]) => range.getClientRects().length > 1).map(([word]) => word));
}}"""
_WORDS_OUTSIDE = f"""selector => {{ {_EACH_WORD}
  return [...document.querySelectorAll(selector)].flatMap(box => [...eachWord(box)]
    .filter(([word, range]) =>
      range.getBoundingClientRect().right > box.getBoundingClientRect().right)
    .map(([word]) => word));
}}"""


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


async def width_of(page: Page) -> int:
    """Return the pixels that a page needs from left to right."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def cut_words(page: Page, selector: str) -> list[str]:
    """Return the words under a selector that stand on more than one line."""
    return list(await page.evaluate(_CUT_WORDS, selector))


async def words_outside(page: Page, selector: str) -> list[str]:
    """Return the words of a selector's boxes that stand beyond the right edge of their box."""
    return list(await page.evaluate(_WORDS_OUTSIDE, selector))
