"""A used-up quota holds a sync until it is refilled, and no run tries in vain meanwhile."""

from datetime import timedelta

import httpx
import pytest
from scheduler_examples import HUBSPOT
from scheduler_rig import Rig
from tablesync.contracts import HoldKind, RunFailureCause, RunStatus, SyncReleased, SyncStatus
from tablesync.scheduler.domain.holds import QUOTA_AT_MOST, QUOTA_MARGIN, QUOTA_UNKNOWN
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import OVERDUE_SECONDS, Reconciliation
from tablesync.test_kit.stand_ins import SyncRunnerStandIn, run_state

pytestmark = pytest.mark.integration

USED_UP = "HubSpot answered 429: You have reached your daily limit."


async def used_up(rig: Rig, hours: float | None = None) -> tuple[Sync, Run]:
    """Have a run of a new sync fail for a quota that is refilled in so many hours."""
    sync, run = await rig.requested()
    retry_at = None if hours is None else await rig.now() + timedelta(hours=hours)
    about = {"connection_id": HUBSPOT, "summary": USED_UP, "retry_at": retry_at}
    await rig.fail(run, RunFailureCause.QUOTA, **about)
    return sync, run


async def test_a_daily_limit_holds_the_sync_until_it_is_refilled(rig: Rig) -> None:
    sync, _ = await used_up(rig, hours=5)
    await rig.pass_time(3 * 3600)
    await rig.ticker.tick()
    assert len(await rig.requests(sync)) == 1
    hold = await rig.hold_of(sync)
    assert (hold.kind, hold.connection_id, hold.cause) == (HoldKind.QUOTA, HUBSPOT, USED_UP)
    assert hold.until
    assert (await rig.ledger(sync)).held == 4


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (5, timedelta(hours=5)),
        (20 * 24, QUOTA_AT_MOST),
        (-1, timedelta(0)),
        (None, QUOTA_UNKNOWN),
    ],
)
async def test_a_quota_is_looked_at_when_it_is_refilled_and_once_a_day_at_most(
    rig: Rig, hours: float | None, expected: timedelta
) -> None:
    began = await rig.now()
    sync, _ = await used_up(rig, hours)
    early, late = began + expected + QUOTA_MARGIN, await rig.now() + expected + QUOTA_MARGIN
    slack = timedelta(milliseconds=1)
    assert early - slack <= await rig.recheck_at(sync) <= late + slack


async def test_a_refilled_quota_releases_the_sync_with_one_catch_up(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn
) -> None:
    sync, _ = await used_up(rig, hours=5)
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert (await rig.sync(sync)).status is SyncStatus.HELD
    assert await rig.recheck_at(sync) > await rig.now() + timedelta(hours=4)

    past = await rig.now() - timedelta(days=2)
    ago = {"holds.0.until": past, "holds.0.since": past}
    await rig.database["syncs"].update_one({"_id": sync.id}, {"$set": ago})
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert (await rig.sync(sync)).status is SyncStatus.ACTIVE
    assert len(await rig.catch_ups(sync)) == 1
    (released,) = await rig.events(SyncReleased)
    assert released.hold.kind is HoldKind.QUOTA
    assert sync_runner.times("/catalog") == 0, "no catalogue knows of quotas"
    assert (await rig.ledger(sync)).balanced


async def test_neither_a_reconnect_nor_a_good_look_refills_a_quota(
    rig: Rig, rechecks: Rechecks
) -> None:
    sync, _ = await used_up(rig, hours=5)
    before = await rig.recheck_at(sync)
    await rig.hold()
    await rig.release()
    await rechecks.tick()
    assert (await rig.hold_of(sync)).kind is HoldKind.QUOTA
    assert await rig.recheck_at(sync) == before


async def test_a_used_up_quota_whose_event_was_lost_is_asked_for(
    rig: Rig, reconciliation: Reconciliation, sync_runner: SyncRunnerStandIn
) -> None:
    sync, run = await rig.requested()
    await rig.pass_time(OVERDUE_SECONDS + 1)
    now = await rig.now()
    about = run.model_dump(include={"sync_id", "workspace_id", "trigger"})
    sync_runner.runs[run.id] = run_state(
        run.id,
        **about,
        status=RunStatus.FAILED,
        cause=RunFailureCause.QUOTA,
        ended_at=now,
        retry_at=now + timedelta(hours=7),
    )
    await reconciliation.runs()
    assert (await rig.hold_of(sync)).until


async def test_sync_now_says_that_a_quota_is_used_up(rig: Rig, api: httpx.AsyncClient) -> None:
    sync, _ = await used_up(rig, hours=5)
    refused = await api.post(f"/v1/syncs/{sync.id}/run")
    assert refused.status_code == 409
    assert f"quota: {USED_UP}" in refused.json()["detail"]
    assert "once the provider’s quota is refilled" in refused.json()["detail"]
    assert refused.json()["hold"]["until"]
