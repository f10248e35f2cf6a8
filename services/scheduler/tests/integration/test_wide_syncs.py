"""Syncs as wide as the API allows: too many of them at once for a transaction's time stop nobody.

The time that a transaction has is shortened here, and so is the number of syncs.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from scheduler_rig import Rig
from tablesync.contracts import FieldMapping, SyncRequested
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.hold_jobs import HoldJobs
from tablesync.scheduler.loops.jitter import Jitter
from tablesync.scheduler.loops.ticker import Ticker
from tablesync.scheduler.settings import NAME
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.test_kit import eventually

pytestmark = pytest.mark.integration

T = TypeVar("T")
FIELDS, WIDE = 490, 100
MAPPING = [
    FieldMapping(source=f"{'property_of_an_integration_' * 4}{n:04}", field_id=f"fld{n:014}")
    for n in range(FIELDS)
]
NAMES = {f"fld{n:014}": f"{'A field of the table, with a name ' * 4}{n}" for n in range(FIELDS)}


class Hurried(UnitsOfWork):
    """Units of work with little time."""

    async def run(self, work: Callable[[UnitOfWork], Awaitable[T]], seconds: float = 0.4) -> T:
        return await super().run(work, seconds)


async def add_wide(rig: Rig, **changes: Any) -> list[Sync]:
    return await rig.add_many(WIDE, mapping=MAPPING, names=NAMES, **changes)


async def late_or_done(tick: Callable[[], Awaitable[float]]) -> None:
    """Tick as a role does, which outlives what was late."""
    try:
        await tick()
    except Exception as error:
        if not is_unavailable(error):
            raise


async def test_more_wide_syncs_than_a_transaction_has_time_for_keep_nobody_waiting(
    rig: Rig,
) -> None:
    wide = await add_wide(rig, due_seconds_ago=30)
    healthy = await rig.add_many(3, due_seconds_ago=1)
    ticker = Ticker(Hurried(rig.database, NAME), rig.store, FullChecks())

    async def all_are_asked_for() -> bool:
        await late_or_done(ticker.tick)
        asked = [each.sync_id for each in await rig.events(SyncRequested)]
        assert len(asked) == len(set(asked)), "each once"
        return {each.id for each in [*wide, *healthy]} == set(asked)

    await eventually(all_are_asked_for, timeout=60)


async def test_a_connection_of_wide_syncs_keeps_no_other_connections_job_waiting(
    rig: Rig,
) -> None:
    wide = await add_wide(rig, due_seconds_ago=-600)
    jobs = HoldJobs(Hurried(rig.database, NAME), rig.store, Jitter(0))
    await rig.lose()

    async def all_are_held() -> bool:
        await late_or_done(jobs.tick)
        return await rig.database["syncs"].count_documents({"holds": []}) == 0

    await eventually(all_are_held, timeout=60)
    assert [len((await rig.sync(each)).holds) for each in wide] == [1] * WIDE
