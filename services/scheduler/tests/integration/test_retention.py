"""Retention: history expires, what is open never does, and the ledger balances all the same."""

from datetime import timedelta

import httpx
import pytest
from scheduler_http import Json, create_sync
from scheduler_rig import Rig
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import expiries
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.test_kit import eventually
from tablesync.test_kit.rhythm import PATIENCE_SECONDS

pytestmark = pytest.mark.integration

LONG = timedelta(days=100).total_seconds()


async def live(rig: Rig, sync: Sync) -> Run:
    """Have a run, a gap and its catch-up, each ended; return a run that is under way."""
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.succeed(run)
    await rig.hold()
    await rig.pass_time(130)
    await rig.release()
    (catch_up,) = await rig.catch_ups(sync)
    await rig.succeed(catch_up)
    await rig.pass_time(70)
    await rig.ticker.tick()
    *_, under_way = await rig.runs(sync)
    await rig.start(under_way)
    return under_way


async def test_p10_the_ledger_balances_when_runs_and_gaps_have_expired(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=60))
    under_way = await live(rig, sync)
    await rig.pass_time(LONG)
    closed = {"$subtract": ["$gap.to", round(LONG * 1000)]}
    await rig.database["gaps"].update_many({}, [{"$set": {"gap.to": closed}}])
    await rig.hold()

    async def only_what_is_open_is_left() -> bool:
        return [run.id for run in await rig.runs(sync)] == [under_way.id] and (
            (await rig.store.gaps.all_of(sync.id)).items == []
        )

    await ensure_indexes(rig.database, expiries(runs_days=90, gaps_days=90))
    await eventually(only_what_is_open_is_left, timeout=PATIENCE_SECONDS)
    shown = await rig.ledger(sync)
    assert shown.balanced
    assert shown.due > LONG / 60
    assert (shown.run, shown.held) == (2, shown.due - shown.run - shown.coalesced)
    assert [gap.to for gap in shown.gaps] == [None], "the open gap is there"


async def test_the_history_of_a_deleted_sync_is_shown_until_it_expires(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    sync = await create_sync(api, body)
    path = f"/v1/syncs/{sync['id']}"
    run_id = (await api.post(f"{path}/run")).json()["run_id"]
    assert (await api.delete(path)).status_code == 204
    await rig.fail(await rig.run(run_id))
    (run,) = (await api.get("/v1/runs", params={"sync_id": sync["id"]})).json()["items"]
    assert (run["id"], run["status"]) == (run_id, "failed")
    assert (await api.get(f"/v1/runs/{run_id}")).json() == run
    assert (await api.get(f"{path}/ledger")).status_code == 404
