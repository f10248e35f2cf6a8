"""`/oauth/{provider}`: where a browser leaves for the provider and comes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from starlette.datastructures import QueryParams
from tablesync.auth_service.api.buttons import (
    BUTTON,
    browser_of,
    depart,
    form_token,
    pressed_by,
    remember,
    to_start,
)
from tablesync.auth_service.api.pages import Again, Pages, ShownInstead, no_store, shows
from tablesync.auth_service.consent.authorizations import Authorization, Authorizations
from tablesync.auth_service.consent.connect import Connecting, Outcome
from tablesync.auth_service.consent.requests import ConsentRequest, ConsentRequests
from tablesync.auth_service.consent.returning import told
from tablesync.auth_service.consent.starting_again import StartingAgain
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.opaque_tokens import new_secret
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts.public_api.connections import AuthorizationStatus
from tablesync.service_kit.http.openapi import NO_TOKEN, declares

# What an authorization server answers when it is at fault itself; any other error is a no.
AWAY = frozenset({"server_error", "temporarily_unavailable"})


def start_routes(
    authorizations: Authorizations,
    requests: ConsentRequests,
    connecting: Connecting,
    starting_again: StartingAgain,
    providers: Providers,
    pages: Pages,
) -> APIRouter:
    """Make the page before the provider's, and its button."""
    router = APIRouter(prefix="/oauth", tags=["oauth"], responses=declares(503))
    results = Results(requests, connecting, pages)
    named = _named(providers, pages)
    opening = Depends(_Opening(authorizations, requests, named, pages, results))

    @router.get(
        "/{provider_name}/start",
        response_class=HTMLResponse,
        responses=shows(404, 409, 410),
        openapi_extra=NO_TOKEN,
    )
    async def show(opened: _Opened = opening, window: str = "") -> HTMLResponse:
        browser = opened.browser or new_secret()
        page = pages.consent(
            opened.provider, opened.asked, form_token(browser), blocked=window == "blocked"
        )
        remember(page, opened.provider, opened.attempt, browser)
        return page

    @router.post(
        "/{provider_name}/start",
        status_code=303,
        response_class=RedirectResponse,
        responses=shows(403, 404, 409, 410),
        openapi_extra={**NO_TOKEN, "requestBody": BUTTON},
    )
    async def start(request: Request, opened: _Opened = opening) -> Response:
        browser = opened.browser
        if browser is None or not await pressed_by(request, browser):
            return pages.not_pressed_here()
        started = await authorizations.start(opened.attempt, browser)
        return depart(opened.provider, started) if started else pages.taken(opened.provider)

    @router.post(
        "/{provider_name}/again",
        status_code=303,
        response_class=RedirectResponse,
        responses=shows(403, 404, 410),
        openapi_extra={**NO_TOKEN, "requestBody": BUTTON},
    )
    async def again(
        request: Request, provider: OAuthProvider = Depends(named), authorization: str = ""
    ) -> Response:
        """Begin anew what came to nothing in this browser."""
        ended = await authorizations.find(provider.name, authorization)
        browser = browser_of(request, ended) if ended else None
        if ended is None or not ended.bound_to(browser) or not await pressed_by(request, browser):
            return pages.not_pressed_here(page=f"start?authorization={quote(authorization)}")
        attempt = await starting_again.after(ended)
        return to_start(provider, attempt) if attempt else pages.expired(provider, 410)

    return router


def callback_routes(
    authorizations: Authorizations,
    requests: ConsentRequests,
    connecting: Connecting,
    providers: Providers,
    pages: Pages,
) -> APIRouter:
    """Make the route that the provider sends the browser back to."""
    router = APIRouter(prefix="/oauth", tags=["oauth"], responses=declares(503))
    results = Results(requests, connecting, pages)
    named = Depends(_named(providers, pages))

    @router.get(
        "/{provider_name}/callback",
        response_class=HTMLResponse,
        responses=shows(400, 404),
        openapi_extra=NO_TOKEN,
    )
    async def callback(request: Request, provider: OAuthProvider = named) -> Response:
        answer = _Answer(request.query_params)
        attempt = await _attempt(request, answer, authorizations, provider)
        if attempt is None:
            return pages.expired(provider, 400)
        conclude = partial(_conclude, answer, authorizations, connecting, attempt, provider)
        await connecting.see_through(answer.state, conclude)
        return await results.of(
            provider,
            attempt,
            browser_of(request, attempt),
            if_over=400,
            superseded=attempt.has_superseded(answer.state),
        )

    return router


