"""`/oauth/{provider}`: where a browser leaves for the provider and comes back."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.pages import no_store
from tablesync.auth_service.consent.authorizations import LIFETIME, Authorization, Started
from tablesync.auth_service.consent.connect import Outcome
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.parts import Parts
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.settings import Settings

# What an authorization server answers when it is at fault itself; any other error is a no.
AWAY = frozenset({"server_error", "temporarily_unavailable"})


def routes(parts: Parts) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/oauth", tags=["oauth"])
    by_name = {provider.name.value: provider for provider in parts.providers.values()}

    @router.get("/{provider_name}/start")
    async def start(provider_name: str, authorization: str = "") -> Response:
        provider = by_name.get(provider_name)
        if provider is None:
            return parts.pages.expired(None, 404)
        started = await parts.authorizations.start(provider_name, authorization)
        if started is None:
            return parts.pages.expired(provider, 410)
        url = provider.authorize_url(started.state, started.verifier)
        response = RedirectResponse(url, 302, headers=no_store())
        _bind(response, parts.settings, started)
        return response

    @router.get("/{provider_name}/callback")
    async def callback(request: Request, provider_name: str) -> HTMLResponse:
        provider = by_name.get(provider_name)
        if provider is None:
            return parts.pages.expired(None, 404)
        attempt = await _attempt(request, parts, provider)
        verifier = await parts.authorizations.claim(attempt) if attempt else None
        if attempt is None or verifier is None:
            return parts.pages.expired(provider, 400)
        outcome = await _conclude(request, parts, attempt, provider, verifier)
        return parts.pages.outcome(provider, outcome)

    return router


async def _attempt(request: Request, parts: Parts, provider: OAuthProvider) -> Authorization | None:
    """Find what this callback answers: the state, the issuer and the browser have to agree."""
    query = request.query_params
    state = SecretStr(query.get("state", ""))
    attempt = await parts.authorizations.by_state(provider.name, state)
    if attempt is None or query.get("iss", provider.issuer) != provider.issuer:
        return None
    cookie = request.cookies.get(attempt.cookie_name)
    return attempt if attempt.bound_to(cookie) else None


async def _conclude(
    request: Request,
    parts: Parts,
    attempt: Authorization,
    provider: OAuthProvider,
    verifier: SecretStr,
) -> Outcome:
    """Take the provider's answer: a code, a no, or that it could not serve (RFC 6749, 4.1.2.1)."""
    error, code = request.query_params.get("error"), request.query_params.get("code")
    if error in AWAY:
        away = ProviderUnavailableError(provider.name)
        return await parts.connecting.fail(attempt, provider, away)
    if error or not code:
        return await parts.connecting.deny(attempt)
    return await parts.connecting.complete(attempt, provider, SecretStr(code), verifier)


def _bind(response: Response, settings: Settings, started: Started) -> None:
    """Set the cookie by which the callback knows this browser again."""
    redirect = urlsplit(settings.redirect_uri(started.authorization.provider))
    response.set_cookie(
        started.authorization.cookie_name,
        started.binding.get_secret_value(),
        max_age=int(LIFETIME.total_seconds()),
        path=redirect.path,
        secure=redirect.scheme == "https",
        httponly=True,
        samesite="lax",
    )
