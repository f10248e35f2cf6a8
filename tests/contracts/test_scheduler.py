"""scheduler's internal routes: one suite for the real service and for what stands in for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import httpx
import pytest
import pytest_asyncio
from tablesync.contracts import (
    ConnectionEvent,
    ConnectionReconnected,
    ConnectionRevoked,
    Envelope,
    HoldKind,
    Provider,
    Source,
    SyncStatus,
    new_id,
)
from tablesync.contracts.internal_api import (
    AffectedSync,
    AffectedSyncs,
    AirtableTable,
    CatchUpCounts,
    SyncOwner,
    WrittenBase,
    WrittenBases,
)
from tablesync.local_stack.keys import ServiceKeys
from tablesync.scheduler import bootstrap
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import send
from tablesync.test_kit.services import InternalEdge, answer_of, problem_of
from tablesync.test_kit.stand_ins import (
    AuthServiceStandIn,
    CatalogConnection,
    SchedulerStandIn,
    SyncRunnerStandIn,
    affected_sync,
    airtable_field,
)

Serve = Callable[..., AbstractAsyncContextManager[str]]
FOREIGN = "ws_0198f0c2-0000-7000-8000-00000000dead"
OWNER = "op_0198f0c2-0000-7000-8000-000000000001"
CONTACTS_BASE, DEALS_BASE = "appAcme0000000001", "appAcme0000000002"
BASES = {each: f"Base {each}" for each in (CONTACTS_BASE, DEALS_BASE)}


class World(Protocol):
    """scheduler with two connected connections of one workspace, and an operator of it."""

    edge: InternalEdge
    workspace_id: str
    hubspot_id: str
    airtable_id: str

    async def add_sync(self, name: str, base_id: str = CONTACTS_BASE) -> str:
        """Make a sync of contacts that is due often, to a base of `BASES`; return its id."""

    async def pause(self, sync_id: str) -> None:
        """Do as an operator does who stops a sync."""

    async def lose(self) -> None:
        """Have auth-service tell that HubSpot's grant is lost."""

    async def miss_slots(self) -> None:
        """Let time pass for what is held."""

    async def regain(self) -> None:
        """Have auth-service tell that HubSpot is connected again."""


async def affected(
    world: World, connection_id: str | None = None, caller: str = "notifier", **query: str
) -> tuple[AffectedSync, ...]:
    path = f"/connections/{connection_id or world.hubspot_id}/affected-syncs"
    response = await world.edge.get(caller, path, **{"workspace_id": world.workspace_id} | query)
    return answer_of(AffectedSyncs, response).items


async def the_only(world: World, status: SyncStatus) -> AffectedSync:
    """Wait until the one sync has this status."""

    async def found() -> AffectedSync | None:
        (sync,) = await affected(world)
        return sync if sync.status is status else None

    return await eventually(found)


async def held_with_a_gap(world: World) -> AffectedSync:
    """Lose the connection, and wait until the one sync has missed a slot."""
    await world.lose()
    await the_only(world, SyncStatus.HELD)
    await world.miss_slots()

    async def missed() -> AffectedSync | None:
        (sync,) = await affected(world)
        return sync if sync.gap and sync.gap.slots_missed else None

    return await eventually(missed)


