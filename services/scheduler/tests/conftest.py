"""What the scheduler's tests share: its parts on a database of their own, and small real
stand-ins for the HTTP of auth-service and sync-runner, which answer as documented."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionEstablished,
    ConnectionEvent,
    ConnectionReconnected,
    ConnectionRevoked,
    ConnectionStatus,
    Destination,
    Envelope,
    Event,
    FieldMapping,
    Provider,
    RunCounts,
    RunFailureCause,
    Source,
    SyncFailed,
    SyncInterrupted,
    SyncRequested,
    SyncStarted,
    SyncSucceeded,
    new_id,
)
from tablesync.contracts.envelope import decode
from tablesync.local_stack.keys import ServiceKeys
from tablesync.scheduler.api.commands import Commands
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.bootstrap import build
from tablesync.scheduler.domain import ledger
from tablesync.scheduler.domain.jitter import Jitter
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.schedules import Interval, next_slot
from tablesync.scheduler.domain.syncs import Overlap, Sync
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.loops.hold_jobs import HoldJobs
from tablesync.scheduler.loops.ticker import Ticker
from tablesync.scheduler.settings import Settings
from tablesync.scheduler.store import INDEXES, Store
from tablesync.service_kit import mongo
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.http.pages import PageRequest
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.service_kit.mongo import Database, database_now
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.service import KIT_INDEXES
from tablesync.test_kit import eventually, free_port, unique_prefix
from tablesync.test_kit.isolation import drop_databases
from tablesync.test_kit.messaging import running, send

WORKSPACE = "ws_0198f0c2-0000-7000-8000-000000000001"
HUBSPOT, AIRTABLE = "con_hubspot", "con_airtable"
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def a_sync(**changes: Any) -> Sync:
    """Make a sync whose first slot is one interval after noon."""
    schedule = changes.pop("schedule", Interval(every_seconds=60))
    anchor = changes.pop("anchor", NOON)
    fields: dict[str, Any] = {
        "id": new_id("syn"),
        "workspace_id": WORKSPACE,
        "name": "Contacts",
        "owner_id": "op_1",
        "created_at": anchor,
        "source": Source(connection_id=HUBSPOT, provider=Provider.HUBSPOT, object="contacts"),
        "destination": Destination(connection_id=AIRTABLE, base_id="app1", table_id="tbl1"),
        "key": FieldMapping(source="id", field_id="fldKey"),
        "mapping": (FieldMapping(source="email", field_id="fldEmail"),),
        "overlap": Overlap.COALESCE,
        "schedule": schedule,
        "anchor": anchor,
        "next_slot_at": next_slot(schedule, anchor, anchor),
    }
    return Sync(**fields | changes)


def a_state(
    kind: type[ConnectionEvent], sequence: int, changed_at: datetime, **changes: Any
) -> ConnectionEvent:
    """Make a connection event; revoked ones are `app_uninstalled`."""
    revoked = kind is ConnectionRevoked
    fields: dict[str, Any] = {
        "workspace_id": WORKSPACE,
        "sequence": sequence,
        "connection_id": HUBSPOT,
        "provider": Provider.HUBSPOT,
        "account": Account(id="7001", name="Acme"),
        "grant_version": 1,
        "status": ConnectionStatus.REVOKED if revoked else ConnectionStatus.CONNECTED,
        "cause": ConnectionCause.APP_UNINSTALLED if revoked else None,
        "owner_id": "op_1",
        "changed_at": changed_at,
    }
    return kind(**fields | changes)


@pytest.fixture(scope="session")
def new_sync() -> Any:
    return a_sync


@pytest.fixture(scope="session")
def new_state() -> Any:
    """Return a function that makes a connection's state with a sequence."""

    def make(kind: type[ConnectionEvent], sequence: int, **changes: Any) -> ConnectionEvent:
        return a_state(kind, sequence, NOON, **changes)

    return make


@dataclass
class StandIns:
    """What auth-service and sync-runner answer; tests change it while it is served."""

    url: str = ""
    states: dict[str, ConnectionEvent] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, list[str]] = field(
        default_factory=lambda: {"contacts": ["email", "firstname"], "companies": ["domain"]}
    )
    tables: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "app1": [
                {
                    "id": "tbl1",
                    "name": "Contacts",
                    "fields": [
                        _field("fldKey", "HubSpot id"),
                        _field("fldEmail", "E-mail", "email", mergeable=False),
                        _field("fldName", "Name"),
                        _field("fldSum", "Total", "formula", mergeable=False, writable=False),
                    ],
                }
            ]
        }
    )
    down: bool = False
    asked: list[str] = field(default_factory=list)


