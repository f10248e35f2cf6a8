"""Retention: ended runs and rejections expire; what is open, and what a sync knows, never does."""

from datetime import timedelta

import pytest
from sync_runner_rig import Rig
from tablesync.service_kit.mongo import from_now
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.sync_runner import store
from tablesync.test_kit import eventually
from tablesync.test_kit.expiry import PATIENCE_SECONDS, expire_promptly

pytestmark = pytest.mark.integration

LONG_AGO = from_now(-timedelta(days=100).total_seconds())


async def test_only_what_has_ended_expires(rig: Rig, mongodb_uri: str) -> None:
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
    for sync_id, field in (("syn_left", "at"), ("syn_forgotten", "forgotten_at")):
        await deletions.insert_one({"_id": sync_id})
        await deletions.update_one({"_id": sync_id}, [{"$set": {field: LONG_AGO}}])

    async def are_gone() -> bool:
        runs = await rig.database[store.RUNS].distinct("_id")
        known = await deletions.distinct("_id")
        rejected = await rig.database[store.REJECTIONS].distinct("_id")
        return (runs, known, rejected) == ([waiting], ["syn_left"], [])

    expire_promptly(mongodb_uri)
    await ensure_indexes(rig.database, store.expiries(runs_days=30, rejections_days=30))
    await eventually(are_gone, timeout=PATIENCE_SECONDS)
    for collection in (store.RECORD_STATES, store.CHECKPOINTS):
        assert await rig.stored(collection, spec.sync_id)
        indexes = await rig.database[collection].index_information()
        assert not [each for each in indexes.values() if "expireAfterSeconds" in each]