class SchedulerSuite:
    """What scheduler promises its peers."""

    async def test_a_sync_that_runs_is_told_with_its_next_slot(self, world: World) -> None:
        sync_id = await world.add_sync("Контакты")
        (sync,) = await affected(world)
        assert (sync.sync_id, sync.name, sync.object) == (sync_id, "Контакты", "contacts")
        assert (sync.status, sync.hold) == (SyncStatus.ACTIVE, None)
        assert (sync.gap, sync.catch_up) == (None, None)
        assert sync.next_slot_at

    async def test_a_sync_needs_its_destination_as_well(self, world: World) -> None:
        sync_id = await world.add_sync("Contacts")
        found = await affected(world, world.airtable_id, "auth-service")
        assert [each.sync_id for each in found] == [sync_id]

    async def test_a_lost_connection_holds_its_syncs(self, world: World) -> None:
        await world.add_sync("Contacts")
        sync = await held_with_a_gap(world)
        assert sync.hold
        assert (sync.hold.kind, sync.hold.connection_id) == (HoldKind.CONNECTION, world.hubspot_id)
        assert sync.hold.cause == "app_uninstalled"
        assert sync.gap
        assert (sync.gap.from_, sync.gap.to) == (sync.hold.since, None)
        assert sync.catch_up is None
        assert sync.stopped_by == (sync.hold,)
        assert sync.next_slot_at is None, "its slots pass without a run"

    async def test_a_regained_connection_releases_them_and_names_the_catch_up(
        self, world: World
    ) -> None:
        await world.add_sync("Contacts")
        held = await held_with_a_gap(world)
        await world.regain()
        sync = await the_only(world, SyncStatus.ACTIVE)
        assert sync.hold is None
        assert sync.gap
        assert held.gap
        assert (sync.gap.from_, sync.gap.to is None) == (held.gap.from_, False)
        assert sync.gap.slots_missed >= held.gap.slots_missed
        assert sync.catch_up
        assert sync.catch_up.run_id.startswith("run_")
        assert not sync.catch_up.status.ended
        assert sync.catch_up.counts.read == 0

    async def test_a_paused_sync_stays_paused_whatever_holds_it(self, world: World) -> None:
        sync_id = await world.add_sync("Contacts")
        await world.pause(sync_id)
        await world.lose()

        async def held() -> AffectedSync | None:
            (sync,) = await affected(world)
            return sync if sync.hold else None

        sync = await eventually(held)
        assert (sync.status, sync.next_slot_at) == (SyncStatus.PAUSED, None)

    async def test_pages_of_a_list_are_told_whole_and_in_order(self, world: World) -> None:
        made = sorted([await world.add_sync(f"Sync {number}") for number in range(5)])
        path, after = f"/connections/{world.hubspot_id}/affected-syncs", ""
        found: list[str] = []
        while True:
            query = {"workspace_id": world.workspace_id, "after": after}
            page = answer_of(
                AffectedSyncs, await world.edge.get("notifier", path, limit=2, **query)
            )
            found += [each.sync_id for each in page.items]
            assert (len(page.items) <= 2, page.total, page.count) == (True, 5, 5)
            if page.next_after is None:
                break
            after = page.next_after
        assert found == made
        assert sorted(each.sync_id for each in await affected(world)) == made, "or all at once"

    async def test_catch_ups_are_counted(self, world: World) -> None:
        await world.add_sync("Contacts")
        path = f"/connections/{world.hubspot_id}/catch-ups"

        async def counts() -> CatchUpCounts:
            answer = await world.edge.get("notifier", path, workspace_id=world.workspace_id)
            return answer_of(CatchUpCounts, answer)

        assert await counts() == CatchUpCounts(total=1, held=0, by_status={})
        await held_with_a_gap(world)
        assert await counts() == CatchUpCounts(total=1, held=1, by_status={})
        await world.regain()
        await the_only(world, SyncStatus.ACTIVE)
        found = await counts()
        assert (found.total, found.held, found.at_work) == (1, 0, 1)
        foreign = await world.edge.get("notifier", path, workspace_id=FOREIGN)
        assert answer_of(CatchUpCounts, foreign).total == 0

    async def test_the_bases_that_syncs_write_to_are_told_by_name_and_in_pages(
        self, world: World
    ) -> None:
        for number in range(7):
            await world.add_sync(f"Contacts {number}")
        paused = await world.add_sync("Deals", DEALS_BASE)
        await world.pause(paused)
        contacts = WrittenBase(
            base_id=CONTACTS_BASE,
            name=BASES[CONTACTS_BASE],
            syncs=7,
            sync_names=tuple(f"Contacts {number}" for number in range(5)),
        )
        deals = WrittenBase(
            base_id=DEALS_BASE, name=BASES[DEALS_BASE], syncs=1, sync_names=("Deals",)
        )
        path = f"/connections/{world.airtable_id}/written-bases"

        async def page(**changes: str | int) -> WrittenBases:
            query: dict[str, str | int] = {"workspace_id": world.workspace_id, **changes}
            return answer_of(WrittenBases, await world.edge.get("auth-service", path, **query))

        assert await page() == WrittenBases(items=(contacts, deals))
        first = await page(limit=1)
        assert (first.items, first.next_after) == ((contacts,), CONTACTS_BASE)
        assert (await page(limit=1, after=CONTACTS_BASE)).items == (deals,)
        assert (await page(workspace_id=FOREIGN)).items == ()
        path = f"/connections/{world.hubspot_id}/written-bases"
        assert (await page()).items == (), "nothing is written over a source's connection"

    async def test_another_workspace_sees_none(self, world: World) -> None:
        await world.add_sync("Contacts")
        assert await affected(world, workspace_id=FOREIGN) == ()
        assert await affected(world, "con_of_nobody") == ()

    async def test_whose_a_sync_is(self, world: World) -> None:
        sync_id = await world.add_sync("Contacts")
        answer = await world.edge.get(
            "notifier", f"/syncs/{sync_id}", workspace_id=world.workspace_id
        )
        assert answer_of(SyncOwner, answer) == SyncOwner(
            sync_id=sync_id,
            name="Contacts",
            source=Source(
                connection_id=world.hubspot_id, provider=Provider.HUBSPOT, object="contacts"
            ),
            owner_id=OWNER,
            status=SyncStatus.ACTIVE,
            holds=(),
        )

    async def test_what_is_unknown_or_foreign_is_nobodys(self, world: World) -> None:
        sync_id = await world.add_sync("Contacts")
        for path, workspace_id in (
            (f"/syncs/{sync_id}", FOREIGN),
            ("/syncs/syn_of_nobody", world.workspace_id),
        ):
            answer = await world.edge.get("notifier", path, workspace_id=workspace_id)
            problem_of(answer, 404, "not-found")

    @pytest.mark.parametrize(
        ("path", "admitted"),
        [
            ("/connections/con_1/affected-syncs", {"auth-service", "notifier"}),
            ("/connections/con_1/written-bases", {"auth-service"}),
            ("/syncs/syn_1", {"notifier"}),
        ],
    )
    async def test_only_those_who_may_ask_are_answered(
        self, world: World, path: str, admitted: set[str]
    ) -> None:
        for caller in ("auth-service", "scheduler", "sync-runner", "notifier"):
            answer = await world.edge.get(caller, path, workspace_id=FOREIGN)
            if caller in admitted:
                assert answer.status_code in (200, 404), caller
            else:
                problem_of(answer, 403, "forbidden")
        problem_of(await world.edge.ask_as_nobody("GET", path), 401, "unauthorized")

    @pytest.mark.parametrize("path", ["/connections/con_1/affected-syncs", "/syncs/syn_1"])
    @pytest.mark.parametrize("query", [{}, {"workspace_id": ""}])
    async def test_without_a_workspace_nothing_is_told(
        self, world: World, path: str, query: dict[str, str]
    ) -> None:
        answer = await world.edge.get("notifier", path, **query)
        problem_of(answer, 422, "invalid-request")


