"""The instrument of sync-runner's tests: one test's world, and what a test does and reads in it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer
from expected_cells import OWN, Mapped
from pymongo.read_concern import ReadConcern
from row_comparison import Differences, compare
from runner_process import RunnerProcess
from sandbox_accounts import (
    AIRTABLE,
    HUBSPOT,
    WORKSPACE,
    Json,
    SandboxAccounts,
    destination,
    text,
)
from tablesync.contracts import (
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
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner import store
from tablesync.sync_runner.access.grants import AuthService
from tablesync.sync_runner.bootstrap import build
from tablesync.sync_runner.settings import DATABASE, NAME, Settings
from tablesync.sync_runner.sources import SOURCES, StartProvider
from tablesync.test_kit import NO_TLS, SandboxControl, eventually, free_port
from tablesync.test_kit.messaging import send
from tablesync.test_kit.services import serving
from tablesync.test_kit.stand_ins import AuthServiceStandIn

__all__ = [
    "AIRTABLE",
    "HUBSPOT",
    "WORKSPACE",
    "Json",
    "Rig",
    "as_service",
    "destination",
    "requested",
    "rigged",
    "runner_settings",
    "text",
]
# Rates at which a test without limits is not held up.
UNLIMITED = {
    "runner_airtable_base_per_second": 10_000.0,
    "runner_airtable_user_per_second": 10_000.0,
    "runner_hubspot_per_ten_seconds": 100_000.0,
    "runner_hubspot_search_per_second": 10_000.0,
}


@dataclass
class Rig(SandboxAccounts):
    """The sandbox's providers, auth-service's stand-in, a database, and runners as a test likes."""

    settings: Settings
    database: Database
    log_dir: Path
    has_own_topics: bool = False
    processes: list[RunnerProcess] = field(default_factory=list)

    # syncs and their runs

    async def spec(self, object_: str = "deals", **changes: Any) -> SyncSpec:
        """Make a sync of all properties into the sandbox's table for the object."""
        bases = (await self.sandbox.bases())["bases"]
        base = next(each for each in bases if each["name"] == f"Acme {object_}")
        table = base["tables"][0]
        fields = {each["name"]: each["id"] for each in table["fields"]}
        mapping = tuple(
            FieldMapping(source=name, field_id=fields[each["label"]])
            for name, each in (await self.properties(object_)).items()
            if each["label"] in fields
        )
        given: Json = {
            "sync_id": new_id("syn"),
            "workspace_id": WORKSPACE,
            "name": object_.capitalize(),
            "version": 1,
            "source": Source(connection_id=HUBSPOT, provider=Provider.HUBSPOT, object=object_),
            "destination": destination(base, table),
            "key": FieldMapping(source="id", field_id=fields["HubSpot ID"]),
            "mapping": mapping,
        }
        return SyncSpec(**given | changes)

    async def _fields(self, to: Destination) -> dict[str, Json]:
        """Return a table's fields by id as they are now: somebody may have added an option."""
        bases = (await self.sandbox.bases())["bases"]
        base = next(each for each in bases if each["id"] == to.base_id)
        table = next(each for each in base["tables"] if each["id"] == to.table_id)
        return {each["id"]: each for each in table["fields"]}

    async def enqueue(
        self, spec: SyncSpec, trigger: Trigger = Trigger.SCHEDULE, *, check: bool = False
    ) -> str:
        """Put a run into the queue, as the consumer does; with `check` it checks everything."""
        event = requested(spec, trigger, check=check)
        await self.take(event)
        return event.run_id

    async def take(self, event: SyncRequested) -> None:
        """Take in a request, as the consumer does, or who replays a dead letter."""

        async def work(unit: UnitOfWork) -> None:
            await store.Runs(self.database).record(unit, event)

        await self.units.run(work)

    async def cancel(self, run_id: str) -> None:
        """Have an operator cancel a run, as the consumer does."""

        async def work(unit: UnitOfWork) -> None:
            await store.Runs(self.database).request_cancel(unit, run_id)

        await self.units.run(work)

    async def run(self, spec: SyncSpec, timeout: float = 60) -> Document:
        """Ask for a run, and wait for its end; a runner has to be there."""
        return await self.ended(await self.enqueue(spec), timeout)

    async def much_later(self, spec: SyncSpec) -> None:
        """Let a day pass for the records of a sync: its next pass finds none by its change."""
        object_ = spec.source.object
        assert (await self.at_hubspot("age", object=object_, seconds=86_400))["aged"]

    async def check(self, spec: SyncSpec, timeout: float = 60) -> Document:
        """Ask for a check of everything, and wait for its end; a runner has to be there."""
        return await self.ended(await self.enqueue(spec, Trigger.MANUAL, check=True), timeout)

    async def ended(self, run_id: str, timeout: float = 60) -> Document:
        """Wait until a run has ended, and return it as it is stored."""

        async def look() -> Document | None:
            row = await self.row(run_id)
            return row if row["ended_at"] else None

        return await eventually(look, timeout=timeout)

    async def reached(self, run_id: str, written: int, timeout: float = 30) -> None:
        """Wait until a run's checkpoint counts so many written records."""

        async def look() -> bool:
            return bool((await self.row(run_id))["counts"]["written"] >= written)

        await eventually(look, timeout=timeout)

    # what sync-runner has stored and told

    @property
    def units(self) -> UnitsOfWork:
        """Units of work on the runner's database."""
        return UnitsOfWork(self.database, NAME)

    async def row(self, run_id: str) -> Document:
        """Return a run as it is stored."""
        return await self.stored(store.RUNS, run_id)

    async def checkpoint(self, spec: SyncSpec) -> Document:
        """Return a sync's checkpoint as it is stored."""
        return await self.stored(store.CHECKPOINTS, spec.sync_id)

    async def stored(self, collection: str, id_: str) -> Document:
        """Return a document that is there, as it is now: budgets are written for no majority."""
        newest = self.database.get_collection(collection, read_concern=ReadConcern("local"))
        found: Document | None = await newest.find_one({"_id": id_})
        assert found is not None, f"{collection} has no {id_}"
        return found

    async def rejections(self, run_id: str) -> dict[str, Document]:
        """Return a run's rejections by record."""
        rows = await self.database[store.REJECTIONS].find({"run_id": run_id}).to_list(None)
        return {row["source_id"]: row for row in rows}

    async def _last_rejections(self, spec: SyncSpec) -> dict[str, Document]:
        """Return what the sync's last run rejected: what others rejected may have rows by now."""
        last = await self.database[store.RUNS].find_one({"sync_id": spec.sync_id}, sort={"_id": -1})
        return await self.rejections(last["_id"]) if last else {}

    async def differences(self, spec: SyncSpec) -> Differences:
        """Compare the table with its source, and with what the last run rejected."""
        records = await self.hubspot_records(spec.source.object)
        rejected = await self._last_rejections(spec)
        return compare(records, await self.rows(spec), await self.mapped(spec), rejected)

    async def mapped(self, spec: SyncSpec) -> list[Mapped]:
        """Return what a spec maps to what as both providers define it, the key first."""
        known = OWN | await self.properties(spec.source.object)
        fields = await self._fields(spec.destination)
        account = await self.call(self.hubspot, "GET", "/account-info/2026-09/details")
        return [
            Mapped(known[each.source], fields[each.field_id], each.as_, account["timeZone"])
            for each in dict.fromkeys((spec.key, *spec.mapping))
        ]

    async def events(self, run_id: str) -> list[str]:
        """Return the types of the events in the outbox about a run."""
        rows = await self.database["outbox"].find({}).sort("_id", 1).to_list(None)
        mine = [row for row in rows if run_id.encode() in row["value"]]
        return [dict(row["headers"])["ce_type"].split(".")[2] for row in mine]

    async def publish(self, *events: Event) -> None:
        """Send events to Kafka as their producers would; the test has topics of its own."""
        assert self.has_own_topics, "without the fixture `own_topics` others would read these too"
        await ensure_topics(self.settings, NAME)
        await send(self.settings, *(Envelope(event, "test") for event in events))

    async def published(self, count: int, topic: str = "run-events") -> Sequence[Any]:
        """Read the first so many events of a topic, from Kafka; the test has topics of its own."""
        assert self.has_own_topics, "without the fixture `own_topics` others may have written these"
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

    # runners

    @asynccontextmanager
    async def runner(
        self,
        *roles: str,
        auth_service: AuthService | None = None,
        known_sources: Mapping[Provider, StartProvider] = SOURCES,
        **changes: Any,
    ) -> AsyncIterator[str]:
        """Run the service in this process, by default its worker alone; yields its URL."""
        settings = self.settings.with_(http_port=free_port(), **changes)
        service = build(settings, auth_service=auth_service, known_sources=known_sources)
        async with serving(service, *(roles or ("worker",))) as url:
            yield url

    @asynccontextmanager
    async def http(self, *roles: str, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Run the service in this process, and yield a client of its HTTP."""
        async with (
            self.runner(*roles, **changes) as url,
            httpx.AsyncClient(base_url=url, timeout=30, verify=NO_TLS) as client,
        ):
            yield client

    def process(
        self, *roles: str, module: str = "tablesync.sync_runner", **environment: str
    ) -> RunnerProcess:
        """Start the service as a process of its own, by default its worker alone."""
        arguments = [f"--role={role}" for role in roles or ("worker",)]
        log = self.log_dir / f"runner-{len(self.processes)}.log"
        process = RunnerProcess(module, arguments, self._environment() | environment, log)
        self.processes.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        shown = self.settings.model_dump(mode="json", exclude_none=True)
        return {name.upper(): str(value) for name, value in shown.items()} | {
            "HTTP_PORT": str(free_port())
        }

    def end_processes(self) -> None:
        """Kill what is left of the processes, also one that sleeps."""
        for process in self.processes:
            process.end()


# A killed worker's run goes to the next one when its lease and a request's time are over. Elsewhere
# they are as long as they are by default: a machine that stands still for seconds loses nothing.
TAKEN_OVER_SOON = {"runner_lease_seconds": 6, "runner_request_seconds": 4}


def runner_settings(
    stores: Mapping[str, str], keys: ServiceKeys, sandbox_url: str, auth_service_url: str
) -> Settings:
    """Return settings of a runner that is not held up by limits."""
    return Settings.model_validate(
        {
            **stores,
            **UNLIMITED,
            "http_port": free_port(),
            "service_key_file": keys.private_key_file(NAME),
            "trusted_keys_file": keys.trusted_keys_file,
            "auth_service_url": auth_service_url,
            "hubspot_api_url": f"{sandbox_url}/hubspot",
            "airtable_api_url": f"{sandbox_url}/airtable",
        }
    )


@asynccontextmanager
async def rigged(
    settings: Settings, sandbox: SandboxControl, auth: AuthServiceStandIn, log_dir: Path
) -> AsyncIterator[Rig]:
    """Yield a world with both connections connected and no limits."""
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, f"{settings.mongodb_database_prefix}{DATABASE}")
    rig = Rig(sandbox, auth, settings, database, log_dir)
    await rig.connect()
    await ensure_indexes(database, store.INDEXES)
    yield rig
    rig.end_processes()
    client.close()


def requested(
    spec: SyncSpec, trigger: Trigger = Trigger.SCHEDULE, *, check: bool = False
) -> SyncRequested:
    """Make the event that asks for a run."""
    return SyncRequested(
        workspace_id=WORKSPACE,
        sync_id=spec.sync_id,
        run_id=new_id("run"),
        trigger=trigger,
        slot=datetime.now(UTC) if trigger is Trigger.SCHEDULE else None,
        spec=spec,
        check_everything=check,
    )


def as_service(service_keys: ServiceKeys, name: str) -> ServiceAuth:
    """Sign as a service that asks sync-runner."""
    return ServiceAuth(Signer.from_file(name, service_keys.private_key_file(name)), NAME)
