"""Authlib's OAuth client over the kit's transport, with one deadline and sorted errors."""

import asyncio
import re
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning
from pydantic import SecretStr
from tablesync.auth_service.errors import (
    AppRefusedError,
    CodeRefusedError,
    GrantLostError,
    ProviderUnavailableError,
    RefreshConflictError,
)
from tablesync.auth_service.providers.answers import without_oddities
from tablesync.auth_service.providers.base import ProviderContext, TokenSet
from tablesync.service_kit.http.client import (
    CONNECT_SECONDS,
    LastLook,
    json_or_none,
    never_sent,
)
from tablesync.service_kit.http.retry_after import retry_after

with warnings.catch_warnings():
    # Authlib 1.9 announces httpx2, which this project does not use yet.
    warnings.filterwarnings("ignore", "The httpx module", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

T = TypeVar("T")

DEADLINE_SECONDS = 10.0
LATE_LOOK_SECONDS = 1.0
COOL_DOWN_SECONDS = 5.0
# What is assumed of a token whose life a provider does not tell: it is looked after the sooner.
ASSUMED_SECONDS = 600
_CODE = re.compile(r"[\w.-]{1,64}")
_ACCESS_TOKEN, _REFRESH_TOKEN = "access_token", "refresh_token"
# Raises the error that a refusal with this status and JSON body stands for, if it knows it.
Classify = Callable[[int, dict[str, Any]], None]


@dataclass(frozen=True)
class OAuthApp:
    """How TableSync is registered at a provider.

    `not_now` are statuses by which this provider asks to wait, beside those of all.
    `assumed_seconds` is the life of a token of which none is told; None if it then never ends.
    """

    provider: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    redirect_uri: str
    authorize_url: str
    token_url: str
    client_authentication: str
    scope: str
    not_now: frozenset[int] = frozenset()
    assumed_seconds: int | None = ASSUMED_SECONDS

    @property
    def web_origin(self) -> str:
        """The origin of the page on which a person allows access."""
        parts = urlsplit(self.authorize_url)
        return f"{parts.scheme}://{parts.netloc}"


class OAuthClient:
    """The authorization-code flow with PKCE, and refresh, for one app."""

    def __init__(self, app: OAuthApp, context: ProviderContext, classify: Classify) -> None:
        self.app = app
        self._transport = context.transport
        self._refresh_seconds = context.refresh_seconds
        self._classify = classify

    def authorize_url(
        self, state: SecretStr, verifier: SecretStr, extra_scopes: Sequence[str] = ()
    ) -> str:
        """Build the authorize URL, with the verifier's S256 challenge."""
        url, _ = self._client().create_authorization_url(
            self.app.authorize_url,
            state=state.get_secret_value(),
            code_verifier=verifier.get_secret_value(),
            scope=" ".join([self.app.scope, *extra_scopes]),
        )
        return str(url)

    async def exchange(self, code: SecretStr, verifier: SecretStr) -> TokenSet:
        """Exchange a code; it is never sent twice, since a code is burnt by its first use."""
        async with deadline(self.app.provider):
            token = await self._client().fetch_token(
                self.app.token_url,
                grant_type="authorization_code",
                code=code.get_secret_value(),
                code_verifier=verifier.get_secret_value(),
            )
        return self._token_set(token)

    async def refresh(self, refresh_token: SecretStr, may_go: Callable[[], bool]) -> TokenSet:
        """Send the refresh token once, if it still may go; its answer may be long in coming."""
        client = self._client(LastLook(self._transport, may_go), read_seconds=None)
        with sorted_errors(self.app.provider):
            token = await _waited_for(
                client.refresh_token(
                    self.app.token_url, refresh_token=refresh_token.get_secret_value()
                ),
                self._refresh_seconds,
            )
        return self._token_set(token)

    async def introspect(self, url: str, token: SecretStr) -> dict[str, Any]:
        """Ask about a token (RFC 7662)."""
        async with deadline(self.app.provider):
            response = await self._client().introspect_token(
                url, token=token.get_secret_value(), token_type_hint=_ACCESS_TOKEN
            )
            return self._checked(response)

    async def revoke(self, url: str, token: SecretStr) -> None:
        """Revoke a refresh token (RFC 7009)."""
        async with deadline(self.app.provider):
            response = await self._client().revoke_token(
                url, token=token.get_secret_value(), token_type_hint=_REFRESH_TOKEN
            )
            raise_if_unavailable(self.app.provider, response, self.app.not_now)
            if not response.is_success:
                raise AppRefusedError(f"{response.status_code} at revocation")

    def _client(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        read_seconds: float | None = DEADLINE_SECONDS,
    ) -> AsyncOAuth2Client:
        """Make a client that lives for one call, since Authlib's remember the last token."""
        client = AsyncOAuth2Client(
            client_id=self.app.client_id,
            client_secret=self.app.client_secret.get_secret_value(),
            token_endpoint_auth_method=self.app.client_authentication,
            revocation_endpoint_auth_method=self.app.client_authentication,
            redirect_uri=self.app.redirect_uri,
            code_challenge_method="S256",
            transport=transport or self._transport,
            timeout=httpx.Timeout(DEADLINE_SECONDS, connect=CONNECT_SECONDS, read=read_seconds),
            trust_env=False,
            follow_redirects=False,
        )
        for moment in ("access_token_response", "refresh_token_response"):
            client.register_compliance_hook(moment, self._check)
        return client

    def _check(self, response: httpx.Response) -> httpx.Response:
        body = self._checked(response)
        if not isinstance(body.get("access_token"), str) or not body["access_token"]:
            raise ProviderUnavailableError(self.app.provider)
        return httpx.Response(
            response.status_code, json=without_oddities(body, self.app.assumed_seconds)
        )

    def _checked(self, response: httpx.Response) -> dict[str, Any]:
        """Return the JSON object of a 2xx answer; raise what any other answer means."""
        raise_if_unavailable(self.app.provider, response, self.app.not_now)
        body = json_or_none(response)
        answer = body if isinstance(body, dict) else {}
        if response.is_success:
            if not answer:
                raise ProviderUnavailableError(self.app.provider)
            return answer
        if response.status_code == httpx.codes.CONFLICT:
            raise RefreshConflictError(self.app.provider)
        self._classify(response.status_code, answer)
        raise AppRefusedError(_reason(response.status_code, answer))

    def _token_set(self, token: dict[str, Any]) -> TokenSet:
        return TokenSet(
            access_token=SecretStr(token["access_token"]),
            refresh_token=_secret(token.get("refresh_token")),
            expires_in=token.get("expires_in"),
            refresh_expires_in=token.get("refresh_expires_in"),
            scopes=tuple(token["scope"].split()) if "scope" in token else None,
        )


class CodeFlow:
    """The part of a provider that is the same at all: authorize, exchange and refresh.

    Its consent page leaves nothing to choose beside the account, unless a provider says so.
    """

    def __init__(self, oauth: OAuthClient) -> None:
        self._oauth = oauth
        self.redirect_uri = oauth.app.redirect_uri
        self.web_origins: tuple[str, ...] = (oauth.app.web_origin,)

    def authorize_url(
        self, state: SecretStr, verifier: SecretStr, extra_scopes: Sequence[str] = ()
    ) -> str:
        """Return the provider's page on which a person picks an account and allows access."""
        return self._oauth.authorize_url(state, verifier, extra_scopes)

    async def exchange(self, code: SecretStr, verifier: SecretStr) -> TokenSet:
        """Turn a code into tokens; an invalid grant means the code, as no grant exists yet."""
        try:
            return await self._oauth.exchange(code, verifier)
        except GrantLostError as error:
            raise CodeRefusedError("invalid_grant") from error

    async def refresh(self, refresh_token: SecretStr, may_go: Callable[[], bool]) -> TokenSet:
        """Get fresh tokens, if the request `may_go` at the moment when its bytes go out.

        Where a code is refused that was never sent, it is our request that is not understood.
        """
        try:
            return await self._oauth.refresh(refresh_token, may_go)
        except CodeRefusedError as error:
            raise AppRefusedError(f"{error} at a refresh") from error

    async def granted_bases(self, access_token: SecretStr) -> frozenset[str] | None:
        """Return None: the account is all that there is to choose."""
        return None


@asynccontextmanager
async def deadline(provider: str) -> AsyncIterator[None]:
    """Bound a whole call to a provider, and sort what can go wrong on the way."""
    with sorted_errors(provider):
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield


@contextmanager
def sorted_errors(provider: str) -> Iterator[None]:
    """Raise what an answer that did not come, or that nobody understands, stands for."""
    try:
        yield
    except (TimeoutError, httpx.HTTPError) as error:
        raise ProviderUnavailableError(provider, processed=not never_sent(error)) from None
    except (AuthlibBaseError, ValueError) as error:
        # From an answer that passed our own checks: its type says enough, its text may quote it.
        raise AppRefusedError(type(error).__name__) from None


async def _waited_for(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Await an answer that may hold the only living tokens; raises TimeoutError.

    After the time is over one more look is taken: whoever slept meanwhile finds it in the socket.
    """
    task = asyncio.create_task(work)
    try:
        for patience in (seconds, LATE_LOOK_SECONDS):
            await asyncio.wait({task}, timeout=patience)
            if task.done():
                return await task
    finally:
        task.cancel()
    raise TimeoutError


def raise_if_unavailable(
    provider: str, response: httpx.Response, not_now: frozenset[int] = frozenset()
) -> None:
    """Raise for a request that was not acted upon for now, and for a server error."""
    seconds = retry_after(response, COOL_DOWN_SECONDS)
    if response.status_code in {httpx.codes.TOO_MANY_REQUESTS, *not_now}:
        raise ProviderUnavailableError(provider, seconds, processed=False)
    if response.is_server_error:
        raise ProviderUnavailableError(provider, seconds)


def _secret(value: str | None) -> SecretStr | None:
    return SecretStr(value) if value else None


def _reason(status_code: int, body: dict[str, Any]) -> str:
    """Name an error by its code alone: descriptions may repeat what was sent."""
    code = str(body.get("error"))
    return f"{status_code} {code if _CODE.fullmatch(code) else 'without an error code'}"