# the stand-in


class StandInWorld:
    """The stand-in, told what it would find out."""

    def __init__(self, scheduler: SchedulerStandIn, edge: InternalEdge) -> None:
        self.edge = edge
        self.workspace_id = new_id("ws")
        self.hubspot_id, self.airtable_id = new_id("con"), new_id("con")
        self._scheduler = scheduler

    async def add_sync(self, name: str, base_id: str = CONTACTS_BASE) -> str:
        sync = affected_sync(new_id("syn"), name=name)
        self._scheduler.know(
            sync,
            workspace_id=self.workspace_id,
            connection_ids=(self.hubspot_id, self.airtable_id),
            owner_id=OWNER,
            base=(base_id, BASES[base_id]),
        )
        return sync.sync_id

    async def pause(self, sync_id: str) -> None:
        self._scheduler.pause(sync_id)

    async def lose(self) -> None:
        self._scheduler.hold(self.hubspot_id)

    async def miss_slots(self) -> None:
        self._scheduler.miss(self.hubspot_id)

    async def regain(self) -> None:
        self._scheduler.release(self.hubspot_id)


class TestStandIn(SchedulerSuite):
    """The stand-in promises the same."""

    @pytest_asyncio.fixture
    async def world(self, service_keys: ServiceKeys) -> AsyncIterator[StandInWorld]:
        async with (
            SchedulerStandIn(service_keys.trusted_keys_file) as scheduler,
            InternalEdge("scheduler", scheduler.url, service_keys) as edge,
        ):
            yield StandInWorld(scheduler, edge)


# the real service


