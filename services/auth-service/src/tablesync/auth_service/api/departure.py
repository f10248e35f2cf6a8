"""Leaving for a provider: the browser that presses the button is the one that has to come back.

Its cookie is set by our page and bound to the attempt by the button, so that whoever merely looks
at the page, as scanners and previews do, binds nothing.
"""

import hmac
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.pages import no_store
from tablesync.auth_service.consent.authorizations import LIFETIME, Authorization, Started
from tablesync.auth_service.opaque_tokens import digest
from tablesync.auth_service.providers.base import OAuthProvider

FORM_TOKEN = "form_token"  # noqa: S105 - a field's name
FORM_FIELDS_MOST = 5


def browser_of(request: Request, attempt: Authorization) -> SecretStr | None:
    """Return by what this browser is known to an attempt."""
    cookie = request.cookies.get(attempt.cookie_name)
    return SecretStr(cookie) if cookie else None


def remember(
    response: Response, provider: OAuthProvider, attempt: Authorization, browser: SecretStr
) -> None:
    """Set the cookie by which the button and the callback know this browser again."""
    redirect = urlsplit(provider.redirect_uri)
    response.set_cookie(
        attempt.cookie_name,
        browser.get_secret_value(),
        # Longer than the attempt lasts: the page that tells of its end offers another.
        max_age=int(2 * LIFETIME.total_seconds()),
        path=redirect.path.removesuffix("/callback"),
        secure=redirect.scheme == "https",
        httponly=True,
        samesite="lax",
    )


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
    folder = provider.redirect_uri.removesuffix("/callback")
    return RedirectResponse(f"{folder}/start?authorization={attempt.id}", 303, headers=no_store())


def depart(provider: OAuthProvider, started: Started) -> RedirectResponse:
    """Send the browser to the provider's page."""
    url = provider.authorize_url(started.state, started.verifier)
    response = RedirectResponse(url, 303, headers=no_store())
    remember(response, provider, started.authorization, started.browser)
    return response
