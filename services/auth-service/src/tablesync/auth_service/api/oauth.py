"""`/oauth/{provider}`: where a browser leaves for the provider and comes back."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from starlette.datastructures import QueryParams
from tablesync.auth_service.api.pages import Pages, no_store, shows
from tablesync.auth_service.consent.authorizations import (
    LIFETIME,
    Authorization,
    Authorizations,
    Started,
)
from tablesync.auth_service.consent.connect import Connecting, Outcome
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.service_kit.http.openapi import NO_TOKEN, declares

# What an authorization server answers when it is at fault itself; any other error is a no.
AWAY = frozenset({"server_error", "temporarily_unavailable"})


def routes(
    authorizations: Authorizations, connecting: Connecting, providers: Providers, pages: Pages
) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/oauth", tags=["oauth"], responses=declares(503))

    @router.get(
        "/{provider_name}/start",
        status_code=302,
        response_class=RedirectResponse,
        responses=shows(404, 410),
        openapi_extra=NO_TOKEN,
    )
    async def start(provider_name: str, authorization: str = "") -> Response:
        provider = providers.named(provider_name)
        if provider is None:
            return pages.expired(None, 404)
        started = await authorizations.start(provider.name, authorization)
        if started is None:
            return pages.expired(provider, 410)
        url = provider.authorize_url(started.state, started.verifier)
        response = RedirectResponse(url, 302, headers=no_store())
        _bind(response, provider, started)
        return response

    @router.get(
        "/{provider_name}/callback",
        response_class=HTMLResponse,
        responses=shows(400, 404),
        openapi_extra=NO_TOKEN,
    )
    async def callback(request: Request, provider_name: str) -> HTMLResponse:
        provider = providers.named(provider_name)
        if provider is None:
            return pages.expired(None, 404)
        attempt = await _attempt(request, authorizations, provider)
        verifier = await authorizations.claim(attempt) if attempt else None
        if attempt is None or verifier is None:
            return pages.expired(provider, 400)
        answer = request.query_params
        outcome = await _conclude(answer, connecting, attempt, provider, verifier)
        return pages.outcome(provider, outcome)

    return router


async def _attempt(
    request: Request, authorizations: Authorizations, provider: OAuthProvider
) -> Authorization | None:
    """Find what this callback answers: the state, the issuer and the browser have to agree."""
    query = request.query_params
    state = SecretStr(query.get("state", ""))
    attempt = await authorizations.by_state(provider.name, state)
    if attempt is None or query.get("iss", provider.issuer) != provider.issuer:
        return None
    return attempt if attempt.bound_to(request.cookies.get(attempt.cookie_name)) else None


async def _conclude(
    answer: QueryParams,
    connecting: Connecting,
    attempt: Authorization,
    provider: OAuthProvider,
    verifier: SecretStr,
) -> Outcome:
    """Take the provider's answer: a code, a no, or that it could not serve (RFC 6749, 4.1.2.1)."""
    error, code = answer.get("error"), answer.get("code")
    if error in AWAY:
        return await connecting.fail(attempt, provider, ProviderUnavailableError(provider.name))
    if error or not code:
        return await connecting.deny(attempt)
    return await connecting.complete(attempt, provider, SecretStr(code), verifier)


def _bind(response: Response, provider: OAuthProvider, started: Started) -> None:
    """Set the cookie by which the callback knows this browser again."""
    redirect = urlsplit(provider.redirect_uri)
    response.set_cookie(
        started.authorization.cookie_name,
        started.binding.get_secret_value(),
        max_age=int(LIFETIME.total_seconds()),
        path=redirect.path,
        secure=redirect.scheme == "https",
        httponly=True,
        samesite="lax",
    )
