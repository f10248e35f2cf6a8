"""A refresh under fire: auth-services over a MongoDB that goes away, and what Airtable saw."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import httpx
import psutil
from auth_service_processes import Process, Spawn
from auth_service_rig import Json, Rig, aged, stored
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Document
from tablesync.test_kit import NO_TLS, SandboxControl, eventually
from tablesync.test_kit.own_mongod import OwnMongod

TOKEN_PATH = "/oauth2/v1/token"
# Longer than any test holds an answer back.
HELD_MS = 50_000


@dataclass(frozen=True)
class Service:
    """One auth-service process, and the rig that speaks to it."""

    process: Process
    rig: Rig

    async def unsaved(self) -> int:
        """Return how many token sets it has received and not yet stored."""
        return int(await self.rig.metric("auth_unsaved_token_sets"))

    async def version(
        self, connection_id: str, runner: httpx.AsyncClient | None = None
    ) -> int | None:
        """Ask for a token; return its grant's version, None if there is none yet."""
        answer = await self.rig.token(connection_id, runner)
        return int(answer.json()["grant_version"]) if answer.is_success else None


@dataclass
class Heard:
    """What callers heard from one service."""

    tokens: list[int] = field(default_factory=list)
    verdicts: list[str | int] = field(default_factory=list)


