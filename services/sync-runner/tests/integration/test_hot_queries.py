"""What sync-runner asks beside its stories: deletions, reconciliation, pages of rejections."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest
from inquirer import tried
from sync_runner_rig import HUBSPOT, Rig
from tablesync.contracts import SyncSpec
from tablesync.contracts.public_api.catalog import NewDryRun
from tablesync.service_kit.http.pages import PageRequest
from tablesync.sync_runner import store
from tablesync.sync_runner.inquiries.dry_runs import DryRuns, Effect, Status
from tablesync.sync_runner.pipeline.record_states import RecordState, RecordStates
from tablesync.sync_runner.pipeline.rejections import Rejections
from tablesync.test_kit import eventually
from tablesync.test_kit.query_plans import QueryPlans

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


async def some_runs(rig: Rig) -> tuple[SyncSpec, str]:
    """Have a sync with a run that has ended and one that waits, beside another's that wait."""
    spec = await rig.spec("deals")
    async with rig.runner("worker"):
        await rig.run(spec)
    await rig.enqueue(await rig.spec("companies"))
    run_id = await rig.enqueue(spec)
    row = {"run_id": run_id, "sync_id": spec.sync_id, "reason": "it is odd", "field": None}
    rows = [{**row, "source_id": each, "at": datetime.now(UTC)} for each in "ab"]
    await rig.database[store.REJECTIONS].insert_many(rows)
    return spec, run_id


async def work(rig: Rig, spec: SyncSpec, run_id: str) -> None:
    """Do what is done now and then, or because somebody asks."""
    states = RecordStates(rig.database, spec.sync_id)
    await states.holders(['"a"', '"b"'])
    await states.last_write("1")
    await states.neighbours(RecordState("1", None, "rec1", key='"a"'), 5)
    rejections, at = Rejections(rig.database), PageRequest(1)
    first = await rejections.page(run_id, at)
    await rejections.page(run_id, PageRequest(1, first.next_cursor))
    await rejections.last_of(spec.sync_id, "a")
    await store.Runs(rig.database).find_all([run_id])
    await store.Runs(rig.database).newest_of(spec.sync_id)
    await ask_for_dry_runs(rig, spec)
    deleted = store.DeletedSyncs(rig.database)
    await rig.units.run(
        partial(deleted.remember, sync_id=spec.sync_id, workspace_id=spec.workspace_id)
    )
    async with rig.runner("ticker"):
        await eventually(lambda: has_ticked(rig, spec))


async def ask_for_dry_runs(rig: Rig, spec: SyncSpec) -> None:
    """Have dry runs that wait, that end, and that a worker takes."""
    dry_runs, asked = DryRuns(rig.database), NewDryRun.model_validate(tried(spec))
    for id_ in ("dry_1", "dry_2"):
        await rig.units.run(
            partial(dry_runs.add, id_=id_, workspace_id=spec.workspace_id, asked=asked)
        )
    await rig.units.run(partial(dry_runs.cancel, workspace_id=spec.workspace_id, id_="dry_2"))
    assert await dry_runs.open_of(spec.workspace_id) == 1
    await dry_runs.find(spec.workspace_id, "dry_2")
    await dry_runs.seconds_until_due()
    job = await dry_runs.claim()
    assert job is not None
    assert await dry_runs.save(job, Effect()) is False
    await dry_runs.end(job, Status.DONE, "Nothing would be written.", Effect())


async def has_ticked(rig: Rig, spec: SyncSpec) -> bool:
    """Whether the sync was forgotten, and connections were asked about."""
    row = await rig.database[store.DELETED_SYNCS].find_one({"_id": spec.sync_id})
    known = await rig.database[store.CONNECTIONS].find_one({"_id": HUBSPOT})
    return bool(row and "forgotten_at" in row and known)


async def test_no_query_reads_or_sorts_many_for_few(
    rig: Rig, mongodb_uri: str, database_prefix: str
) -> None:
    spec, run_id = await some_runs(rig)
    with QueryPlans(mongodb_uri, database_prefix) as plans:
        await work(rig, spec, run_id)
        asked = await asyncio.to_thread(plans.asked)
        faults = await asyncio.to_thread(plans.faults, asked)
    places = {each.place for each in asked}
    names = ("runs", "deleted_syncs", "record_states", "rejections", "connections", "dry_runs")
    assert places >= {f"runner.{each}" for each in names}
    assert not faults, "\n".join(faults)
