"""Upgrade: what is converted otherwise now is read once more, and only what differs is written."""

from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, SyncSpec
from tablesync.sync_runner import store
from tablesync.sync_runner.pipeline.plan import digest

DURATION = {"name": "Took", "type": "duration", "options": {"durationFormat": "h:mm"}}
MILLISECONDS = {
    "name": "took",
    "label": "Took",
    "type": "number",
    "numberDisplayHint": "duration",
}


async def timed(rig: Rig) -> tuple[SyncSpec, str]:
    """Make a sync of a duration, and return it with the duration's field."""
    await rig.at_hubspot("property", object="deals", definition=MILLISECONDS)
    to, (key, took) = await rig.new_table(text("Id"), DURATION)
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=[FieldMapping(source="took", field_id=took)],
    )
    return spec, took


async def make_old(rig: Rig, spec: SyncSpec, cells: dict[str, Json]) -> None:
    """Leave checkpoint, states and rows as the version before has stored these cells."""
    own = {"_id": spec.sync_id}
    await rig.database[store.CHECKPOINTS].update_one(own, {"$unset": {"conversions": ""}})
    rows = await rig.row_ids(spec)
    for id_, fields in cells.items():
        await rig.at_table(spec, "edit-row", row=rows[id_], fields=fields)
        state = {"_id": f"{spec.sync_id}/{id_}"}
        old = digest({spec.key.field_id: id_, **fields})
        await rig.database[store.RECORD_STATES].update_one(state, {"$set": {"digest": old}})


async def test_durations_that_were_milliseconds_are_read_and_written_once_more(rig: Rig) -> None:
    spec, took = await timed(rig)
    ids = [each["id"] for each in await rig.deals()][:2]
    await rig.edit("deals", ids, took="5400000")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {each: {took: 5_400_000} for each in ids})
        upgraded, later = await rig.run(spec), await rig.run(spec)
    assert upgraded["counts"] == {"read": 20, "written": 2, "unchanged": 18, "rejected": 0}
    assert later["counts"]["written"] == 0
    assert [each[took] for each in await rig.rows(spec) if took in each] == [5_400, 5_400]


async def test_a_sync_without_such_a_conversion_reads_only_what_changed(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {})
        upgraded = await rig.run(spec)
    assert "conversions" not in await rig.checkpoint(spec)
    assert upgraded["counts"]["read"] == 0


async def test_an_account_that_moves_to_another_time_zone_is_read_once_more(rig: Rig) -> None:
    """A moment is another day there."""
    definition = {"name": "signed", "label": "Signed", "type": "datetime"}
    await rig.at_hubspot("property", object="deals", definition=definition)
    day = {"name": "Signed", "type": "date", "options": {"dateFormat": {"name": "iso"}}}
    to, (key, signed) = await rig.new_table(text("Id"), day)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", [deal], signed="2026-03-01T23:30:00Z")
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=[FieldMapping(source="signed", field_id=signed)],
    )
    async with rig.runner():
        await rig.at_hubspot("time-zone", name="UTC")
        await rig.run(spec)
        await rig.at_hubspot("time-zone", name="Europe/Berlin")
        moved, later = await rig.run(spec), await rig.run(spec)
    assert moved["counts"] == {"read": 20, "written": 1, "unchanged": 19, "rejected": 0}
    assert later["counts"]["written"] == 0
    assert [each[signed] for each in await rig.rows(spec) if signed in each] == ["2026-03-02"]


async def test_what_the_version_before_wrote_of_numbers_and_days_as_text_is_right_today(
    rig: Rig,
) -> None:
    for name, type_ in (("size", "number"), ("signed", "string")):
        definition = {"name": name, "label": name, "type": type_}
        await rig.at_hubspot("property", object="deals", definition=definition)
    day = {"name": "Signed", "type": "date", "options": {"dateFormat": {"name": "iso"}}}
    to, (key, size, signed) = await rig.new_table(text("Id"), text("Size"), day)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", [deal], size="007.5", signed="2026-03-01T03:30:00Z")
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=[
            FieldMapping(source="size", field_id=size),
            FieldMapping(source="signed", field_id=signed),
        ],
    )
    await rig.at_hubspot("time-zone", name="America/New_York")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {deal: {size: "007.5", signed: "2026-03-01"}})
        row = await rig.check(spec)
    assert row["counts"] == {"read": 20, "written": 0, "unchanged": 20, "rejected": 0}
    assert row["summary"] == "Checked 20 records: every row was as it should be."
