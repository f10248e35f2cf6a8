"""P28: a check of everything that is killed in any of its parts goes on, and mends no less."""

import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sync_runner_rig import Rig
from tablesync.contracts import FieldMapping, Provider, SyncSpec, Trigger
from tablesync.sync_runner import store
from tablesync.test_kit import eventually

TOTAL, GONE = 700, 250
LEASE = 4
MARK = {
    "name": "Deleted at source",
    "type": "checkbox",
    "options": {"icon": "check", "color": "redBright"},
}
Look = Callable[[Rig, SyncSpec], Awaitable[bool]]
pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("taken_over_soon")]


async def comparing_rows(rig: Rig, spec: SyncSpec) -> bool:
    check = (await rig.checkpoint(spec)).get("check")
    return bool(check and check["offset"] and not check["rows_compared"])


async def reading_the_source(rig: Rig, spec: SyncSpec) -> bool:
    checkpoint = await rig.checkpoint(spec)
    check, current = checkpoint.get("check"), checkpoint["current"]
    return bool(check and check["rows_compared"] and current["position"]["after"])


async def marking_what_is_gone(rig: Rig, spec: SyncSpec) -> bool:
    query = {"sync_id": spec.sync_id, "gone": {"$exists": True}}
    return await rig.database[store.RECORD_STATES].count_documents(query) >= 20


async def marked(rig: Rig, total: int) -> tuple[SyncSpec, str]:
    """Make a sync of so many contacts that marks what is gone, and return it with the mark."""
    await rig.fill(total, "contacts")
    spec = await rig.spec("contacts")
    field = (await rig.at_table(spec, "add-field", field=MARK))["id"]
    mapped = FieldMapping(source="archived", field_id=field)
    return await rig.spec("contacts", mapping=(*spec.mapping, mapped)), field


@pytest.mark.parametrize(
    ("look", "how"),
    [
        (comparing_rows, signal.SIGKILL),
        (reading_the_source, signal.SIGKILL),
        (marking_what_is_gone, signal.SIGKILL),
        (marking_what_is_gone, signal.SIGTERM),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
async def test_p28_a_check_that_is_killed_goes_on_elsewhere(
    rig: Rig, look: Look, how: signal.Signals
) -> None:
    spec, field = await marked(rig, TOTAL)
    name = next(each.field_id for each in spec.mapping if each.source == "firstname")
    async with rig.runner():
        await rig.run(spec)
    rows = await rig.row_ids(spec)
    ids = list(rows)
    gone, deleted, edited = ids[:GONE], ids[GONE:-2], ids[-2:]
    await rig.at_hubspot("purge", object="contacts", ids=gone)
    await rig.at_table(spec, "delete-rows", rows=[rows[each] for each in deleted[-50:]])
    for each in edited:
        await rig.at_table(spec, "edit-row", row=rows[each], fields={name: "by hand"})
    before: Any = await rig.counters(Provider.AIRTABLE)

    run_id = await rig.enqueue(spec, Trigger.MANUAL, check=True)
    for provider in (Provider.AIRTABLE, Provider.HUBSPOT):
        await rig.slow_down(provider, 200)
    process = rig.process(RUNNER_LEASE_SECONDS=str(LEASE), RUNNER_WRITES_IN_FLIGHT="1")
    await eventually(lambda: look(rig, spec), timeout=120)
    process.send_signal(how)
    await eventually(lambda: process.returncode is not None, timeout=30)
    for provider in (Provider.AIRTABLE, Provider.HUBSPOT):
        await rig.slow_down(provider, 0)
    lost = await rig.row(run_id)
    async with rig.runner():
        row = await rig.ended(run_id, timeout=120)

    assert (row["status"], row["fence"]) == ("succeeded", lost["fence"] + 1), row["summary"]
    assert row["found"]["gone"] == GONE
    assert row["found"]["altered"] == 2
    assert row["found"]["missing"] == 50
    after = await rig.counters(Provider.AIRTABLE)
    assert after["records_created"] - before["records_created"] == 50
    # What was on its way when the worker died may be sent once more.
    assert after["records_updated"] - before["records_updated"] <= GONE + 2 + 10
    assert after["duplicates"] == 0
    found = await rig.rows(spec)
    assert {each[spec.key.field_id] for each in found if each.get(field)} == set(gone)
    assert sorted((await rig.differences(spec)).unexpected) == sorted(gone)
    assert not (await rig.differences(spec)).unequal
    assert not (await rig.differences(spec)).missing


async def test_p28_what_waits_to_be_marked_when_its_worker_stops_is_marked_by_the_next(
    rig: Rig,
) -> None:
    spec, field = await marked(rig, 120)
    async with rig.runner():
        await rig.run(spec)
    gone = list(await rig.row_ids(spec))[:100]
    await rig.at_hubspot("purge", object="contacts", ids=gone)
    run_id = await rig.enqueue(spec, Trigger.MANUAL, check=True)
    process = rig.process(RUNNER_AIRTABLE_BASE_PER_SECOND="1", RUNNER_WRITES_IN_FLIGHT="4")
    await eventually(lambda: marking_what_is_gone(rig, spec), timeout=120)
    process.send_signal(signal.SIGTERM)
    await eventually(lambda: process.returncode is not None, timeout=30)
    async with rig.runner():
        row = await rig.ended(run_id)
    assert row["found"]["gone"] == len(gone)
    rows = await rig.rows(spec)
    assert {each[spec.key.field_id] for each in rows if each.get(field)} == set(gone)