class Stage:
    """Auth-services over one mongod, of which the test disposes, and one Airtable connection."""

    def __init__(
        self, mongod: OwnMongod, spawn: Spawn, keys: ServiceKeys, sandbox: SandboxControl
    ) -> None:
        self.mongod = mongod
        self._spawn = spawn
        self._keys = keys
        self._closers = AsyncExitStack()
        self.sandbox = sandbox
        self.client = mongo.connect(mongod.uri)
        self.database = mongo.open_database(self.client, "auth")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closers.aclose()
        self.client.close()

    async def service(self, script: str | None = None, **changes: str) -> Service:
        """Start an auth-service, or a script that is one, and wait until it is ready."""
        changes = {"MONGODB_URI": self.mongod.uri, **changes}
        process = self._spawn(script, MONGODB_DATABASE_PREFIX="", **changes)
        await process.ready()
        rig = Rig(process.url, self._keys, self._keys.bootstrap(), self.sandbox)
        return Service(process, await self._closers.enter_async_context(rig))

    @property
    def mongod_port(self) -> int:
        """Where mongod listens."""
        return int(urlsplit(self.mongod.uri).port or 0)

    async def connect(self, service: Service) -> str:
        """Connect Airtable, with an access token that is over by our clock; return its id."""
        connection = await service.rig.connect("airtable")
        await aged(self.database, connection["id"])
        return str(connection["id"])

    async def begin(self, service: Service, connection_id: str) -> "asyncio.Task[httpx.Response]":
        """Ask for a token, and return as soon as the refresh's intent is written."""
        caller = asyncio.create_task(service.rig.token(connection_id))
        await eventually(lambda: self._intent(connection_id), interval=0.01)
        return caller

    async def sending(self) -> None:
        """Wait until Airtable, which is slow, has a request that it has not answered."""

        async def arrived() -> int:
            return int((await self.sandbox.control("airtable", "-", "delayed"))["requests"])

        await eventually(arrived)

    async def _intent(self, connection_id: str) -> Document | None:
        grant = await stored(self.database, "grants", connection_id)
        found: Document | None = grant.get("intent")
        return found

    async def slow(self, milliseconds: int) -> None:
        """Let Airtable take its time over every answer."""
        await self.sandbox.control("airtable", "-", "latency", ms=milliseconds)

    async def hold(self) -> None:
        """Let Airtable keep every request waiting, until it shall answer."""
        await self.slow(HELD_MS)

    async def answer(self) -> None:
        """Let Airtable answer what it has kept waiting, and all that comes."""
        await self.slow(0)
        await self.sandbox.control("airtable", "-", "hurry")

    async def refuse_refreshes(self) -> None:
        """Let Airtable refuse every refresh token, and end no grant for it."""
        refusal = {"status": 400, "body": {"error": "invalid_grant"}}
        await self.sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, **refusal)

    async def lose_mongodb(self) -> None:
        """Kill mongod."""
        await asyncio.to_thread(self.mongod.kill)

    async def regain_mongodb(self) -> None:
        """Start mongod again; it takes writes when this returns."""
        await asyncio.to_thread(self.mongod.start)

    async def lose_mongodb_in_mid_refresh(self, service: Service, connection_id: str) -> None:
        """Let MongoDB go between sending and answer: the new tokens then wait in memory."""
        await self.hold()
        caller = await self.begin(service, connection_id)
        await self.sending()
        await self.lose_mongodb()
        await self.answer()
        await eventually(service.unsaved)
        caller.cancel()

    async def hear_through_an_outage(
        self, holder: Service, asked: Service, connection_id: str, seconds: float
    ) -> Heard:
        """Let MongoDB be away in mid-refresh of a service; return what callers of another heard.

        They may be one. In the end all is well.
        """
        await self.lose_mongodb_in_mid_refresh(holder, connection_id)
        async with self.callers(asked, connection_id) as heard:
            await asyncio.sleep(seconds)
            await self.regain_mongodb()
            await self.all_is_well(asked, connection_id)
        return heard

    async def wake_after_anothers_refresh(
        self, sleeper: Service, other: Service, connection_id: str
    ) -> None:
        """Let a service that stops before it sends be overtaken by another, and go on then.

        It must not send: in the end all is well.
        """
        caller = await self.begin(sleeper, connection_id)
        await eventually(lambda: is_stopped(sleeper.process.pid))

        assert await eventually(lambda: other.version(connection_id)) == 2
        # By now Airtable takes the old token's return for a leak.
        await self.sandbox.control("airtable", "ada@acme.test", "end-races")
        os.kill(sleeper.process.pid, signal.SIGCONT)

        assert (await caller).status_code in {200, 503}
        assert await self.sent() == [200, 200]
        await self.all_is_well(other, connection_id)

    @asynccontextmanager
    async def callers(self, service: Service, connection_id: str) -> AsyncIterator[Heard]:
        """Let runners ask for tokens and report their 401 all the while."""
        heard = Heard()
        asking = [
            asyncio.create_task(self._ask(service, connection_id, heard)),
            asyncio.create_task(self._report(service, connection_id, heard)),
        ]
        try:
            yield heard
        finally:
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, service: Service, connection_id: str, heard: Heard) -> None:
        while True:
            heard.tokens.append((await service.rig.token(connection_id)).status_code)
            await asyncio.sleep(0.2)

    async def _report(self, service: Service, connection_id: str, heard: Heard) -> None:
        while True:
            answer = await service.rig.reported(connection_id, 1)
            heard.verdicts.append(answer.json().get("verdict", answer.status_code))
            await asyncio.sleep(0.2)

    async def cause(self, service: Service, connection_id: str) -> str | None:
        """Ask for a token, and return why there is none for good, if so."""
        await service.rig.token(connection_id)
        cause: str | None = (await service.rig.connection(connection_id))["cause"]
        return cause

    async def all_is_stored(self, service: Service) -> bool:
        """Whether a service has no tokens that wait to be stored."""
        return await service.unsaved() == 0

    async def refreshes(self) -> int:
        """Return how many refreshes Airtable has carried out."""
        return int((await self.sandbox.counters())["airtable"]["refreshes"])

    async def sent(self) -> list[int]:
        """Return how Airtable answered each request to its token endpoint, the exchange first."""
        requests = (await self.sandbox.log(provider="airtable"))["requests"]
        return [each["status"] for each in requests if each["path"].endswith(TOKEN_PATH)]

    async def airtables_grants(self) -> list[tuple[bool, str]]:
        """Return, for each grant of Airtable's, whether it lives, and why not."""
        found: list[Json] = (await self.sandbox.control("airtable", "-", "grants"))["grants"]
        return [(each["alive"], each["end"]) for each in found]

    async def events(self, connection_id: str) -> list[str]:
        """Return what was published of the connection, in order."""
        rows = await self.database["outbox"].find({"key": connection_id}).sort("_id").to_list(None)
        return [dict(each["headers"])["ce_type"].split(".")[2] for each in rows]

    async def all_is_well(self, service: Service, connection_id: str) -> None:
        """Wait for a token, and check that one refresh was made and that it cost nothing."""
        assert await eventually(lambda: service.version(connection_id), timeout=90) == 2
        token = (await service.rig.token(connection_id)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, verify=NO_TLS) as client:
            whoami = await client.get(f"{self.sandbox.url}/airtable/v0/meta/whoami")
        assert whoami.is_success, (whoami.text, await self.sent(), await self.airtables_grants())
        assert await self.refreshes() == 1
        assert await self.airtables_grants() == [(True, "")]
        assert await self.events(connection_id) == ["established"]
        grant = await stored(self.database, "grants", connection_id)
        assert (grant["version"], grant["live"], "intent" in grant) == (2, True, False)
        assert (await service.rig.connection(connection_id))["status"] == "connected"


def listens(pid: int) -> bool:
    """Whether a process still takes requests."""
    connections = psutil.Process(pid).net_connections("tcp")
    return any(each.status == psutil.CONN_LISTEN for each in connections)


def is_stopped(pid: int) -> bool:
    """Whether a process is suspended."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED
