"""What each provider does when a test of all of them asks for it: one player for each."""

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from auth_service_rig import Json, Rig, answer_for
from auth_service_shop_server import ShopServer
from auth_service_shops import LOGIN, signature
from tablesync.auth_service.providers.base import Rotation
from tablesync.contracts import Provider
from tablesync.test_kit import NO_TLS, SandboxControl

HOST = "acme.shops.test"


class Player(ABC):
    """A provider behind the scenes, and what is to be expected of it.

    `given` is what it asks for before connecting, `endpoint` what it gives beside tokens;
    `withdrawn` is the cause that is told when its owner removes the app.
    """

    provider: Provider
    rotation: Rotation
    withdrawn = "grant_revoked"
    refreshes = True
    ends_upstream = False
    given: dict[str, str] = {}  # noqa: RUF012 - never changed
    endpoint: str | None = None

    async def connect(self, rig: Rig, **given: str) -> Json:
        """Connect the usual account; return the connection."""
        await self.signs_in()
        outcome = await rig.authorize(self.provider, **{**self.given, **given})
        assert outcome["status"] == "completed", outcome
        return await rig.connection(outcome["connection_id"])

    @abstractmethod
    async def signs_in(self, *, another: bool = False) -> None:
        """Let whoever is sent there allow access to an account, or to another one."""

    @abstractmethod
    async def expire(self, connection: Json) -> None:
        """Let access tokens be over."""

    @abstractmethod
    async def withdraw(self, connection: Json) -> None:
        """Let an account's owner remove the app."""

    @abstractmethod
    async def lose_an_answer(self) -> None:
        """Refresh once more, and do not say so."""

    @abstractmethod
    async def go_away(self) -> None:
        """Answer nothing of use."""

    @abstractmethod
    async def refreshes_made(self) -> int:
        """Return how many refreshes have come to pass."""

    async def was_told_of_an_end(self) -> bool:
        """Whether somebody has ended a grant there, by a call for that."""
        return False

    @abstractmethod
    async def accepts(self, token: str) -> bool:
        """Whether a token opens anything."""

    @abstractmethod
    def forged(self, callback: str) -> list[str]:
        """Return callbacks that this provider has not sent, made of one that it has."""


class SandboxPlayer(Player):
    """HubSpot or Airtable, as the sandbox plays them."""

    _ACCOUNTS = {  # noqa: RUF012 - never changed
        Provider.HUBSPOT: ("7001", "7002"),
        Provider.AIRTABLE: ("ada@acme.test", "gus@globex.test"),
    }
    _PATHS = {  # noqa: RUF012 - never changed
        Provider.HUBSPOT: "/hubspot/crm/v3/objects/contacts",
        Provider.AIRTABLE: "/airtable/v0/meta/whoami",
    }

    def __init__(self, provider: Provider, sandbox: SandboxControl) -> None:
        self.provider = provider
        self.rotation = Rotation.NONE if provider is Provider.HUBSPOT else Rotation.STRICT
        self.ends_upstream = provider is Provider.HUBSPOT
        self.withdrawn = "app_uninstalled" if provider is Provider.HUBSPOT else "grant_revoked"
        self._sandbox = sandbox

    async def signs_in(self, *, another: bool = False) -> None:
        account = self._ACCOUNTS[self.provider][another]
        await self._sandbox.answer(self.provider, **answer_for(self.provider, account))

    async def expire(self, connection: Json) -> None:
        await self._sandbox.control(self.provider, connection["account"]["id"], "expire")

    async def withdraw(self, connection: Json) -> None:
        await self._sandbox.control(self.provider, connection["account"]["id"], "revoke")

    async def lose_an_answer(self) -> None:
        await self._break(status=503, performed=True, count=1, path_contains="/token")

    async def go_away(self) -> None:
        await self._break(status=503)

    async def _break(self, **fault: Any) -> None:
        await self._sandbox.control(self.provider, "-", "break", **fault)

    async def refreshes_made(self) -> int:
        return int((await self._sandbox.counters())[self.provider]["refreshes"])

    async def was_told_of_an_end(self) -> bool:
        requests = (await self._sandbox.log(provider=self.provider))["requests"]
        revocations = [each for each in requests if each["path"].endswith("/token/revoke")]
        return [each["status"] for each in revocations] == [200]

    async def accepts(self, token: str) -> bool:
        return await opens(self._sandbox.url + self._PATHS[self.provider], token)

    def forged(self, callback: str) -> list[str]:
        return [f"{callback}&iss=https://elsewhere.test"]


class ListsPlayer(Player):
    """The lists: one token for ever."""

    provider = Provider.MAILCHIMP
    rotation = Rotation.NONE
    withdrawn = "token_rejected"
    refreshes = False

    def __init__(self, server: ShopServer, host: str = LOGIN) -> None:
        self.host = host
        self.site = server.site(host)
        self.endpoint = f"{server.url}/{host}"

    async def signs_in(self, *, another: bool = False) -> None:
        self.site.account = f"{self.host} {2 if another else 1}"

    async def expire(self, connection: Json) -> None:
        self.site.expire()

    async def withdraw(self, connection: Json) -> None:
        self.site.withdraw()

    async def lose_an_answer(self) -> None:
        self.site.answers_lost = 1

    async def go_away(self) -> None:
        self.site.is_away = True

    async def refreshes_made(self) -> int:
        return self.site.refreshes

    async def accepts(self, token: str) -> bool:
        return await opens(f"{self.endpoint}/account", token)

    def forged(self, callback: str) -> list[str]:
        return [f"{callback}&iss=https://elsewhere.test"]


class ShopPlayer(ListsPlayer):
    """A shop: at a host of its own, with grace for refresh tokens, and signed callbacks."""

    provider = Provider.SHOPIFY
    rotation = Rotation.GRACE
    withdrawn = "grant_revoked"
    refreshes = True
    given = {"shop": HOST}  # noqa: RUF012 - never changed

    def __init__(self, server: ShopServer, host: str = HOST) -> None:
        super().__init__(server, host)

    def forged(self, callback: str) -> list[str]:
        address, query = callback.split("?")
        told = dict(parse_qsl(query))
        unsigned = {name: value for name, value in told.items() if name != "hmac"}
        stale = {**unsigned, "timestamp": "1700000000"}
        other = {**unsigned, "shop": "other.shops.test"}
        forgeries = (
            unsigned,
            {**told, "hmac": "0" * 64},
            {**told, "extra": "1"},
            {**stale, "hmac": signature(stale.items())},
            {**other, "hmac": signature(other.items())},
        )
        return [f"{address}?{urlencode(each)}" for each in forgeries]


async def opens(url: str, token: str) -> bool:
    """Whether a token is taken at an address."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, verify=NO_TLS) as client:
        return (await client.get(url)).is_success
