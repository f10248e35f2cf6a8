"""Deleted syncs: their runs stop, later ones are refused, and what is kept of them is forgotten."""

from datetime import UTC, datetime
from functools import partial

import pytest
from sync_runner_rig import WORKSPACE, Rig
from tablesync.contracts import (
    ChangedSyncStatus,
    Overlap,
    Provider,
    SlotRule,
    SyncChanged,
    SyncSpec,
    new_id,
)
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner import store
from tablesync.sync_runner.pipeline import forgetting
from tablesync.sync_runner.pipeline.checkpoints import Checkpoints
from tablesync.sync_runner.pipeline.forgetting import Forgetting
from tablesync.sync_runner.store import DeletedSyncs, Runs
from tablesync.test_kit import eventually

pytestmark = pytest.mark.integration

KEPT = (store.RECORD_STATES, store.REJECTIONS)
MANY = 5_000


def changed(
    spec: SyncSpec, status: ChangedSyncStatus = ChangedSyncStatus.DELETED, sequence: int = 2
) -> SyncChanged:
    """Make what scheduler tells of a sync."""
    return SyncChanged(
        workspace_id=spec.workspace_id,
        sequence=sequence,
        sync_id=spec.sync_id,
        status=status,
        paused=False,
        spec=spec,
        schedule=SlotRule(every_seconds=60),
        overlap=Overlap.COALESCE,
        owner_id="op_1",
        created_at=datetime.now(UTC),
    )


async def kept(rig: Rig, spec: SyncSpec) -> dict[str, int]:
    """Count what is kept of a sync beside its runs."""
    of_sync = {"sync_id": spec.sync_id}
    counts = {name: await rig.database[name].count_documents(of_sync) for name in KEPT}
    checkpoints = rig.database[store.CHECKPOINTS]
    return {**counts, store.CHECKPOINTS: await checkpoints.count_documents({"_id": spec.sync_id})}


async def is_forgotten(rig: Rig, spec: SyncSpec) -> bool:
    """Whether the deletion is known and nothing is left to do for it."""
    row = await rig.database[store.DELETED_SYNCS].find_one({"_id": spec.sync_id})
    return row is not None and "forgotten_at" in row


async def remember(rig: Rig, spec: SyncSpec) -> None:
    """Take in a deletion, as the consumer does."""
    deleted = DeletedSyncs(rig.database)
    remembering = partial(deleted.remember, sync_id=spec.sync_id, workspace_id=spec.workspace_id)
    await rig.units.run(remembering)


async def store_many(rig: Rig, spec: SyncSpec, count: int) -> None:
    """Keep so many record states of a sync, two rejections and a checkpoint."""
    states = [
        {"_id": f"{spec.sync_id}/{n}", "sync_id": spec.sync_id, "source_id": str(n), "key": f"{n}@"}
        for n in range(count)
    ]
    await rig.database[store.RECORD_STATES].insert_many(states)
    rejections = [
        {"run_id": new_id("run"), "sync_id": spec.sync_id, "source_id": each} for each in "ab"
    ]
    await rig.database[store.REJECTIONS].insert_many(rejections)
    await rig.database[store.CHECKPOINTS].insert_one({"_id": spec.sync_id})


def forgetting_of(rig: Rig) -> Forgetting:
    return Forgetting(rig.units, Runs(rig.database), DeletedSyncs(rig.database))


@pytest.mark.usefixtures("own_topics")
async def test_sync_changed_to_deleted_forgets_the_sync_and_no_other(rig: Rig) -> None:
    gone, stays = await rig.spec("deals"), await rig.spec("companies")
    async with rig.runner("worker", "consumer", "ticker"):
        for spec in (gone, stays):
            await rig.run(spec)
        before = await kept(rig, stays)
        assert (await kept(rig, gone))[store.RECORD_STATES] == 20
        await rig.publish(changed(stays, ChangedSyncStatus.ACTIVE), changed(gone))
        await eventually(lambda: is_forgotten(rig, gone), timeout=60)
    assert set((await kept(rig, gone)).values()) == {0}
    assert await kept(rig, stays) == before
    assert await rig.database[store.DELETED_SYNCS].distinct("_id") == [gone.sync_id]


