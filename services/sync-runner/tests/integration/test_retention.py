"""Retention: ended runs and rejections expire; what is open, and what a sync knows, never does."""

from datetime import timedelta

import pytest
from sync_runner_rig import Rig, requested
from tablesync.service_kit.messaging.kafka import DEAD_LETTERS_KEPT_HOURS
from tablesync.service_kit.mongo import Collection, Document, from_now
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.settings import LEAST_DAYS_KEPT
from tablesync.sync_runner import store
from tablesync.test_kit import eventually
from tablesync.test_kit.rhythm import PATIENCE_SECONDS

pytestmark = pytest.mark.integration


def days_ago(days: int) -> Document:
    """Return the moment so many days ago, by the database's clock."""
    return from_now(-timedelta(days=days).total_seconds())


LONG_AGO = days_ago(100)


async def happened(collection: Collection, id_: str, **moments: Document) -> None:
    """Store that something happened at some moment."""
    await collection.update_one({"_id": id_}, [{"$set": moments}], upsert=True)


async def test_only_what_has_ended_expires(rig: Rig) -> None:
    spec = await rig.spec("deals")
    waiting = await rig.enqueue(spec)
    ended = await rig.enqueue(spec)
    await rig.cancel(ended)
    await rig.database[store.RUNS].update_one({"_id": ended}, [{"$set": {"ended_at": LONG_AGO}}])
    await rig.database[store.RUNS].update_one({"_id": waiting}, [{"$set": {"queued_at": LONG_AGO}}])
    for collection in (store.REJECTIONS, store.RECORD_STATES, store.CHECKPOINTS):
        row = {"_id": spec.sync_id, "sync_id": spec.sync_id}
        await rig.database[collection].insert_one(row)
        await rig.database[collection].update_one(row, [{"$set": {"at": LONG_AGO}}])
    deletions = rig.database[store.DELETED_SYNCS]
    await happened(deletions, "syn_left", at=LONG_AGO)
    await happened(deletions, "syn_forgotten", forgotten_at=LONG_AGO)

    async def are_gone() -> bool:
        runs = await rig.database[store.RUNS].distinct("_id")
        known = await deletions.distinct("_id")
        rejected = await rig.database[store.REJECTIONS].distinct("_id")
        return (runs, known, rejected) == ([waiting], ["syn_left"], [])

    expiries = store.expiries(runs_days=30, rejections_days=30, dry_runs_days=7)
    await ensure_indexes(rig.database, expiries)
    await eventually(are_gone, timeout=PATIENCE_SECONDS)
    for collection in (store.RECORD_STATES, store.CHECKPOINTS):
        assert await rig.stored(collection, spec.sync_id)
        indexes = await rig.database[collection].index_information()
        assert not [each for each in indexes.values() if "expireAfterSeconds" in each]


async def test_a_dead_letter_runs_no_sync_that_was_deleted_and_no_run_that_was_cancelled(
    rig: Rig,
) -> None:
    """Parked when its topic was about to forget it, and replayed when Kafka is: even at the
    shortest time that may be set. Kafka keeps what is in a segment that is not full for longer.
    """
    replayed_after = LEAST_DAYS_KEPT + DEAD_LETTERS_KEPT_HOURS // 24 + 7
    deleted, stopped = rig.database[store.DELETED_SYNCS], rig.database[store.CANCELLATIONS]
    gone, cancelled = [requested(await rig.spec(each)) for each in ("deals", "companies")]
    await happened(deleted, gone.sync_id, forgotten_at=days_ago(replayed_after))
    await happened(deleted, "syn_ages_ago", forgotten_at=days_ago(1_000))
    await happened(stopped, cancelled.run_id, at=days_ago(replayed_after))
    await happened(stopped, "run_ages_ago", at=days_ago(1_000))

    async def what_is_too_old_is_gone() -> bool:
        known = [*await deleted.distinct("_id"), *await stopped.distinct("_id")]
        return known == [gone.sync_id, cancelled.run_id]

    shortest = store.expiries(
        runs_days=LEAST_DAYS_KEPT, rejections_days=LEAST_DAYS_KEPT, dry_runs_days=1
    )
    await ensure_indexes(rig.database, shortest)
    await eventually(what_is_too_old_is_gone, timeout=PATIENCE_SECONDS)
    for event in (gone, cancelled):
        await rig.take(event)
        row = await rig.row(event.run_id)
        assert (row["status"], row["started_at"]) == ("cancelled", None)
