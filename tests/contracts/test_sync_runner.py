"""sync-runner's internal routes: one suite for the real service and for what stands in for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Protocol

import httpx
import pytest
import pytest_asyncio
from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionStatus,
    Destination,
    Envelope,
    Event,
    FieldMapping,
    Provider,
    RunCancelRequested,
    RunCounts,
    RunFailureCause,
    RunStatus,
    Source,
    SyncRequested,
    SyncSpec,
    Trigger,
    new_id,
)
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    RUN_IDS_LIMIT,
    AirtableBases,
    AirtableTable,
    AirtableTables,
    ConnectionNotConnected,
    RunState,
    RunStates,
    SourceObjects,
    SourceProperties,
)
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.settings import ServiceSettings
from tablesync.sync_runner import bootstrap
from tablesync.test_kit import SandboxControl, eventually
from tablesync.test_kit.messaging import send
from tablesync.test_kit.services import InternalEdge, answer_of, problem_of
from tablesync.test_kit.stand_ins import (
    AuthServiceStandIn,
    CatalogConnection,
    HeldConnection,
    SyncRunnerStandIn,
    airtable_field,
    run_state,
)

Serve = Callable[..., AbstractAsyncContextManager[str]]
FOREIGN = "ws_0198f0c2-0000-7000-8000-00000000dead"
SYNC = "syn_0198f0c2-0000-7000-8000-000000000001"
# That of a connection whose first token was replaced by one of the sandbox's.
GRANT_VERSION = 2


class World(Protocol):
    """sync-runner with two connected connections of one workspace; nobody works on runs."""

    edge: InternalEdge
    workspace_id: str
    hubspot_id: str
    airtable_id: str

    async def lose(self, connection_id: str) -> None:
        """Have auth-service refuse the connection."""

    async def ask_for_run(self) -> str:
        """Have scheduler ask for a scheduled run; return its id once it is known."""

    async def cancel(self, run_id: str) -> None:
        """Have an operator cancel a run."""


async def ask(
    world: World, connection_id: str, path: str, workspace_id: str | None = None
) -> httpx.Response:
    return await world.edge.get(
        "scheduler",
        f"/catalog/{connection_id}/{path}",
        workspace_id=workspace_id or world.workspace_id,
    )


async def runs_of(world: World, *run_ids: str) -> tuple[RunState, ...]:
    answer = await world.edge.get("scheduler", "/runs", ids=",".join(run_ids))
    return answer_of(RunStates, answer).items


class SyncRunnerSuite:
    """What sync-runner promises scheduler."""

    async def test_a_source_has_objects_with_properties(self, world: World) -> None:
        objects = answer_of(SourceObjects, await ask(world, world.hubspot_id, "objects")).items
        assert "contacts" in {each.name for each in objects}
        assert all(each.label for each in objects)
        answer = await ask(world, world.hubspot_id, "objects/contacts/properties")
        properties = answer_of(SourceProperties, answer).items
        assert properties[0].name == "id"
        assert "email" in {each.name for each in properties}

    async def test_a_destination_has_bases_with_tables_and_fields(self, world: World) -> None:
        bases = answer_of(AirtableBases, await ask(world, world.airtable_id, "bases")).items
        base = bases[0]
        answer = await ask(world, world.airtable_id, f"bases/{base.id}/tables")
        table = answer_of(AirtableTables, answer).items[0]
        assert (base.name, table.name, table.fields) > ("", "", ())
        text = next(each for each in table.fields if each.type == "singleLineText")
        assert (text.mergeable, text.writable) == (True, True)

    async def test_what_is_not_there_is_not_found(self, world: World) -> None:
        for connection_id, path in (
            ("con_of_nobody", "objects"),
            (world.hubspot_id, "objects/unheard-of/properties"),
            (world.hubspot_id, "bases"),
            (world.airtable_id, "objects"),
            (world.airtable_id, "bases/appUnheardOf00000/tables"),
        ):
            problem_of(await ask(world, connection_id, path), 404, "not-found")

    @pytest.mark.parametrize("path", ["objects", "objects/contacts/properties"])
    async def test_a_foreign_connection_is_not_found(self, world: World, path: str) -> None:
        problem_of(await ask(world, world.hubspot_id, path, FOREIGN), 404, "not-found")

    async def test_a_lost_connection_has_to_be_reconnected(self, world: World) -> None:
        await world.lose(world.hubspot_id)
        answer = await ask(world, world.hubspot_id, "objects/contacts/properties")
        problem = problem_of(answer, 409, CONNECTION_NOT_CONNECTED)
        assert ConnectionNotConnected.model_validate(problem) == ConnectionNotConnected(
            connection_id=world.hubspot_id,
            connection_status=ConnectionStatus.REVOKED,
            cause=ConnectionCause.APP_UNINSTALLED,
            grant_version=GRANT_VERSION,
        )

    async def test_a_run_that_waits_is_queued(self, world: World) -> None:
        run_id = await world.ask_for_run()
        (run,) = await runs_of(world, run_id)
        assert (run.run_id, run.sync_id, run.workspace_id) == (run_id, SYNC, world.workspace_id)
        assert (run.trigger, run.status) == (Trigger.SCHEDULE, RunStatus.QUEUED)
        assert (run.counts, run.cause, run.connection_id) == (RunCounts(), None, None)
        assert run.slot
        assert (run.started_at, run.ended_at) == (None, None)

    async def test_a_run_that_was_cancelled_tells_its_end(self, world: World) -> None:
        run_id = await world.ask_for_run()
        await world.cancel(run_id)

        async def ended() -> RunState | None:
            (run,) = await runs_of(world, run_id)
            return run if run.status.ended else None

        run = await eventually(ended)
        assert (run.status, run.cause) == (RunStatus.CANCELLED, RunFailureCause.CANCELLED)
        assert run.summary
        assert run.ended_at
        assert run.started_at is None

    async def test_runs_that_are_unknown_are_left_out(self, world: World) -> None:
        first, second = [await world.ask_for_run() for _ in range(2)]
        found = await runs_of(world, first, "run_of_nobody", second)
        assert {each.run_id for each in found} == {first, second}
        assert await runs_of(world, "run_of_nobody") == ()
        assert await runs_of(world) == ()

    async def test_too_many_runs_are_told_of_in_part(self, world: World) -> None:
        run_id = await world.ask_for_run()
        others = [f"run_{number}" for number in range(RUN_IDS_LIMIT)]
        assert await runs_of(world, *others, run_id) == ()
        assert len(await runs_of(world, run_id, *others)) == 1

    @pytest.mark.parametrize(
        "path", ["/runs", "/catalog/con_1/objects", "/catalog/con_1/bases/appAcme0000000001/tables"]
    )
    async def test_only_scheduler_is_answered(self, world: World, path: str) -> None:
        query = {"ids": "run_1", "workspace_id": FOREIGN}
        for caller in ("auth-service", "sync-runner", "notifier"):
            problem_of(await world.edge.get(caller, path, **query), 403, "forbidden")
        assert (await world.edge.get("scheduler", path, **query)).status_code in (200, 404)
        problem_of(await world.edge.ask_as_nobody("GET", path), 401, "unauthorized")

    @pytest.mark.parametrize("path", ["/runs", "/catalog/con_1/objects", "/catalog/con_1/bases"])
    async def test_what_is_not_said_is_asked_for(self, world: World, path: str) -> None:
        problem_of(await world.edge.get("scheduler", path), 422, "invalid-request")


# the stand-in


class StandInWorld:
    """The stand-in, told what it would find out."""

    def __init__(self, runner: SyncRunnerStandIn, edge: InternalEdge) -> None:
        self.edge = edge
        self.workspace_id = new_id("ws")
        self.hubspot_id, self.airtable_id = new_id("con"), new_id("con")
        self._runner = runner
        runner.connections = {
            connection_id: CatalogConnection(
                self.workspace_id, provider, grant_version=GRANT_VERSION
            )
            for connection_id, provider in (
                (self.hubspot_id, Provider.HUBSPOT),
                (self.airtable_id, Provider.AIRTABLE),
            )
        }
        runner.objects = {"contacts": ["email"], "deals": ["amount"]}
        table = AirtableTable(
            id="tblContacts000001",
            name="Contacts",
            fields=(airtable_field("fldKey00000000001", "Id"),),
        )
        runner.tables = {"appAcme0000000001": [table]}

    async def lose(self, connection_id: str) -> None:
        self._runner.connections[connection_id].lost = True

    async def ask_for_run(self) -> str:
        run_id, now = new_id("run"), datetime.now(UTC)
        run = run_state(run_id, sync_id=SYNC, workspace_id=self.workspace_id, slot=now)
        self._runner.runs[run_id] = run
        return run_id

    async def cancel(self, run_id: str) -> None:
        ended = {
            "status": RunStatus.CANCELLED,
            "cause": RunFailureCause.CANCELLED,
            "summary": "An operator cancelled the run.",
            "ended_at": datetime.now(UTC),
        }
        self._runner.runs[run_id] = self._runner.runs[run_id].model_copy(update=ended)


class TestStandIn(SyncRunnerSuite):
    """The stand-in promises the same."""

    @pytest_asyncio.fixture
    async def world(self, service_keys: ServiceKeys) -> AsyncIterator[StandInWorld]:
        async with (
            SyncRunnerStandIn(service_keys.trusted_keys_file) as runner,
            InternalEdge("sync-runner", runner.url, service_keys) as edge,
        ):
            yield StandInWorld(runner, edge)


# the real service


class RealWorld:
    """The real service, over the sandbox's providers and with a stand-in for auth-service."""

    def __init__(
        self, auth: AuthServiceStandIn, kafka: ServiceSettings, edge: InternalEdge
    ) -> None:
        self.edge = edge
        self.workspace_id = new_id("ws")
        self.hubspot_id, self.airtable_id = new_id("con"), new_id("con")
        self._auth = auth
        self._kafka = kafka

    async def connect(self, sandbox: SandboxControl) -> None:
        async def minted(held: HeldConnection) -> str:
            account = "-" if held.provider is Provider.AIRTABLE else held.account.id
            return str((await sandbox.mint(held.provider, account))["access_token"])

        self._auth.new_token = minted
        for connection_id, provider in (
            (self.hubspot_id, Provider.HUBSPOT),
            (self.airtable_id, Provider.AIRTABLE),
        ):
            account = Account(id="7002", name="Globex")
            self._auth.connect(connection_id, self.workspace_id, provider, account)
            await self._auth.refresh(connection_id)
        await eventually(self._is_known)

    async def _is_known(self) -> bool:
        """One just connected is looked for at most once a second."""
        return (await ask(self, self.airtable_id, "bases")).is_success

    async def lose(self, connection_id: str) -> None:
        self._auth.lose(connection_id)

    async def ask_for_run(self) -> str:
        run_id = new_id("run")
        event = SyncRequested(
            workspace_id=self.workspace_id,
            sync_id=SYNC,
            run_id=run_id,
            trigger=Trigger.SCHEDULE,
            slot=datetime.now(UTC),
            spec=self._spec(),
        )
        await self._tell(event)

        async def known() -> bool:
            return bool(await runs_of(self, run_id))

        await eventually(known)
        return run_id

    async def cancel(self, run_id: str) -> None:
        event = RunCancelRequested(
            workspace_id=self.workspace_id, sync_id=SYNC, run_id=run_id, requested_by="op_1"
        )
        await self._tell(event)

    def _spec(self) -> SyncSpec:
        return SyncSpec(
            sync_id=SYNC,
            workspace_id=self.workspace_id,
            name="Contacts",
            version=1,
            source=Source(
                connection_id=self.hubspot_id, provider=Provider.HUBSPOT, object="contacts"
            ),
            destination=Destination(
                connection_id=self.airtable_id,
                base_id="appAcme0000000001",
                table_id="tblContacts000001",
            ),
            key=FieldMapping(source="id", field_id="fldKey00000000001"),
            mapping=(),
        )

    async def _tell(self, event: Event) -> None:
        await send(self._kafka, Envelope(event, "scheduler"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auth(service_keys: ServiceKeys) -> AsyncIterator[AuthServiceStandIn]:
    """What sync-runner itself asks."""
    async with AuthServiceStandIn(service_keys.trusted_keys_file) as auth:
        yield auth


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sync_runner(
    serve: Serve,
    own_databases: dict[str, str],
    own_topics: dict[str, str],
    auth: AuthServiceStandIn,
    sandbox_url: str,
) -> AsyncIterator[str]:
    """Serve the real sync-runner without its workers, and return its URL."""
    async with serve(
        bootstrap,
        "sync-runner",
        "consumer",
        **own_databases,
        **own_topics,
        auth_service_url=auth.url,
        hubspot_api_url=f"{sandbox_url}/hubspot",
        airtable_api_url=f"{sandbox_url}/airtable",
        kafka_fetch_max_wait_ms=20,
    ) as url:
        yield url


class TestRealService(SyncRunnerSuite):
    """The service itself promises it."""

    @pytest_asyncio.fixture
    async def world(
        self,
        sync_runner: str,
        auth: AuthServiceStandIn,
        kafka: ServiceSettings,
        sandbox: SandboxControl,
        service_keys: ServiceKeys,
    ) -> AsyncIterator[RealWorld]:
        async with InternalEdge("sync-runner", sync_runner, service_keys) as edge:
            world = RealWorld(auth, kafka, edge)
            await world.connect(sandbox)
            yield world
