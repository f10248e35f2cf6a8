"""What sync-runner's tests share: the service on its own database, against the sandbox, and a
small real stand-in for auth-service's internal routes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from tablesync.contracts import (
    Account,
    ConnectionEvent,
    ConnectionStatus,
    Destination,
    Envelope,
    Event,
    FieldMapping,
    Provider,
    Source,
    SyncRequested,
    SyncSpec,
    Trigger,
    new_id,
)
from tablesync.contracts.envelope import decode
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging import kafka
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner import store
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.bootstrap import build
from tablesync.sync_runner.settings import Settings
from tablesync.test_kit import SandboxControl, eventually, free_port

sys.path.insert(0, str(Path(__file__).parent))
from row_comparison import Differences, compare

WORKSPACE = "ws_0198f0c2-0000-7000-8000-000000000001"
HUBSPOT, AIRTABLE = "con_hubspot", "con_airtable"
# A small portal: what a test needs more of, it creates. The large one has the awkward values.
PORTAL, LARGE_PORTAL = "7002", "7001"
# Rates at which a test without limits is not held up.
UNLIMITED = {
    "runner_airtable_base_per_second": 10_000.0,
    "runner_airtable_user_per_second": 10_000.0,
    "runner_hubspot_per_ten_seconds": 100_000.0,
    "runner_hubspot_search_per_second": 10_000.0,
}


@dataclass
class Held:
    """A connection as auth-service would hold it."""

    provider: Provider
    account: str
    token: str
    version: int = 1
    status: ConnectionStatus = ConnectionStatus.CONNECTED
    cause: str | None = None
    lives_seconds: float = 1800
    sequence: int = 1


@dataclass
class AuthStandIn:
    """auth-service's three internal routes, over real HTTP; tests change what it answers."""

    url: str = ""
    held: dict[str, Held] = field(default_factory=dict)
    verdicts: deque[str] = field(default_factory=deque)
    reports: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    recover: Any = None
    clock_ahead_seconds: float = 0
    down: bool = False
    proxy_waits_seconds: float | None = None
    removed: bool = False

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        base = "/internal/v1/connections"
        return [
            web.post(base + "/{id}/access-token", self.access_token),
            web.post(base + "/{id}/auth-failures", self.auth_failure),
            web.get(base, self.connections),
        ]

    async def access_token(self, request: web.Request) -> web.Response:
        """Hand out a token, or say that there is none."""
        held, body = self.held.get(request.match_info["id"]), await request.json()
        self.asked.append(request.match_info["id"])
        if self.proxy_waits_seconds is not None:
            return self._proxy()
        if self.down:
            return web.json_response({}, status=503, headers={"Retry-After": "1"})
        if self.removed or held is None or body["workspace_id"] != WORKSPACE:
            return web.json_response({}, status=404)
        if held.status is not ConnectionStatus.CONNECTED:
            return self._not_connected(request.match_info["id"], held)
        ends_in = held.lives_seconds + self.clock_ahead_seconds
        expires_at = datetime.now(UTC) + timedelta(seconds=ends_in)
        return web.json_response(
            {
                "token": held.token,
                "expires_at": expires_at.isoformat(),
                "expires_in": held.lives_seconds,
                "grant_version": held.version,
                "account": {"id": held.account, "name": "Acme"},
            }
        )

    async def auth_failure(self, request: web.Request) -> web.Response:
        """Return the verdict that the test has prepared; by default the grant is lost."""
        held, body = self.held.get(request.match_info["id"]), await request.json()
        self.reports.append({"connection_id": request.match_info["id"], **body})
        if self.removed or held is None:
            return web.json_response({}, status=404)
        if body["grant_version"] < held.version:
            return self._verdict("stale", held)
        verdict = self.verdicts.popleft() if self.verdicts else "revoked"
        if verdict == "removed":
            self.removed = True
            return web.json_response({}, status=404)
        if verdict == "revoked":
            held.status, held.cause = ConnectionStatus.REVOKED, "app_uninstalled"
            held.sequence += 1
        if verdict == "recovered":
            await self.recover(held)
        return self._verdict(verdict, held)

    def _proxy(self) -> web.Response:
        """Answer as a proxy does whose auth-service is away: in HTML, with an HTTP date."""
        assert self.proxy_waits_seconds is not None
        until = datetime.now(UTC) + timedelta(seconds=self.proxy_waits_seconds)
        return web.Response(
            text="<html>503 Service Unavailable</html>",
            status=503,
            headers={"Retry-After": format_datetime(until, usegmt=True)},
        )

    def _not_connected(self, connection_id: str, held: Held) -> web.Response:
        problem = {
            "type": "urn:tablesync:problem:connection-not-connected",
            "title": "Connection not connected",
            "status": 409,
            "detail": "This connection is not connected; an operator has to reconnect it.",
            "connection_id": connection_id,
            "connection_status": held.status.value,
            "cause": held.cause,
            "grant_version": held.version,
        }
        return web.json_response(problem, status=409, content_type="application/problem+json")

    def _verdict(self, verdict: str, held: Held) -> web.Response:
        answer = {"verdict": verdict, "grant_version": held.version, "retry_after": 0.2}
        return web.json_response(answer)

    async def connections(self, request: web.Request) -> web.Response:
        """Return all states since a sequence."""
        since = int(request.query["since_sequence"])
        events = [self.event(each) for each in self.held]
        items = [e.model_dump(mode="json") for e in events if e.sequence > since]
        return web.json_response({"items": items})

    def event(self, connection_id: str, kind: type[ConnectionEvent] = ConnectionEvent) -> Any:
        """Make the event of a connection's state."""
        held = self.held[connection_id]
        return kind(
            workspace_id=WORKSPACE,
            sequence=held.sequence,
            connection_id=connection_id,
            provider=held.provider,
            account=Account(id=held.account, name="Acme"),
            grant_version=held.version,
            status=held.status,
            owner_id="op_1",
            changed_at=datetime.now(UTC),
        )


