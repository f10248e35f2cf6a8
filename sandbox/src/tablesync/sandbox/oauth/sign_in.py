"""The pages on which people sign in at a provider, and those that let nobody in."""

from collections.abc import Iterable

from aiohttp import web
from tablesync.sandbox.pages import page
from tablesync.sandbox.people import Person

APP_NAME = "TableSync"
SIGN_IN_FAILURES = {
    "password": "That e-mail and password do not match.",
    "second_factor": "The second factor was not confirmed. Sign in again.",
}


def sign_in_page(
    request: web.Request, provider: str, people: Iterable[Person], wrong: str = ""
) -> web.Response:
    """Return the page that asks who somebody is, and says what was wrong the last time."""
    return page(
        provider,
        "sign_in.html",
        status=401 if wrong else 200,
        app=APP_NAME,
        action=request.path_qs,
        people=people,
        wrong=wrong,
    )


def signed_out_page(provider: str) -> web.Response:
    """Return the page behind *Sign out*: nobody stays signed in here, so that nothing ends."""
    return page(provider, "signed_out.html")


def refusal_page(provider: str, heading: str, text: str, status: int) -> web.Response:
    """Return the page at which the browser stays."""
    return page(provider, "refused.html", status, heading=heading, text=text)