def _field(
    field_id: str,
    name: str,
    kind: str = "singleLineText",
    *,
    mergeable: bool = True,
    writable: bool = True,
) -> dict[str, Any]:
    return {
        "id": field_id,
        "name": name,
        "type": kind,
        "mergeable": mergeable,
        "writable": writable,
    }


def stand_in_app(stand_ins: StandIns) -> FastAPI:
    """Serve the routes of both services that the scheduler calls."""
    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Any:
        assert request.headers["Authorization"].startswith("Bearer ")
        stand_ins.asked.append(f"{request.url.path}?{request.url.query}")
        if stand_ins.down:
            return JSONResponse({}, 503, headers={"Retry-After": "2"})
        return await call_next(request)

    _serve_auth_service(app, stand_ins)
    _serve_sync_runner(app, stand_ins)
    return app


def _serve_auth_service(app: FastAPI, stand_ins: StandIns) -> None:
    @app.get("/internal/v1/connections")
    def connections(since_sequence: int, limit: int) -> dict[str, Any]:
        newer = (each for each in stand_ins.states.values() if each.sequence > since_sequence)
        ordered = sorted(newer, key=lambda each: each.sequence)[:limit]
        return {"items": [each.model_dump(mode="json") for each in ordered]}


def _serve_sync_runner(app: FastAPI, stand_ins: StandIns) -> None:
    catalog = "/internal/v1/catalog/{connection_id}"

    @app.get("/internal/v1/runs")
    def runs(ids: str) -> dict[str, Any]:
        known = (stand_ins.runs.get(each) for each in ids.split(","))
        return {"items": [each for each in known if each]}

    @app.get(catalog + "/objects")
    def objects(connection_id: str, workspace_id: str) -> dict[str, Any]:
        return {"items": [{"name": each, "label": each} for each in stand_ins.objects]}

    @app.get(catalog + "/objects/{name}/properties")
    def properties(connection_id: str, name: str, workspace_id: str) -> dict[str, Any]:
        names = stand_ins.objects[name]
        return {"items": [{"name": each, "label": each, "type": "string"} for each in names]}

    @app.get(catalog + "/bases")
    def bases(connection_id: str, workspace_id: str) -> dict[str, Any]:
        return {"items": [{"id": each, "name": f"Base {each}"} for each in stand_ins.tables]}

    @app.get(catalog + "/bases/{base_id}/tables")
    def tables(connection_id: str, base_id: str, workspace_id: str) -> dict[str, Any]:
        if base_id not in stand_ins.tables:
            raise HTTPException(404)
        return {"items": stand_ins.tables[base_id]}