@dataclass
class Rig:
    """One test's world: the sandbox, the stand-in, a database, and runners as it likes."""

    settings: Settings
    sandbox: SandboxControl
    auth: AuthStandIn
    database: Database
    log_dir: Path
    fields: dict[str, Field] = field(default_factory=dict)
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def units(self) -> UnitsOfWork:
        """Return units of work on the runner's database."""
        return UnitsOfWork(self.database, "sync-runner")

    async def spec(self, object_: str = "deals", **changes: Any) -> SyncSpec:
        """Make a sync of all properties into the sandbox's table for the object."""
        bases = (await self.sandbox._call("GET", "/_control/bases"))["bases"]
        base = next(each for each in bases if each["name"] == f"Acme {object_}")
        table = base["tables"][0]
        fields = {
            each["name"]: Field(each["id"], each["name"], each["type"], each.get("options") or {})
            for each in table["fields"]
        }
        self.fields |= {each.id: each for each in fields.values()}
        mapping = tuple(
            FieldMapping(source=name, field_id=fields[label].id)
            for name, label in (await self.labels(object_)).items()
            if label in fields
        )
        given: dict[str, Any] = {
            "sync_id": new_id("syn"),
            "workspace_id": WORKSPACE,
            "name": object_.capitalize(),
            "version": 1,
            "source": Source(connection_id=HUBSPOT, provider=Provider.HUBSPOT, object=object_),
            "destination": Destination(
                connection_id=AIRTABLE, base_id=base["id"], table_id=table["id"]
            ),
            "key": FieldMapping(source="id", field_id=fields["HubSpot ID"].id),
            "mapping": mapping,
        }
        return SyncSpec(**given | changes)

    async def fill(self, total: int, object_: str = "deals") -> None:
        """Create records until the object has so many."""
        there = len(await self.sandbox.records("hubspot", PORTAL, object=object_))
        await self.sandbox.control("hubspot", PORTAL, "create", object=object_, count=total - there)

    async def use_portal(self, portal: str) -> None:
        """Connect another portal, as one grant version later."""
        held = self.auth.held[HUBSPOT]
        held.token = (await self.sandbox.mint("hubspot", portal))["access_token"]
        held.account, held.version = portal, held.version + 1

    async def labels(self, object_: str) -> dict[str, str]:
        """Return HubSpot's property labels by name."""
        response = await self.sandbox._http.get(
            f"/hubspot/crm/properties/2026-09/{object_}",
            headers={"Authorization": f"Bearer {self.auth.held[HUBSPOT].token}"},
        )
        found = response.raise_for_status().json()["results"]
        return {each["name"]: each["label"] for each in found}

    async def enqueue(self, spec: SyncSpec, trigger: Trigger = Trigger.SCHEDULE) -> str:
        """Put a run into the queue, as the consumer does."""
        event = requested(spec, trigger)

        async def work(unit: UnitOfWork) -> None:
            await store.record_run(unit, event)

        await self.units.run(work)
        return event.run_id

    async def publish(self, *events: Event) -> None:
        """Send events to Kafka as their producers would."""
        await kafka.ensure_topics(self.settings, "sync-runner")
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            for event in events:
                envelope = Envelope(event, "test")
                topic = self.settings.kafka_topic_prefix + event.topic
                await producer.send_and_wait(
                    topic, envelope.value(), key=event.key.encode(), headers=envelope.headers()
                )
        finally:
            await producer.stop()

    @asynccontextmanager
    async def runner(self, *roles: str, **changes: Any) -> AsyncIterator[Settings]:
        """Run the service in this process, by default its worker alone."""
        settings = self.settings.with_(http_port=free_port(), **changes)
        service, stop = build(settings), asyncio.Event()
        task = asyncio.create_task(service.run(stop, roles or ("worker",)))
        try:
            await asyncio.wait_for(service.prepared.wait(), 60)
            yield settings
        finally:
            stop.set()
            await asyncio.wait_for(task, 60)

    @asynccontextmanager
    async def http(self, *roles: str) -> AsyncIterator[httpx.AsyncClient]:
        """Run the service in this process, and give a client of its HTTP."""
        async with self.runner(*roles) as settings:
            url = f"http://{settings.http_host}:{settings.http_port}"
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:

                async def answers() -> bool:
                    with suppress(httpx.TransportError):
                        return (await client.get("/healthz")).is_success
                    return False

                await eventually(answers)
                yield client

    def process(self, *roles: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start the service as a process of its own, by default its worker alone."""
        arguments = [f"--role={role}" for role in roles or ("worker",)]
        log = (self.log_dir / f"runner-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "tablesync.sync_runner", *arguments],
            env=os.environ | self._environment() | environment,
            stdout=log,
            stderr=log,
        )
        self.processes.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        shown = self.settings.model_dump(mode="json", exclude_none=True)
        return {name.upper(): str(value) for name, value in shown.items()} | {
            "HTTP_PORT": str(free_port())
        }

    async def row(self, run_id: str) -> Document:
        """Return a run as it is stored."""
        row = await self.database[store.RUNS].find_one({"_id": run_id})
        assert row is not None
        return row

    async def ended(self, run_id: str, timeout: float = 60) -> Document:
        """Wait until a run has ended, and give it."""

        async def look() -> Document | None:
            row = await self.row(run_id)
            return row if row["ended_at"] else None

        return await eventually(look, timeout=timeout)

    async def run(self, spec: SyncSpec, timeout: float = 60) -> Document:
        """Ask for a run, and wait for its end; a runner has to be there."""
        return await self.ended(await self.enqueue(spec), timeout)

    async def reached(self, run_id: str, written: int, timeout: float = 30) -> None:
        """Wait until a run's checkpoint counts so many written records."""

        async def look() -> bool:
            return bool((await self.row(run_id))["counts"]["written"] >= written)

        await eventually(look, timeout=timeout)

    async def events(self, run_id: str) -> list[str]:
        """Return the types of the events in the outbox about a run."""
        rows = await self.database["outbox"].find({}).sort("_id", 1).to_list(None)
        mine = [row for row in rows if run_id.encode() in row["value"]]
        return [dict(row["headers"])["ce_type"].split(".")[2] for row in mine]

    async def facts(self, count: int, topic: str = "run-events") -> list[Event]:
        """Read the first so many events of a topic, from Kafka."""
        consumer = AIOKafkaConsumer(
            self.settings.kafka_topic_prefix + topic,
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async with asyncio.timeout(60):
                records = [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()
        return [decode(each.headers, each.value).event for each in records]

    async def rows(self, spec: SyncSpec) -> list[dict[str, Any]]:
        """Return the table's rows by field id, from ground truth."""
        names = {each.name: each.id for each in self.fields.values()}
        found = await self.sandbox.records(
            "airtable", "-", base=spec.destination.base_id, table=spec.destination.table_id
        )
        return [{names[k]: v for k, v in each["fields"].items()} for each in found]

    async def differences(self, spec: SyncSpec) -> Differences:
        """Compare the table with its source."""
        portal = self.auth.held[HUBSPOT].account
        records = await self.sandbox.records("hubspot", portal, object=spec.source.object)
        rejected = await self.database[store.REJECTIONS].distinct(
            "source_id", {"sync_id": spec.sync_id}
        )
        return compare(
            {each["id"]: each["properties"] for each in records},
            await self.rows(spec),
            spec.key,
            spec.mapping,
            self.fields,
            rejected,
        )

    async def no_limits(self) -> None:
        """Switch the sandbox's limits off."""
        for provider in ("hubspot", "airtable"):
            await self.sandbox.control(provider, "-", "limits", enabled=False)


def requested(spec: SyncSpec, trigger: Trigger = Trigger.SCHEDULE) -> SyncRequested:
    """Make the event that asks for a run."""
    return SyncRequested(
        workspace_id=WORKSPACE,
        sync_id=spec.sync_id,
        run_id=new_id("run"),
        trigger=trigger,
        slot=datetime.now(UTC) if trigger is Trigger.SCHEDULE else None,
        spec=spec,
    )


@pytest_asyncio.fixture
async def auth_stand_in() -> AsyncIterator[AuthStandIn]:
    """Serve the stand-in for auth-service."""
    stand_in, port = AuthStandIn(), free_port()
    app = web.Application()
    app.add_routes(stand_in.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stand_in.url = f"http://127.0.0.1:{port}"
    yield stand_in
    await runner.cleanup()


@pytest.fixture
def stores(
    kafka_bootstrap: str, mongodb_uri: str, topic_prefix: str, database_prefix: str
) -> dict[str, str]:
    """Return the settings that say where Kafka and MongoDB are."""
    return {
        "kafka_bootstrap_servers": kafka_bootstrap,
        "kafka_topic_prefix": topic_prefix,
        "mongodb_uri": mongodb_uri,
        "mongodb_database_prefix": database_prefix,
    }


@pytest.fixture
def settings(
    stores: dict[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
    auth_stand_in: AuthStandIn,
) -> Settings:
    """Return settings of a runner that is not held up by limits."""
    return Settings(
        **stores,
        http_port=free_port(),
        service_key_file=service_keys.private_key_file("sync-runner"),
        trusted_keys_file=service_keys.trusted_keys_file,
        auth_service_url=auth_stand_in.url,
        hubspot_api_url=f"{sandbox_url}/hubspot",
        airtable_api_url=f"{sandbox_url}/airtable",
        runner_lease_seconds=6,
        **UNLIMITED,
    )


@pytest_asyncio.fixture
async def rig(
    settings: Settings, sandbox: SandboxControl, auth_stand_in: AuthStandIn, tmp_path: Path
) -> AsyncIterator[Rig]:
    """Yield a world with both connections connected and no limits."""
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, settings.database_name)
    made = Rig(settings, sandbox, auth_stand_in, database, tmp_path)
    for connection_id, provider, account in (
        (HUBSPOT, Provider.HUBSPOT, PORTAL),
        (AIRTABLE, Provider.AIRTABLE, "-"),
    ):
        minted = await sandbox.mint(provider.value, account)
        auth_stand_in.held[connection_id] = Held(
            provider, minted["account"], minted["access_token"]
        )
    await made.no_limits()
    await ensure_indexes(database, store.INDEXES)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()
    client.close()
