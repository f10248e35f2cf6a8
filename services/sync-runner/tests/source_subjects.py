"""Providers as the conformance suite of sources plays and reads them, whoever they are.

A new provider gets a subject here, and passes the suite in `test_source_conformance.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import ClassVar

from second_provider.budgets import ShopLimits
from second_provider.server import PAGE, Shop
from second_provider.source import ShopProvider
from starlette.responses import Response, StreamingResponse
from sync_runner_rig import HUBSPOT, WORKSPACE, Rig
from tablesync.contracts import Account, Provider
from tablesync.service_kit.http.client import new_client
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.gates import Gates
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.clients.auth_service import AuthServiceClient
from tablesync.sync_runner.errors import ConnectionLostError
from tablesync.sync_runner.settings import NAME
from tablesync.sync_runner.sources import SOURCES, Sources, StartProvider
from tablesync.sync_runner.sources.base import GONE, Source, SourceProperty
from tablesync.sync_runner.sources.hubspot.answers import Record, read_record
from tablesync.sync_runner.values import Value
from tablesync.test_kit.stand_ins import HeldConnection

SHOP = "con_shop"
A_YEAR = 365 * 24 * 3600.0


class Subject(ABC):
    """One object of one provider: what is there, what people do to it, and how it can fail."""

    provider: ClassVar[Provider]
    connection_id: ClassVar[str]
    page_size: ClassVar[int]
    object_: str
    limits: ShopLimits = ShopLimits()

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    @property
    def known_sources(self) -> Mapping[Provider, StartProvider]:
        """What sync-runner knows of providers."""
        return SOURCES

    @property
    def held(self) -> HeldConnection:
        """The connection, as auth-service holds it."""
        return self.rig.auth.connections[self.connection_id]

    @abstractmethod
    async def have(self, total: int) -> None:
        """Have so many records, and no deleted ones."""

    @abstractmethod
    async def create(self, count: int) -> None:
        """Create records."""

    @abstractmethod
    async def edit(self, ids: Iterable[str], text: str) -> None:
        """Change a text of records."""

    @abstractmethod
    async def delete(self, ids: Iterable[str]) -> None:
        """Delete records."""

    @abstractmethod
    async def truth(self, properties: Iterable[SourceProperty]) -> dict[str, Mapping[str, Value]]:
        """Return the living records as they are, by id."""

    @abstractmethod
    async def spoil(self, id_: str) -> str:
        """Write into a number what is none; return which property that is."""

    # how it can fail: each of these happens to the next call for records

    @abstractmethod
    async def end_token(self) -> None:
        """Let the token die; a later grant has another."""

    @abstractmethod
    async def throttle(self) -> None:
        """Say that a limit was met."""

    @abstractmethod
    async def forbid(self) -> None:
        """Say that this object may not be read."""

    @abstractmethod
    async def freeze_account(self) -> None:
        """Say that the account takes no calls, until it is thawed."""

    @abstractmethod
    async def break_(self, status: int, body: str, count: int = 1) -> None:
        """Answer so."""

    @abstractmethod
    async def hang_up(self) -> None:
        """End the connection before the answer is whole."""

    # a run's way to it

    @asynccontextmanager
    async def opened(self, retry_seconds: float = 30.0) -> AsyncIterator[Source]:
        """Open the source as a process of its own does that was just started."""
        settings = self.rig.settings
        signer = Signer.from_file(NAME, settings.service_key_file)
        auth = ServiceAuth(signer, AuthServiceClient.name)
        async with AsyncExitStack() as stack:
            peer = new_client(str(settings.auth_service_url), auth=auth)
            await stack.enter_async_context(peer)
            gates = Gates(AuthServiceClient(peer), _on_lost, patience_seconds=5)
            admission = gates.of(self.connection_id, WORKSPACE).admit(_on_stopped)
            sources = Sources(settings, Budgets(self.rig.database), self.known_sources)
            stack.push_async_callback(sources.aclose)
            provider = sources.of(self.provider)
            grant = await admission.grant()
            client = ProviderClient(provider.http, admission, retry_seconds=retry_seconds)
            yield provider.open(client, grant.account.id)


async def _on_lost(connection_id: str, version: int) -> None:
    """Nobody else has to know."""


def _on_stopped(error: ConnectionLostError) -> None:
    """The next call says so."""


async def _half() -> AsyncIterator[str]:
    yield '{"data": '


class HubSpotSubject(Subject):
    """HubSpot's deals, in the sandbox."""

    provider = Provider.HUBSPOT
    connection_id = HUBSPOT
    page_size = 100
    object_ = "deals"

    async def have(self, total: int) -> None:
        """Have so many records, and no deleted ones."""
        held = [each["id"] for each in await self.rig.deals()]
        if len(held) > total:
            await self.rig.at_hubspot("purge", object=self.object_, ids=held[total:])
        else:
            await self.create(total - len(held))

    async def create(self, count: int) -> None:
        """Create records."""
        await self.rig.at_hubspot("create", object=self.object_, count=count)

    async def edit(self, ids: Iterable[str], text: str) -> None:
        """Change a text of records."""
        await self.rig.edit(self.object_, ids, dealname=text)

    async def delete(self, ids: Iterable[str]) -> None:
        """Delete records."""
        await self.rig.at_hubspot("archive", object=self.object_, ids=list(ids))

    async def spoil(self, id_: str) -> str:
        """Write into a number what is none; return which property that is."""
        await self.rig.edit(self.object_, [id_], amount="a lot")
        return "amount"

    async def truth(self, properties: Iterable[SourceProperty]) -> dict[str, Mapping[str, Value]]:
        """Return the living records as they are, by id."""
        found = [Record.of(each) for each in await self.rig.deals()]
        read = (read_record(each, list(properties)) for each in found)
        return {each.id: each.values for each in read}

    async def end_token(self) -> None:
        """Let the token die; a later grant has another."""
        await self.rig.at_hubspot("expire")

    async def throttle(self) -> None:
        """Say that a limit was met."""
        policy = "TEN_SECONDLY_ROLLING"
        body = {
            "message": "You have reached your ten_secondly_rolling limit.",
            "policyName": policy,
        }
        await self._answer(429, body, 1)

    async def forbid(self) -> None:
        """Say that this object may not be read."""
        await self._answer(403, {"message": "This app has no access to deals."}, 1)

    async def freeze_account(self) -> None:
        """Say that the account takes no calls, until it is thawed."""
        headers = {"Retry-After": "3600"}
        body = {"message": "This account is being moved."}
        await self._answer(477, body, None, headers=headers)

    async def break_(self, status: int, body: str, count: int = 1) -> None:
        """Answer so."""
        await self._answer(status, body, count)

    async def hang_up(self) -> None:
        """End the connection before the answer is whole."""
        await self._answer(0, "", 1)

    async def _answer(self, status: int, body: object, count: int | None, **more: object) -> None:
        how = {"status": status, "body": body, "path_contains": "/objects/", **more}
        await self.rig.at_hubspot("break", **(how if count is None else {**how, "count": count}))