@asynccontextmanager
async def serving(app: FastAPI, port: int) -> AsyncIterator[str]:
    """Serve an app on loopback during a block."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    server.capture_signals = _no_signals  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


def _no_signals() -> Any:
    return nullcontext()


@pytest_asyncio.fixture
async def stand_ins() -> AsyncIterator[StandIns]:
    """Serve the stand-ins; both connections are connected."""
    answers = StandIns()
    for connection_id, provider in ((HUBSPOT, Provider.HUBSPOT), (AIRTABLE, Provider.AIRTABLE)):
        answers.states[connection_id] = a_state(
            ConnectionEstablished, 1, NOON, connection_id=connection_id, provider=provider
        )
    async with serving(stand_in_app(answers), free_port()) as url:
        answers.url = url
        yield answers


@pytest.fixture(scope="session")
def shared_prefix(mongodb_uri: str) -> Iterator[str]:
    """Yield what the one database of these tests opens with: making its indexes takes long."""
    prefix = unique_prefix("_")
    yield prefix
    drop_databases(mongodb_uri, prefix)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database(mongodb_uri: str, shared_prefix: str) -> AsyncIterator[Database]:
    client = mongo.connect(mongodb_uri)
    database = mongo.open_database(client, f"{shared_prefix}scheduler")
    await ensure_indexes(database, {**KIT_INDEXES, **INDEXES})
    yield database
    client.close()


@pytest_asyncio.fixture
async def database(
    shared_database: Database,
) -> Database:
    """Return the database, empty."""
    for name in await shared_database.list_collection_names():
        await shared_database[name].delete_many({})
    return shared_database


@pytest.fixture
def settings(
    mongodb_uri: str, shared_prefix: str, service_keys: ServiceKeys, stand_ins: StandIns
) -> Settings:
    """Return settings that lead to the stand-ins, and to no Kafka."""
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": f"127.0.0.1:{free_port()}",
            "mongodb_uri": mongodb_uri,
            "mongodb_database_prefix": shared_prefix,
            "http_port": free_port(),
            "service_key_file": service_keys.private_key_file("scheduler"),
            "trusted_keys_file": service_keys.trusted_keys_file,
            "auth_service_url": stand_ins.url,
            "sync_runner_url": stand_ins.url,
            "scheduler_min_interval_seconds": 1,
            "scheduler_catch_up_jitter_seconds": 0,
        }
    )


@pytest.fixture
def kafka_settings(settings: Settings, kafka_bootstrap: str, topic_prefix: str) -> Settings:
    """Return settings with a real Kafka."""
    return settings.with_(
        kafka_bootstrap_servers=kafka_bootstrap,
        kafka_topic_prefix=topic_prefix,
        kafka_fetch_max_wait_ms=20,
    )


class Scheduler:
    """The scheduler's parts without its loops: tests say when what happens."""

    def __init__(self, database: Database, jitter_seconds: float = 0) -> None:
        self.database = database
        self.units = UnitsOfWork(database, "scheduler")
        self.store = Store(database)
        jitter = Jitter(jitter_seconds, per_second=1 / 3600)
        self.handlers = Handlers(self.store, jitter.moment)
        self.ticker = Ticker(self.units, self.store)
        self.jobs = HoldJobs(self.units, self.store, jitter)
        self.commands = Commands(self.store, jitter.moment)
        self.queries = Queries(self.store)
        self.principal = Principal(
            operator_id="op_1", workspace_id=WORKSPACE, role=OperatorRole.ADMIN
        )

    async def now(self) -> datetime:
        return await database_now(self.database)

    async def add(self, *, due_seconds_ago: float = -3600, **changes: Any) -> Sync:
        """Store a sync whose first slot was due so long ago."""
        schedule = changes.pop("schedule", Interval(every_seconds=3600))
        anchor = await self.now() - schedule.length - timedelta(seconds=due_seconds_ago)
        sync = a_sync(schedule=schedule, anchor=anchor, **changes)
        await self.database["syncs"].insert_one(sync.to_document())
        return sync

    async def sync(self, sync: Sync) -> Sync:
        found = await self.store.syncs.get(sync.id)
        assert found
        return found

    async def connect(self) -> None:
        """Let both connections be known and connected."""
        for connection_id, provider in ((HUBSPOT, Provider.HUBSPOT), (AIRTABLE, Provider.AIRTABLE)):
            state = a_state(
                ConnectionEstablished, 1, NOON, connection_id=connection_id, provider=provider
            )
            await self.handle(state)
        await self.jobs.tick()

    async def handle(self, event: Event) -> None:
        """Handle an event as the consumer does, without its inbox."""
        handler = {
            SyncStarted: self.handlers.on_sync_started,
            SyncSucceeded: self.handlers.on_sync_succeeded,
            SyncFailed: self.handlers.on_sync_failed,
            SyncInterrupted: self.handlers.on_sync_interrupted,
        }.get(type(event), self.handlers.on_connection_event)

        async def work(unit: UnitOfWork) -> None:
            await handler(event, unit)  # type: ignore[operator]

        await self.units.run(work)

    async def lose(self, connection_id: str = HUBSPOT, **changes: Any) -> ConnectionEvent:
        """Revoke a connection, as auth-service tells it; the job does not run yet."""
        return await self._change(ConnectionRevoked, connection_id, changes)

    async def reconnect(self, connection_id: str = HUBSPOT, **changes: Any) -> ConnectionEvent:
        """Reconnect a connection, as auth-service tells it; the job does not run yet."""
        return await self._change(ConnectionReconnected, connection_id, changes)

    async def _change(
        self, kind: type[ConnectionEvent], connection_id: str, changes: dict[str, Any]
    ) -> ConnectionEvent:
        now = await self.now()
        known = await self.store.connections.get(connection_id)
        sequence = max(unix_milliseconds(now), known.sequence + 1 if known else 1)
        fields = {
            "sequence": sequence,
            "changed_at": now,
            "connection_id": connection_id,
            **changes,
        }
        event = a_state(kind, **fields)
        await self.handle(event)
        return event

    async def runs(self, sync: Sync) -> list[Run]:
        """Return a sync's runs, oldest first."""
        return (await self.store.runs.page_of(WORKSPACE, sync.id, PageRequest(1_000))).items[::-1]

    async def events(self, kind: type[Event] = Event) -> list[Any]:
        """Return the events in the outbox, oldest first."""
        rows = await self.database["outbox"].find().sort("_id", 1).to_list(None)
        found = (decode([(n, v.encode()) for n, v in row["headers"]], row["value"]) for row in rows)
        return [each.event for each in found if isinstance(each.event, kind)]

    async def sent(self) -> None:
        """Mark all events as the relay does once Kafka has them."""
        await self.database["outbox"].update_many(
            {"pending": True}, [{"$set": {"published_at": "$$NOW"}}, {"$unset": "pending"}]
        )

    async def requests(self, sync: Sync) -> list[SyncRequested]:
        """Return what was asked of sync-runner for a sync, oldest first."""
        return [each for each in await self.events(SyncRequested) if each.sync_id == sync.id]

    async def start(self, run: Run) -> None:
        await self.handle(SyncStarted(**_about(run), started_at=await self.now(), summary="Began."))

    async def succeed(self, run: Run) -> None:
        counts = RunCounts(read=10, written=10)
        await self.handle(
            SyncSucceeded(**_about(run), ended_at=await self.now(), counts=counts, summary="Done.")
        )

    async def fail(self, run: Run, cause: str = "provider") -> None:
        why = RunFailureCause(cause)
        await self.handle(
            SyncFailed(**_about(run), ended_at=await self.now(), cause=why, summary="It failed.")
        )

    async def interrupt(
        self, run: Run, outcome: Any = "interrupted", ended_at: datetime | None = None
    ) -> None:
        await self.handle(
            SyncInterrupted(
                **_about(run),
                ended_at=ended_at or await self.now(),
                outcome=outcome,
                cause=RunFailureCause.CONNECTION,
                connection_id=HUBSPOT,
                summary="The connection was lost.",
            )
        )

    async def end_of(self, request: SyncRequested) -> SyncSucceeded:
        """Return the event with which sync-runner says that it has done what was asked."""
        return SyncSucceeded(
            **request.model_dump(include={"workspace_id", "sync_id", "run_id", "trigger", "slot"}),
            ended_at=await self.now(),
            summary="Done.",
        )

    async def send_loss(self, settings: Settings) -> None:
        """Tell of a revocation through Kafka."""
        await self._send_state(settings, ConnectionRevoked)

    async def send_reconnect(self, settings: Settings) -> None:
        """Tell of a reconnect through Kafka."""
        await self._send_state(settings, ConnectionReconnected)

    async def _send_state(self, settings: Settings, kind: type[ConnectionEvent]) -> None:
        now = await self.now()
        await send(settings, Envelope(a_state(kind, unix_milliseconds(now), now), "auth-service"))

    async def ledger(self, sync: Sync) -> ledger.Statement:
        current = await self.queries.sync(WORKSPACE, sync.id)
        closed = await self.store.gaps.all_of(sync.id)
        return ledger.statement(current, closed, await self.now())