async def test_a_late_request_of_a_deleted_sync_ends_cancelled_and_tells_it(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await remember(rig, spec)
    await forgetting_of(rig).tick()
    run_id = await rig.enqueue(spec)
    row = await rig.row(run_id)
    assert (row["status"], row["started_at"]) == ("cancelled", None)
    assert await rig.events(run_id) == ["failed"]


@pytest.mark.usefixtures("own_topics")
async def test_a_deletion_stops_the_run_under_way_and_those_that_wait(rig: Rig) -> None:
    await rig.fill(600)
    spec = await rig.spec("deals")
    await rig.slow_down(Provider.AIRTABLE, 300)
    async with rig.runner("worker", "consumer", "ticker", runner_writes_in_flight=1):
        running = await rig.enqueue(spec)
        await rig.reached(running, 10)
        waiting = await rig.enqueue(spec)
        await rig.publish(changed(spec))
        rows = [await rig.ended(each) for each in (running, waiting)]
        await eventually(lambda: is_forgotten(rig, spec), timeout=60)
    assert [row["status"] for row in rows] == ["cancelled", "cancelled"]
    assert rows[0]["counts"]["written"] < 600
    assert set((await kept(rig, spec)).values()) == {0}


async def test_a_request_recorded_while_its_sync_was_deleted_ends_at_its_begin(rig: Rig) -> None:
    """Two transactions that do not see each other: neither queue nor job has stopped this run."""
    spec = await rig.spec("deals")
    run_id = await rig.enqueue(spec)
    row = {"workspace_id": WORKSPACE, "forgotten_at": datetime.now(UTC)}
    await rig.database[store.DELETED_SYNCS].insert_one({"_id": spec.sync_id, **row})
    async with rig.runner():
        ended = await rig.ended(run_id)
    assert (ended["status"], ended["started_at"]) == ("cancelled", None)
    assert set((await kept(rig, spec)).values()) == {0}


async def test_many_rows_are_forgotten_in_chunks_by_one_process_after_another(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is left in the middle is finished by whoever takes it up later."""
    monkeypatch.setattr(forgetting, "CHUNKS", 1)
    gone, stays = await rig.spec("deals"), await rig.spec("companies")
    await store_many(rig, gone, MANY)
    await store_many(rig, stays, 3)
    await remember(rig, gone)
    deleted = DeletedSyncs(rig.database)
    assert await deleted.take(3600) == gone.sync_id
    await rig.units.run(partial(one_chunk, rig, gone.sync_id))
    left = await kept(rig, gone)
    assert left == {
        store.RECORD_STATES: MANY - store.FORGET_AT_ONCE,
        store.REJECTIONS: 2,
        store.CHECKPOINTS: 1,
    }
    await forgetting_of(rig).tick()
    assert await kept(rig, gone) == left, "whoever has taken it has some time"

    await deleted.put_back(gone.sync_id)
    await forgetting_of(rig).tick()
    assert await is_forgotten(rig, gone)
    assert set((await kept(rig, gone)).values()) == {0}
    assert (await kept(rig, stays))[store.RECORD_STATES] == 3


async def one_chunk(rig: Rig, sync_id: str, unit: UnitOfWork) -> bool:
    return await Checkpoints(rig.database).forget(sync_id, unit.session)


async def test_p12_a_replayed_deletion_changes_nothing(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await remember(rig, spec)
    await forgetting_of(rig).tick()
    before: Document = await rig.stored(store.DELETED_SYNCS, spec.sync_id)
    await remember(rig, spec)
    await forgetting_of(rig).tick()
    assert await rig.stored(store.DELETED_SYNCS, spec.sync_id) == before


async def test_p29_a_sync_that_cannot_be_forgotten_stops_no_other(rig: Rig) -> None:
    """A newer version has put a run into the queue, and this one cannot read it."""
    stuck, gone = await rig.spec("deals"), await rig.spec("companies")
    run_id = await rig.enqueue(stuck)
    await rig.database[store.RUNS].update_one({"_id": run_id}, {"$set": {"trigger": "of_tomorrow"}})
    await remember(rig, stuck)
    await remember(rig, gone)
    await forgetting_of(rig).tick()
    assert await is_forgotten(rig, gone)
    assert not await is_forgotten(rig, stuck)


@pytest.mark.parametrize("due_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_deletion_whose_turn_is_at_no_moment_has_its_turn(
    rig: Rig, due_at: object
) -> None:
    bad, good = await rig.spec("deals"), await rig.spec("companies")
    await remember(rig, bad)
    change = {"$unset": {"due_at": ""}} if due_at is ... else {"$set": {"due_at": due_at}}
    await rig.database[store.DELETED_SYNCS].update_one({"_id": bad.sync_id}, change)
    assert await DeletedSyncs(rig.database).seconds_until_due() == 0
    await remember(rig, good)
    await forgetting_of(rig).tick()
    assert await is_forgotten(rig, bad)
    assert await is_forgotten(rig, good)
