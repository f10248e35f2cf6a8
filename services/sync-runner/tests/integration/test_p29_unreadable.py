"""P29: a document that cannot be read spoils its own run or connection; all others go on."""

from typing import Any

import pytest
from sync_runner_rig import AIRTABLE, HUBSPOT, WORKSPACE, Rig
from tablesync.contracts import ConnectionStatus, Provider, SyncSpec, Trigger
from tablesync.service_kit.http.peer import ChangedStates
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner import store
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.access.reconciliation import Reconciliation
from tablesync.sync_runner.clients.auth_service import AuthServiceClient
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.pipeline.record_states import RecordStates
from tablesync.test_kit.logs import own_logs

LEASE_SECONDS = 30
# The year 2100, in unix milliseconds.
FUTURE = 4_102_444_800_000


async def spec_of_table(rig: Rig, number: int) -> SyncSpec:
    spec = await rig.spec("deals", sync_id=f"syn_{number}")
    destination = spec.destination.model_copy(update={"table_id": f"tblOther{number:09d}"})
    return spec.model_copy(update={"destination": destination})


async def spoil(rig: Rig, run_id: str, **fields: Any) -> None:
    await rig.database[store.RUNS].update_one({"_id": run_id}, {"$set": fields})


async def minutes_pass(rig: Rig) -> None:
    """Let it be the turn of whatever was put back."""
    earlier = {"$subtract": ["$queued_at", 120_000]}
    await rig.database[store.RUNS].update_many({}, [{"$set": {"queued_at": earlier}}])


async def claims(rig: Rig) -> list[str]:
    """Claim until nothing is left."""
    queue, found = RunQueue(rig.database, LEASE_SECONDS, LEASE_SECONDS / 3), []
    while claimed := await queue.claim():
        found.append(claimed[0].id)
    return found


async def explained(rig: Rig, command: Document) -> Document:
    plan = await rig.database.command("explain", command, verbosity="executionStats")
    found: Document = plan["executionStats"]
    return found


@pytest.mark.parametrize("spoiled", [{"trigger": "tomorrow's"}, {"fence": "one"}])
async def test_p29_a_run_that_cannot_be_read_leaves_queue_and_table_to_others(
    rig: Rig, spoiled: dict[str, Any]
) -> None:
    spec = await rig.spec("deals")
    bad = await rig.enqueue(spec, Trigger.MANUAL)
    await spoil(rig, bad, **spoiled)
    same_table, other = await rig.enqueue(spec), await rig.enqueue(await spec_of_table(rig, 1))
    with own_logs() as logs:
        assert {*await claims(rig)} == {same_table, other}
    assert [each["id"] for each in logs if each["log_level"] == "error"] == [bad]
    await spoil(rig, same_table, status="succeeded")
    await spoil(rig, bad, trigger="manual", fence=0)
    await minutes_pass(rig)
    assert await claims(rig) == [bad], "mended, it comes back by itself"


async def test_p29_a_table_of_a_strange_name_is_nobody_elses(rig: Rig) -> None:
    bad, good = (
        await rig.enqueue(await rig.spec("deals")),
        await rig.enqueue(await spec_of_table(rig, 1)),
    )
    await spoil(rig, bad, target=["a", {"list": 1}])
    assert good in await claims(rig)


async def test_p29_a_lost_workers_run_that_cannot_be_read_frees_its_table(rig: Rig) -> None:
    spec = await rig.spec("deals")
    bad = await rig.enqueue(spec)
    assert await claims(rig) == [bad]
    next_one = await rig.enqueue(spec)
    await spoil(rig, bad, cause="tomorrow's")
    back = {"$subtract": ["$lease_until", 1000 * 2 * LEASE_SECONDS]}
    await rig.database[store.RUNS].update_one({"_id": bad}, [{"$set": {"lease_until": back}}])
    assert await claims(rig) == [next_one]
    await rig.database[store.RUNS].update_one({"_id": next_one}, {"$set": {"status": "succeeded"}})
    await spoil(rig, bad, cause=None)
    await minutes_pass(rig)
    assert await claims(rig) == [bad]
    assert (await rig.row(bad))["distrusted"], "its worker was lost, whoever takes it up"


@pytest.mark.parametrize("moment", [None, "2026-11-26T10:00:00Z", 17], ids=repr)
async def test_p29_a_moment_that_is_no_date_keeps_no_run_waiting(rig: Rig, moment: object) -> None:
    """A lease that ends at no moment has ended, and what was queued at none waits no longer."""
    runs = [await rig.enqueue(await spec_of_table(rig, number)) for number in range(3)]
    silent, bad, good = runs
    await spoil(rig, silent, status="running", owner="gone", lease_until=moment)
    await spoil(rig, bad, queued_at=moment)
    assert (
        await RunQueue(rig.database, LEASE_SECONDS, LEASE_SECONDS / 3).seconds_until_takeover() == 0
    )
    assert {good, silent} <= {*await claims(rig)}
    row = await rig.row(bad)
    assert row["status"] == "running" or "set_aside_at" in row
    assert (
        await RunQueue(rig.database, LEASE_SECONDS, LEASE_SECONDS / 3).seconds_until_takeover() > 0
    )