@dataclass(frozen=True)
class Results:
    """Shows how an attempt ended, as it is now: the page may be loaded again at any time."""

    requests: ConsentRequests
    connecting: Connecting
    pages: Pages

    async def of(
        self,
        provider: OAuthProvider,
        attempt: Authorization,
        browser: SecretStr | None,
        *,
        if_over: int,
        superseded: bool = False,
    ) -> Response:
        """Return the page, for the browser in which the attempt began, or send it where it belongs.

        `superseded` is a tab in which it does not go on, as its button was pressed anew since.
        """
        outcome = await self.connecting.outcome_of(attempt)
        if browser is None:
            return self.pages.expired(provider, if_over)
        if attempt.return_to and outcome.status is not AuthorizationStatus.PENDING:
            return RedirectResponse(told(attempt.return_to, attempt.id), 303, headers=no_store())
        again = Again(attempt.id, form_token(browser))
        if outcome.status is AuthorizationStatus.EXPIRED:
            return self.pages.too_late(provider, outcome.connection, if_over, again)
        if superseded and outcome.status is AuthorizationStatus.PENDING:
            return self.pages.elsewhere(provider, again)
        workspace = await self.requests.workspace_of(attempt)
        return self.pages.outcome(provider, outcome, workspace, again)


_FindProvider = Callable[[str], Awaitable[OAuthProvider]]


def _named(providers: Providers, pages: Pages) -> _FindProvider:
    """Make a FastAPI dependency: the provider of a path, or a page where there is none."""

    async def find(provider_name: str) -> OAuthProvider:
        provider = providers.named(provider_name)
        if provider is None:
            raise ShownInstead(pages.expired(None, 404))
        return provider

    return find


@dataclass(frozen=True)
class _Opened:
    """An attempt whose link was opened, in a browser that is known to it or new."""

    provider: OAuthProvider
    attempt: Authorization
    asked: ConsentRequest
    browser: SecretStr | None


class _Opening:
    """A FastAPI dependency: finds the attempt of a link, or shows why it does not go on here."""

    def __init__(
        self,
        authorizations: Authorizations,
        requests: ConsentRequests,
        named: _FindProvider,
        pages: Pages,
        results: Results,
    ) -> None:
        self._authorizations = authorizations
        self._requests = requests
        self._named = named
        self._pages = pages
        self._results = results

    async def __call__(
        self, request: Request, provider_name: str, authorization: str = ""
    ) -> _Opened:
        provider = await self._named(provider_name)
        attempt = await self._authorizations.find_pending(provider.name, authorization)
        if attempt is None:
            raise ShownInstead(await self._ended(request, provider, authorization))
        browser = browser_of(request, attempt)
        if attempt.taken_by_another(browser):
            raise ShownInstead(self._pages.taken(provider))
        asked = await self._requests.of(attempt)
        if asked is None:
            raise ShownInstead(self._pages.expired(provider, 410))
        return _Opened(provider, attempt, asked, browser)

    async def _ended(
        self, request: Request, provider: OAuthProvider, authorization: str
    ) -> Response:
        """Show what became of an attempt, in the browser in which it began."""
        ended = await self._authorizations.find(provider.name, authorization)
        browser = browser_of(request, ended) if ended else None
        if ended is None or not ended.bound_to(browser):
            return self._pages.expired(provider, 410)
        return await self._results.of(provider, ended, browser, if_over=410)


@dataclass(frozen=True)
class _Answer:
    """What the provider has a browser say."""

    query: QueryParams

    @property
    def state(self) -> SecretStr:
        """What we sent the browser away with."""
        return SecretStr(self.query.get("state", ""))


async def _attempt(
    request: Request, answer: _Answer, authorizations: Authorizations, provider: OAuthProvider
) -> Authorization | None:
    """Find what this callback answers: the state, the provider and the browser have to agree."""
    attempt = await authorizations.by_state(provider.name, answer.state)
    if attempt is None or not provider.verify_callback(answer.query.multi_items(), attempt.host):
        return None
    return attempt if attempt.bound_to(browser_of(request, attempt)) else None


async def _conclude(
    answer: _Answer,
    authorizations: Authorizations,
    connecting: Connecting,
    attempt: Authorization,
    provider: OAuthProvider,
) -> Outcome | None:
    """Take the provider's answer: a code, a no, or that it could not serve (RFC 6749, 4.1.2.1).

    None for whoever comes second, or from a tab in which the attempt does not go on.
    """
    verifier = await authorizations.claim(attempt, answer.state)
    if verifier is None:
        return None
    error, code = answer.query.get("error"), answer.query.get("code")
    if error in AWAY:
        return await connecting.fail(attempt, provider, ProviderUnavailableError(provider.name))
    if error or not code:
        return await connecting.deny(attempt)
    return await connecting.complete(attempt, provider, SecretStr(code), verifier)
