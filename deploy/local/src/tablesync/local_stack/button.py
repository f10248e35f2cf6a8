"""The one button of a page: for scripts that go where a person would click."""

import re
from html import unescape

import httpx

_ACTION = re.compile(r"<form[^>]*\baction=\"([^\"]*)\"")
_HIDDEN = re.compile(r"<input[^>]*type=\"hidden\"[^>]*>")


async def press(browser: httpx.AsyncClient, url: str) -> httpx.Response:
    """Open a page and press its button; return what comes then.

    A page without a button is returned itself: services of an older version show none.
    """
    page = await browser.get(url)
    if "<form" not in page.text:
        return page
    action = _ACTION.search(page.text)
    target = page.url.join(unescape(action[1])) if action else page.url
    return await browser.post(target, data=_hidden_fields(page.text))


def _hidden_fields(page: str) -> dict[str, str]:
    """Return the form's hidden fields, as a browser would send them."""
    pairs = (
        (re.search(r'name="([^"]*)"', each), re.search(r'value="([^"]*)"', each))
        for each in _HIDDEN.findall(page)
    )
    return {name[1]: value[1] for name, value in pairs if name and value}
