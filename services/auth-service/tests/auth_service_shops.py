"""Providers for tests alone: shops, each at a host of its own, and mailing lists without refreshes.

What a shop and the lists do is `auth_service_shop_server`'s. In the place of hosts of their own,
shops are at paths of that one server.
"""

import hmac
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime

import httpx
from pydantic import SecretStr
from tablesync.auth_service.errors import (
    GrantLostError,
    HostRefusedError,
    ProviderUnavailableError,
    WebhookRefusedError,
)
from tablesync.auth_service.providers import PROVIDERS, ProviderSettings, Registry
from tablesync.auth_service.providers.answers import Answer, Name, understood
from tablesync.auth_service.providers.base import (
    Hint,
    Hints,
    Identity,
    Probe,
    ProviderContext,
    Query,
    Rotation,
    Webhooks,
)
from tablesync.auth_service.providers.oauth_client import (
    CodeFlow,
    OAuthApp,
    OAuthClient,
    deadline,
    raise_if_unavailable,
)
from tablesync.auth_service.providers.one_host import OneHost
from tablesync.auth_service.providers.profile import Profile
from tablesync.contracts import Account, ConnectionCause, Provider
from tablesync.contracts.public_api.connections import AskedBefore, Places
from tablesync.service_kit.http.client import json_or_none

CLIENT_ID, CLIENT_SECRET = "test-only", "test-only-secret"
SCOPES: tuple[str, ...] = ("read_orders",)
LOGIN = "login"
CALLBACK_SECONDS = 90
_HOST = re.compile(r"[a-z0-9][a-z0-9-]*\.shops\.test")
_HINTS = Hints("It asks.", "Choose.", "Choose as before.", "To remove it: there.")
_SHOPS = Profile(
    mark=("M4 10.5 5.5 4.5h13L20 10.5",),
    about="It sells.",
    reads="orders",
    needs="staff rights",
    is_source=True,
    asks_for=(AskedBefore(name="shop", label="Your shop's address", example="acme.shops.test"),),
)
_LISTS = Profile(
    mark=("m4.5 7.5 7.5 6 7.5-6",), about="It mails.", reads="lists", needs="admin rights"
)


class Told(Answer):
    """Whose a token is, and where the API is for it."""

    id: Name
    name: str
    endpoint: str


class ShopWebhooks:
    """What a shop sends: signed in its head, over the whole body."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Hint | None:
        """Return when which shop was left; None for any other topic."""
        if not hmac.compare_digest(headers.get("X-Shop-Hmac", ""), body_signature(body)):
            raise WebhookRefusedError
        if headers["X-Shop-Topic"] != "app/uninstalled":
            return None
        return Hint(headers["X-Shop-Domain"], datetime.fromisoformat(headers["X-Shop-Time"]))


class Shops:
    """Shops: grace rotation, a host and an endpoint for each, and callbacks that they sign."""

    name = Provider.SHOPIFY
    hints = _HINTS
    profile = _SHOPS
    rotation = Rotation.GRACE
    webhooks: Webhooks | None = ShopWebhooks()
    required_scopes = SCOPES
    idle_seconds: int | None = 90 * 24 * 3_600

    def __init__(self, url: str, context: ProviderContext) -> None:
        self._url = url
        self._context = context
        self.redirect_uri = context.redirect_uri(self.name)
        self.sign_out_url = f"{url}/logout"
        self.places = Places(lists={"orders": "https://{host}/admin/orders"})

    def host_of(self, given: str | None) -> str:
        """Return a shop's domain, in small letters."""
        host = (given or "").lower()
        if not _HOST.fullmatch(host):
            fault = "is no shop's domain" if given else "is missing"
            raise HostRefusedError(fault, "Name the shop's domain, such as acme.shops.test.")
        return host

    def at(self, host: str | None) -> "Shop":
        """Return a shop's endpoints."""
        assert host is not None
        return Shop(f"{self._url}/{host}", self._context, self.redirect_uri)

    def verify_callback(self, query: Query, host: str | None) -> bool:
        """Whether the shop has signed it, just now, and is the one that was meant."""
        told = dict(query)
        if not hmac.compare_digest(told.pop("hmac", ""), signature(told.items())):
            return False
        is_fresh = abs(time.time() - int(told["timestamp"])) <= CALLBACK_SECONDS
        return is_fresh and told["shop"] == host


