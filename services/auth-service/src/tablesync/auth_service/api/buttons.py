"""The buttons of our pages: only a browser that was shown a page can press what is on it.

A page sets a cookie and has its form send along what follows from it, so that the page of another
origin, which can send a form here but reads nothing of ours, presses nothing. Nothing is stored:
whoever merely looks, as scanners and previews do, binds and consumes nothing.
"""

import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.pages import no_store
from tablesync.auth_service.consent.authorizations import LIFETIME, Authorization, Started
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.contracts.permissions import extra_scopes

FORM_TOKEN = "form_token"  # noqa: S105 - a field's name
FORM_FIELDS_MOST = 5

# What the routes behind our buttons tell of themselves in OpenAPI.
BUTTON: dict[str, Any] = {
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "properties": {FORM_TOKEN: {"type": "string"}}}
        }
    }
}


class LinkButtons:
    """The buttons of the pages behind one kind of a mail's links."""

    def __init__(self, pages_url: str, lifetime: timedelta) -> None:
        self._pages_url = pages_url
        self._lifetime = lifetime

    def browser(self, request: Request, link: SecretStr) -> SecretStr:
        """Return by what this browser is known to a link, or will be."""
        return _cookie(request, _link_cookie(link)) or new_secret()

    def remember(self, page: Response, link: SecretStr, browser: SecretStr) -> None:
        """Set the cookie by which the button knows this browser again, while its link lives."""
        _set_cookie(page, _link_cookie(link), browser, self._pages_url, self._lifetime)

    async def pressed(self, request: Request, link: SecretStr) -> bool:
        """Whether a form was sent from a link's page in this browser, not from somebody else's."""
        return await pressed_by(request, _cookie(request, _link_cookie(link)))


def browser_of(request: Request, attempt: Authorization) -> SecretStr | None:
    """Return by what this browser is known to an attempt."""
    return _cookie(request, attempt.cookie_name)


def remember(
    response: Response, provider: OAuthProvider, attempt: Authorization, browser: SecretStr
) -> None:
    """Set the cookie by which the button and the callback know this browser again."""
    # Longer than the attempt lasts: the page that tells of its end offers another.
    _set_cookie(response, attempt.cookie_name, browser, _folder(provider), 2 * LIFETIME)


def form_token(browser: SecretStr) -> str:
    """Return what our page's form sends along: only who could read the page knows it."""
    return digest(f"{FORM_TOKEN}:{browser.get_secret_value()}")


async def pressed_by(request: Request, browser: SecretStr | None) -> bool:
    """Whether a form was sent from our own page in this browser, not from somebody else's."""
    if browser is None:
        return False
    body = (await request.body()).decode(errors="replace")
    try:
        fields = dict(parse_qsl(body, max_num_fields=FORM_FIELDS_MOST))
    except ValueError:
        return False
    return hmac.compare_digest(fields.get(FORM_TOKEN, "").encode(), form_token(browser).encode())


def to_start(provider: OAuthProvider, attempt: Authorization) -> RedirectResponse:
    """Send the browser to our own page before the provider's."""
    start = f"{_folder(provider)}/start?authorization={attempt.id}"
    return RedirectResponse(start, 303, headers=no_store())


def depart(provider: OAuthProvider, started: Started) -> RedirectResponse:
    """Send the browser to the provider's page: the one that pressed has to come back."""
    attempt = started.authorization
    extra = extra_scopes(provider.name, attempt.extras or ())
    url = provider.at(attempt.host).authorize_url(started.state, started.verifier, extra)
    response = RedirectResponse(url, 303, headers=no_store())
    remember(response, provider, attempt, started.browser)
    return response


def _folder(provider: OAuthProvider) -> str:
    """Return where our pages about a provider are."""
    return provider.redirect_uri.removesuffix("/callback")


def _link_cookie(link: SecretStr) -> str:
    """A cookie for each link: what was shown of one presses no button of another."""
    return f"tablesync_{digest(link)[:32]}"


def _cookie(request: Request, name: str) -> SecretStr | None:
    value = request.cookies.get(name)
    return SecretStr(value) if value else None


def _set_cookie(
    response: Response, name: str, browser: SecretStr, pages_url: str, lifetime: timedelta
) -> None:
    pages = urlsplit(pages_url)
    response.set_cookie(
        name,
        browser.get_secret_value(),
        max_age=int(lifetime.total_seconds()),
        path=pages.path,
        secure=pages.scheme == "https",
        httponly=True,
        samesite="lax",
    )
