"""Saves of which nobody knows whether they were stored: they are stored once more, as they are."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from pymongo.errors import AutoReconnect
from sync_runner_rig import Rig
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner import store
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.record_states import RecordState, RecordStates

T = TypeVar("T")


class LosesAnswers(UnitsOfWork):
    """Stores what it is given; then the connection is lost before MongoDB has said so."""

    async def run(self, work: Callable[[UnitOfWork], Awaitable[T]], seconds: float = 10.0) -> T:
        await super().run(work, seconds)
        raise AutoReconnect("connection closed")


async def test_what_is_new_is_stored_again_where_the_answer_of_its_save_was_lost(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.enqueue(spec)
    claimed = await RunQueue(rig.database, 20, 1).claim()
    assert claimed is not None
    journal = Journal(LosesAnswers(rig.database, "sync-runner"), *claimed)
    journal.note(RecordState("1", b"old", "rec1", new=True))
    journal.note(RecordState("2", b"two", "rec2", new=True))
    with pytest.raises(AutoReconnect):
        await journal.save()
    journal.note(RecordState("1", b"new", "rec1"))
    with pytest.raises(AutoReconnect):
        await journal.save()
    known = await RecordStates(rig.database, spec.sync_id).load(["1", "2"])
    assert {id_: each.digest for id_, each in known.items()} == {"1": b"new", "2": b"two"}
    assert await rig.database[store.RECORD_STATES].count_documents({}) == 2