def _about(run: Run) -> dict[str, Any]:
    return {
        "workspace_id": run.workspace_id,
        "sync_id": run.sync_id,
        "run_id": run.id,
        "trigger": run.trigger,
        "slot": run.slot,
    }


@pytest_asyncio.fixture
async def scheduler(database: Database) -> Scheduler:
    """Return the scheduler's parts on an empty database, both connections connected."""
    parts = Scheduler(database)
    await parts.connect()
    return parts


@pytest.fixture
def user_token(service_keys: ServiceKeys) -> Any:
    """Return a function that makes user tokens as auth-service does."""
    signer = Signer.from_file("auth-service", service_keys.private_key_file("auth-service"))

    def make(role: OperatorRole = OperatorRole.OPERATOR, workspace_id: str = WORKSPACE) -> str:
        who = Principal(operator_id="op_1", workspace_id=workspace_id, role=role, platform=True)
        return issue(signer, who)

    return make


@pytest.fixture
def service_token(service_keys: ServiceKeys) -> Any:
    """Return a function that makes the token with which a service calls the scheduler."""

    def make(caller: str) -> str:
        signer = Signer.from_file(caller, service_keys.private_key_file(caller))
        return signer.service_token("scheduler")

    return make


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def running_client(
    settings: Settings, token: str, *only: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service, or some of its roles, and give an HTTP client of it."""
    service = build(settings)
    base_url = f"http://127.0.0.1:{settings.http_port}"
    async with (
        running(partial(service.run, only=only)),
        httpx.AsyncClient(base_url=base_url, headers=bearer(token)) as client,
    ):
        await service.prepared.wait()
        await eventually(partial(_answers, client))
        yield client


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).is_success
    except httpx.TransportError:
        return False


@pytest_asyncio.fixture
async def api(
    scheduler: Scheduler, settings: Settings, user_token: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the service's API alone, signed in as an operator."""
    async with running_client(settings, user_token(), "api") as client:
        yield client


@pytest_asyncio.fixture
async def service(
    scheduler: Scheduler, kafka_settings: Settings, user_token: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the whole running service, signed in as an operator."""
    async with running_client(kafka_settings, user_token()) as client:
        yield client


@pytest.fixture
def client_of() -> Any:
    return running_client