async def test_a_busy_table_with_thousands_of_runs_hides_no_free_one(rig: Rig) -> None:
    spec = await rig.spec("deals")
    waiting = await rig.row(await rig.enqueue(spec))
    assert len(await claims(rig)) == 1
    rows = [
        {**waiting, "_id": f"run_{number}", "sync_id": f"syn_{number}"} for number in range(20_000)
    ]
    await rig.database[store.RUNS].insert_many(rows)
    free = [await rig.enqueue(await spec_of_table(rig, number)) for number in range(3)]
    await rig.database.command("profile", 2)
    assert await claims(rig) == free
    await rig.database.command("profile", 0)
    looks = await rig.database["system.profile"].find({"ns": f"{rig.database.name}.runs"}).to_list()
    assert max(each.get("docsExamined", 0) for each in looks) <= 60
    assert max(each.get("keysExamined", 0) for each in looks) <= 60


async def test_p29_a_record_state_that_cannot_be_read_is_as_good_as_none(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        states = rig.database[store.RECORD_STATES]
        some = await states.find_one({"sync_id": spec.sync_id})
        assert some
        await states.update_one({"_id": some["_id"]}, {"$unset": {"digest": ""}})
        await rig.edit("deals", [some["source_id"]])
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert not await rig.differences(spec)
    assert (await RecordStates(rig.database, spec.sync_id).load([some["source_id"]])) != {}


class Reconciling:
    """The reconciliation with what stands in for auth-service, and what it writes."""

    def __init__(self, rig: Rig, auth: AuthServiceClient) -> None:
        self.rig = rig
        self.connections = Connections(rig.database, auth, patience_seconds=10)
        self.reconciliation = Reconciliation(
            self.connections, ChangedStates(auth.connection_states, rig.database)
        )
        self.tick = self.reconciliation.tick

    async def writes(self) -> int:
        """Tick, and count the updates that it sends."""
        await self.rig.database.command("profile", 2)
        await self.tick()
        await self.rig.database.command("profile", 0)
        profile = self.rig.database["system.profile"]
        count = await profile.count_documents({"op": {"$in": ["update", "insert"]}})
        await profile.drop()
        return count


@pytest.fixture
async def reconciling(rig: Rig, service_keys: Any) -> Any:
    from tablesync.service_kit.http.client import new_client
    from tablesync.service_kit.http.service_auth import ServiceAuth, Signer

    signer = Signer.from_file("sync-runner", service_keys.private_key_file("sync-runner"))
    async with new_client(rig.auth.url, auth=ServiceAuth(signer, rig.auth.name)) as http:
        yield Reconciling(rig, AuthServiceClient(http))


async def test_reconciliation_writes_what_differs_and_nothing_else(
    rig: Rig, reconciling: Reconciling
) -> None:
    for number in range(50):
        rig.auth.connect(f"con_{number}", WORKSPACE, Provider.HUBSPOT)
    assert await reconciling.writes() == 52
    assert await reconciling.writes() == 0
    rig.auth.lose(HUBSPOT)
    assert await reconciling.writes() == 1
    found = await reconciling.connections.find(HUBSPOT, WORKSPACE)
    assert found
    assert found.status is ConnectionStatus.REVOKED


async def test_an_id_that_was_made_up_asks_for_what_is_new_alone(
    rig: Rig, reconciling: Reconciling
) -> None:
    await reconciling.tick()
    assert await reconciling.reconciliation.find("con_made_up", WORKSPACE) is None
    *_, last = [each.query for each in rig.auth.asked if each.path.endswith("/connections")]
    assert int(last["since_sequence"]) > 0


async def test_p29_a_connection_that_cannot_be_read_stops_no_reconciliation(
    rig: Rig, reconciling: Reconciling
) -> None:
    await reconciling.tick()
    rows = rig.database[store.CONNECTIONS]
    await rows.update_one(
        {"_id": HUBSPOT}, {"$set": {"sequence": "none", "stopped_version": "none"}}
    )
    await rows.update_one({"_id": AIRTABLE}, {"$set": {"provider": "moon"}})
    rig.auth.lose(HUBSPOT)
    rig.auth.lose(AIRTABLE)
    await reconciling.tick()
    for connection_id in (HUBSPOT, AIRTABLE):
        found = await reconciling.connections.find(connection_id, WORKSPACE)
        assert found
        assert found.status is ConnectionStatus.REVOKED


async def test_p29_a_state_from_the_future_hides_no_loss_whose_event_was_lost(
    rig: Rig, reconciling: Reconciling
) -> None:
    rig.airtable.sequence = FUTURE
    await reconciling.tick()
    rig.auth.lose(HUBSPOT)
    await reconciling.tick()
    found = await reconciling.connections.find(HUBSPOT, WORKSPACE)
    assert found
    assert found.status is ConnectionStatus.REVOKED
