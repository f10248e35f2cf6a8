"""Pictures of pages: `make pictures` takes those of the help anew, and every run compares them.

Beside each stands in words what it shows. A page that shows something else by now fails its story.
"""

import os
import re

from platform_settings import ROOT
from playwright.async_api import Page

SCREENSHOTS, OF_THE_HELP = ROOT / ".local/screenshots", ROOT / "docs/images/help"
TOLD = "h1, h2, .badge, nav a, .workspace, button, a.b"
VISIBLE = "all => all.filter(each => each.checkVisibility()).map(each => each.innerText.trim())"


async def keep(name: str, page: Page) -> None:
    """Keep a picture; one of the help is taken anew if wanted, and has to be true if not."""
    wanted = bool(os.environ.get("KEEP_PICTURES"))
    folder = OF_THE_HELP if wanted else SCREENSHOTS
    folder.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=folder / f"{name}.png", animations="disabled")
    words, told = OF_THE_HELP / f"{name}.txt", await shown(page)
    if wanted:
        words.write_text(told)
    elif words.exists():
        assert told == words.read_text(), "docs/images/help shows something else: `make pictures`"


async def shown(page: Page) -> str:
    """Return what a page shows in words, a line each, without what changes by itself."""
    lines = await page.eval_on_selector_all(TOLD, VISIBLE)
    return "".join(f"{re.sub('[0-9]+', '#', each)}\n" for each in lines if each)