class Shop(CodeFlow):
    """One shop."""

    name = Provider.SHOPIFY

    def __init__(self, url: str, context: ProviderContext, redirect_uri: str) -> None:
        super().__init__(OAuthClient(_app(self.name, url, redirect_uri), context, classify))
        self._url = url
        self._http = context.http

    async def identify(self, access_token: SecretStr) -> Identity:
        """Ask the shop who it is."""
        told = await self._ask(access_token)
        if told is None:
            raise GrantLostError(ConnectionCause.TOKEN_REJECTED)
        return Identity(Account(id=told.id, name=told.name), SCOPES, told.endpoint)

    async def end(self, refresh_token: SecretStr) -> bool:
        """Nothing but an uninstall would end it."""
        return False

    async def probe(self, access_token: SecretStr) -> Probe:
        """Ask the shop who it is; any living token may."""
        return Probe.REJECTED if await self._ask(access_token) is None else Probe.ACCEPTED

    async def _ask(self, access_token: SecretStr) -> Told | None:
        response = await _get(self._http, self.name, f"{self._url}/account", access_token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return None
        return understood(Told, self.name, json_or_none(response))


class Lists(OneHost):
    """Mailing lists: one token for ever, no refresh token, an endpoint for each account."""

    name = Provider.MAILCHIMP
    hints = _HINTS
    profile = _LISTS
    rotation = Rotation.NONE
    required_scopes: tuple[str, ...] = ()
    idle_seconds: int | None = None

    def __init__(self, url: str, context: ProviderContext) -> None:
        app = _app(self.name, f"{url}/{LOGIN}", context.redirect_uri(self.name), None)
        super().__init__(OAuthClient(app, context, classify), issuer=url)
        self.sign_out_url = f"{url}/{LOGIN}/logout"
        self.places = Places()
        self._url = f"{url}/{LOGIN}/metadata"
        self._http = context.http

    async def identify(self, access_token: SecretStr) -> Identity:
        """Ask for the account, and where its API is."""
        told = await self._ask(access_token)
        if told is None:
            raise GrantLostError(ConnectionCause.TOKEN_REJECTED)
        return Identity(Account(id=told.id, name=told.name), (), told.endpoint)

    async def end(self, refresh_token: SecretStr) -> bool:
        """Never called: there is no refresh token."""
        raise AssertionError("a login has no refresh token to end")

    async def probe(self, access_token: SecretStr) -> Probe:
        """Ask for the account; any living token may."""
        return Probe.REJECTED if await self._ask(access_token) is None else Probe.ACCEPTED

    async def _ask(self, access_token: SecretStr) -> Told | None:
        """Return what is told, which is 200 of a dead token too."""
        response = await _get(self._http, self.name, self._url, access_token)
        body = json_or_none(response)
        if body == {"error": "invalid_token"}:
            return None
        return understood(Told, self.name, body)


def registry(url: str) -> Registry:
    """Return all providers, and beside them those for tests, at a shop server."""

    def shops(_: ProviderSettings, context: ProviderContext) -> Shops:
        return Shops(url, context)

    def lists(_: ProviderSettings, context: ProviderContext) -> Lists:
        return Lists(url, context)

    return {**PROVIDERS, Provider.SHOPIFY: shops, Provider.MAILCHIMP: lists}


def signature(query: Iterable[tuple[str, str]]) -> str:
    """Return what a shop signs a callback with."""
    message = "&".join(f"{name}={value}" for name, value in sorted(query))
    return hmac.digest(CLIENT_SECRET.encode(), message.encode(), "sha256").hex()


def body_signature(body: bytes) -> str:
    """Return what a shop signs a webhook with."""
    return hmac.digest(CLIENT_SECRET.encode(), body, "sha256").hex()


def classify(status_code: int, body: Mapping[str, object]) -> None:
    """Raise for a refresh token or a code that is no good."""
    if (status_code, body.get("error")) == (httpx.codes.UNAUTHORIZED, "invalid_request"):
        raise GrantLostError(ConnectionCause.GRANT_REVOKED)


def _app(
    provider: Provider, url: str, redirect_uri: str, assumed_seconds: int | None = 3_600
) -> OAuthApp:
    return OAuthApp(
        provider=provider,
        client_id=CLIENT_ID,
        client_secret=SecretStr(CLIENT_SECRET),
        redirect_uri=redirect_uri,
        authorize_url=f"{url}/authorize",
        token_url=f"{url}/token",
        client_authentication="client_secret_post",
        scope=" ".join(SCOPES),
        assumed_seconds=assumed_seconds,
    )


async def _get(
    http: httpx.AsyncClient, provider: Provider, url: str, token: SecretStr
) -> httpx.Response:
    async with deadline(provider):
        bearer = {"Authorization": f"Bearer {token.get_secret_value()}"}
        response = await http.get(url, headers=bearer)
    raise_if_unavailable(provider, response)
    if not response.is_success and response.status_code != httpx.codes.UNAUTHORIZED:
        raise ProviderUnavailableError(provider)
    return response