class RealWorld:
    """The real service between stand-ins for its own peers; events come through Kafka."""

    def __init__(
        self,
        url: str,
        auth: AuthServiceStandIn,
        runner: SyncRunnerStandIn,
        kafka: ServiceSettings,
        edge: InternalEdge,
    ) -> None:
        self.edge = edge
        self.workspace_id = new_id("ws")
        self.hubspot_id, self.airtable_id = new_id("con"), new_id("con")
        self._auth = auth
        self._kafka = kafka
        self._http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        for connection_id, provider in (
            (self.hubspot_id, Provider.HUBSPOT),
            (self.airtable_id, Provider.AIRTABLE),
        ):
            runner.connections[connection_id] = CatalogConnection(self.workspace_id, provider)
            auth.connect(connection_id, self.workspace_id, provider)

    def sign_in(self, keys: ServiceKeys) -> None:
        signer = Signer.from_file("auth-service", keys.private_key_file("auth-service"))
        who = Principal(
            operator_id=OWNER, workspace_id=self.workspace_id, role=OperatorRole.OPERATOR
        )
        self._http.headers["Authorization"] = f"Bearer {issue(signer, who)}"

    async def close(self) -> None:
        await self._http.aclose()

    async def add_sync(self, name: str, base_id: str = CONTACTS_BASE) -> str:
        body = {
            "name": name,
            "source": {"connection_id": self.hubspot_id, "object": "contacts"},
            "destination": {
                "connection_id": self.airtable_id,
                "base_id": base_id,
                "table_id": "tblContacts000001",
            },
            "key": {"source": "id", "field_id": "fldKey00000000001"},
            "schedule": {"every_seconds": 1},
        }
        answer = await self._http.post("/v1/syncs", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def pause(self, sync_id: str) -> None:
        (await self._http.post(f"/v1/syncs/{sync_id}/pause")).raise_for_status()

    async def lose(self) -> None:
        self._auth.lose(self.hubspot_id)
        await self._tell(ConnectionRevoked)

    async def miss_slots(self) -> None:
        """A slot comes due each second: there is nothing to do but to wait."""

    async def regain(self) -> None:
        await self._auth.reconnect(self.hubspot_id)
        await self._tell(ConnectionReconnected)

    async def _tell(self, kind: type[ConnectionEvent]) -> None:
        event = self._auth.connections[self.hubspot_id].event(kind)
        await send(self._kafka, Envelope(event, "auth-service"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def peers(
    service_keys: ServiceKeys,
) -> AsyncIterator[tuple[AuthServiceStandIn, SyncRunnerStandIn]]:
    """The peers that scheduler itself asks."""
    async with (
        AuthServiceStandIn(service_keys.trusted_keys_file) as auth,
        SyncRunnerStandIn(service_keys.trusted_keys_file) as runner,
    ):
        runner.objects = {"contacts": ["email"]}
        table = AirtableTable(
            id="tblContacts000001",
            name="Contacts",
            fields=(airtable_field("fldKey00000000001", "Id"),),
        )
        runner.tables = {base_id: [table] for base_id in BASES}
        yield auth, runner


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scheduler(
    serve: Serve,
    own_databases: dict[str, str],
    own_topics: dict[str, str],
    peers: tuple[AuthServiceStandIn, SyncRunnerStandIn],
) -> AsyncIterator[str]:
    """Serve the real scheduler, which asks for no scheduled run, and return its URL."""
    auth, runner = peers
    async with serve(
        bootstrap,
        "scheduler",
        "consumer",
        "worker",
        **own_databases,
        **own_topics,
        auth_service_url=auth.url,
        sync_runner_url=runner.url,
        kafka_fetch_max_wait_ms=20,
        scheduler_min_interval_seconds=1,
        scheduler_catch_up_jitter_seconds=0,
    ) as url:
        yield url


class TestRealService(SchedulerSuite):
    """The service itself promises it."""

    @pytest_asyncio.fixture
    async def world(
        self,
        scheduler: str,
        peers: tuple[AuthServiceStandIn, SyncRunnerStandIn],
        kafka: ServiceSettings,
        service_keys: ServiceKeys,
    ) -> AsyncIterator[RealWorld]:
        async with InternalEdge("scheduler", scheduler, service_keys) as edge:
            world = RealWorld(scheduler, *peers, kafka, edge)
            world.sign_in(service_keys)
            yield world
            await world.close()