class ShopSubject(Subject):
    """A shop's products, which are read by the order of their changes."""

    provider = Provider.SHOPIFY
    connection_id = SHOP
    page_size = PAGE
    object_ = "products"

    def __init__(self, rig: Rig, shop: Shop) -> None:
        super().__init__(rig)
        self.shop = shop
        self._hubspot_token = rig.auth.new_token
        rig.auth.new_token = self._new_token
        account = Account(id=shop.name, name=f"Shop {shop.name}")
        rig.auth.connect(
            SHOP,
            WORKSPACE,
            self.provider,
            account,
            token=shop.token,
            token_seconds=A_YEAR,
            endpoint=shop.url,
        )

    @property
    def known_sources(self) -> Mapping[Provider, StartProvider]:
        """What sync-runner knows of providers: the line of this one, too."""
        return {**SOURCES, self.provider: partial(ShopProvider, limits=self.limits)}

    async def have(self, total: int) -> None:
        """Have so many records, and no deleted ones."""
        held = self.shop.records[self.object_]
        held.clear()
        self.shop.fill(self.object_, total)

    async def create(self, count: int) -> None:
        """Create records."""
        self.shop.fill(self.object_, count)

    async def edit(self, ids: Iterable[str], text: str) -> None:
        """Change a text of records."""
        for each in ids:
            self.shop.edit(self.object_, each, title=text)

    async def delete(self, ids: Iterable[str]) -> None:
        """Delete records."""
        for each in ids:
            self.shop.delete(self.object_, each)

    async def spoil(self, id_: str) -> str:
        """Write into a number what is none; return which property that is."""
        self.shop.edit(self.object_, id_, price="a lot")
        return "price"

    async def truth(self, properties: Iterable[SourceProperty]) -> dict[str, Mapping[str, Value]]:
        """Return the living records as they are, by id: nothing of this was read by the source."""
        held = self.shop.records[self.object_].values()
        living = {each.id: {**each.values, "id": each.id, GONE: False} for each in held}
        for each in held:
            if each.deleted:
                del living[each.id]
        return dict(living)

    async def end_token(self) -> None:
        """Let the token die; a later grant has another."""
        self.shop.token = "another"

    async def throttle(self) -> None:
        """Say that a limit was met."""
        self.shop.refusing.append("THROTTLED")

    async def forbid(self) -> None:
        """Say that this object may not be read."""
        self.shop.refusing.append("ACCESS_DENIED")

    async def freeze_account(self) -> None:
        """Say that the account takes no calls, until it is thawed."""
        self.shop.frozen = True

    async def break_(self, status: int, body: str, count: int = 1) -> None:
        """Answer so."""
        self.shop.instead += [Response(body, status) for _ in range(count)]

    async def hang_up(self) -> None:
        """End the connection before the answer is whole."""
        self.shop.instead.append(StreamingResponse(_half(), headers={"Content-Length": "999"}))

    async def _new_token(self, held: HeldConnection) -> str:
        if held.id != SHOP:
            return await self._hubspot_token(held)
        self.shop.token = f"token of version {held.version + 1}"
        return self.shop.token


class ExportedShopSubject(ShopSubject):
    """A shop's orders, whose first reading waits for an export and follows its link."""

    object_ = "orders"
