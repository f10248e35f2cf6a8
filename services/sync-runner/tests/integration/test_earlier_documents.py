"""Documents that an earlier version has stored are read, and stored again just as they were.

`earlier_documents.json` was stored by sync-runner at commit b7634d9, before documents had models:
runs of every status, what belongs to them, and the source's records as they were then.
"""

from datetime import UTC
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import json_util
from sync_runner_rig import Json, Rig
from tablesync.contracts import RunStatus, SyncSpec
from tablesync.service_kit.http.pages import PageRequest
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner import store
from tablesync.sync_runner.access.connections import Connection
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.pipeline.checkpoints import Checkpoint
from tablesync.sync_runner.pipeline.columns import Column, cells_of, reads
from tablesync.sync_runner.pipeline.plan import digest, fingerprint
from tablesync.sync_runner.pipeline.record_states import RecordState
from tablesync.sync_runner.pipeline.rejections import Rejection, Rejections
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.sources.hubspot.answers import Record, read_record
from tablesync.sync_runner.sources.hubspot.definitions import (
    OWN_PROPERTIES,
    PropertyAnswer,
    read_property,
)

COLLECTIONS = (
    store.RUNS,
    store.CANCELLATIONS,
    store.CHECKPOINTS,
    store.RECORD_STATES,
    store.REJECTIONS,
    store.CONNECTIONS,
)
Earlier = dict[str, Any]


@pytest.fixture(scope="module")
def earlier() -> Earlier:
    file = Path(__file__).parents[1] / "earlier_documents.json"
    options = json_util.JSONOptions(tz_aware=True)
    found: Earlier = json_util.loads(file.read_text("utf-8"), json_options=options)
    return found


def without(document: Document, *fields: str) -> Document:
    return {name: value for name, value in document.items() if name not in fields}


def test_runs_are_stored_as_they_were(earlier: Earlier) -> None:
    runs = [Run.from_document(each) for each in earlier[store.RUNS]]
    assert {each.status for each in runs} >= set(RunStatus) - {RunStatus.REQUESTED}
    for run, document in zip(runs, earlier[store.RUNS], strict=True):
        assert run.to_document() == without(document, "saved_at")
        assert run.spec.sync_id == run.sync_id


def test_checkpoints_are_stored_as_they_were_byte_for_byte(earlier: Earlier) -> None:
    checkpoints = [Checkpoint.from_document(each) for each in earlier[store.CHECKPOINTS]]
    assert {each.current is None for each in checkpoints} == {True, False}
    for checkpoint, document in zip(checkpoints, earlier[store.CHECKPOINTS], strict=True):
        assert bson.encode(checkpoint.to_document()) == bson.encode(document)


def test_record_states_are_stored_as_they_were(earlier: Earlier) -> None:
    states = [RecordState.from_document(each) for each in earlier[store.RECORD_STATES]]
    assert {each.rejected for each in states} == {True, False}
    assert {each.key is None for each in states} == {True, False}
    for state, document in zip(states, earlier[store.RECORD_STATES], strict=True):
        assert state.to_document(document["sync_id"]) == document


def test_rejections_are_stored_as_they_were(earlier: Earlier) -> None:
    runs = {each["_id"]: Run.from_document(each) for each in earlier[store.RUNS]}
    for document in earlier[store.REJECTIONS]:
        rejection, run = Rejection.from_document(document), runs[document["run_id"]]
        assert rejection.to_document(run, document["at"]) == without(document, "_id")


def test_connections_are_stored_as_they_were(earlier: Earlier) -> None:
    for document in earlier[store.CONNECTIONS]:
        shown = Connection.from_document(document).to_document()
        assert shown == without(document, "stopped_version")


def columns_of(spec: SyncSpec, properties: Json, fields: Json) -> list[Column]:
    told = [PropertyAnswer.model_validate(each) for each in properties.values()]
    known = {
        each.name: each for each in (*OWN_PROPERTIES, *(read_property(it, UTC) for it in told))
    }
    mapped = (spec.key, *spec.mapping)
    return [Column(known[each.source], Field(**fields[each.field_id])) for each in mapped]


async def test_what_was_written_then_counts_as_unchanged_now(rig: Rig, earlier: Earlier) -> None:
    states = {each["source_id"]: each for each in earlier[store.RECORD_STATES]}
    deals = next(each for each in earlier[store.RUNS] if each["spec"]["name"] == "Deals")
    spec = Run.from_document(deals).spec
    assert len(earlier["source_records"]) >= 3
    columns = columns_of(spec, await rig.properties("deals"), earlier["fields"])
    for id_, properties in earlier["source_records"].items():
        record = read_record(Record.of({"id": id_, "properties": properties}), reads(columns))
        assert digest(cells_of(record.values, columns)) == states[id_]["digest"]


def test_no_mapping_needs_a_full_pass_for_having_been_read_anew(earlier: Earlier) -> None:
    specs = {each["sync_id"]: Run.from_document(each).spec for each in earlier[store.RUNS]}
    for document in earlier[store.CHECKPOINTS]:
        assert fingerprint(specs[document["_id"]]) == document["fingerprint"]


async def test_an_earlier_queue_is_worked_on(rig: Rig, earlier: Earlier) -> None:
    for name in COLLECTIONS:
        await rig.database[name].delete_many({})
        await rig.database[name].insert_many(earlier[name])
    by_status = {each["status"]: each["_id"] for each in earlier[store.RUNS]}
    queue = RunQueue(rig.database, 30, 10)
    claimed = [await queue.claim() for _ in range(3)]
    found = [(run.id, run.distrusted, run.spec.sync_id) for run, _ in filter(None, claimed)]
    assert [(id_, distrusted) for id_, distrusted, _ in found] == [
        (by_status["running"], True),
        (by_status["queued"], False),
    ]
    stored = (await store.Runs(rig.database).find_all(list(by_status.values()))).items
    assert {each.id for each in stored} == set(by_status.values())
    rejected = await Rejections(rig.database).page(by_status["succeeded"], PageRequest(10))
    assert rejected.items


async def test_a_spec_that_cannot_be_read_fails_its_own_run_alone(rig: Rig) -> None:
    spec = await rig.spec("deals")
    newer, unreadable = await rig.enqueue(spec), await rig.enqueue(await rig.spec("contacts"))
    await rig.database[store.RUNS].update_one(
        {"_id": unreadable}, {"$set": {"spec.source.provider": "of next year"}}
    )
    async with rig.runner(runner_workers=1):
        failed, succeeded = await rig.ended(unreadable), await rig.ended(newer)
    assert (failed["status"], failed["cause"]) == ("failed", "internal")
    assert await rig.events(unreadable) == ["failed"]
    assert succeeded["status"] == "succeeded"


async def test_a_run_that_cannot_be_read_stops_nobody_elses(rig: Rig) -> None:
    unreadable = await rig.enqueue(await rig.spec("contacts"))
    readable = await rig.enqueue(await rig.spec("deals"))
    await rig.database[store.RUNS].update_one(
        {"_id": unreadable}, {"$set": {"trigger": "of next year"}}
    )
    async with rig.runner(runner_workers=1):
        assert (await rig.ended(readable))["status"] == "succeeded"
    assert (await rig.row(unreadable))["ended_at"] is None
