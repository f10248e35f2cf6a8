"""Upgrade: what is converted otherwise now is read once more, and only what differs is written."""

import pytest
from hostile_hubspot import hostile_runner
from sync_runner_rig import HUBSPOT, Json, Rig, text
from tablesync.contracts import FieldMapping, SyncSpec
from tablesync.sync_runner import store
from tablesync.sync_runner.airtable.cells import read_cell
from tablesync.sync_runner.pipeline.plan import digest

DURATION = {"name": "Took", "type": "duration", "options": {"durationFormat": "h:mm"}}
MILLISECONDS = {
    "name": "took",
    "label": "Took",
    "type": "number",
    "numberDisplayHint": "duration",
}
NAMED = text("Name")


async def timed(rig: Rig, named: Json = NAMED) -> tuple[SyncSpec, str, str]:
    """Make a sync of a duration and a name, and return it with both fields."""
    await rig.at_hubspot("property", object="deals", definition=MILLISECONDS)
    to, (key, took, name) = await rig.new_table(text("Id"), DURATION, named)
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=[
            FieldMapping(source="took", field_id=took),
            FieldMapping(source="dealname", field_id=name),
        ],
    )
    return spec, took, name


async def sized(rig: Rig) -> tuple[SyncSpec, str]:
    """Make a sync of a number into a field of numbers, and return it with the field."""
    definition = {"name": "size", "label": "Size", "type": "number"}
    await rig.at_hubspot("property", object="deals", definition=definition)
    number = {"name": "Size", "type": "number", "options": {"precision": 0}}
    to, (key, size) = await rig.new_table(text("Id"), number)
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=[FieldMapping(source="size", field_id=size)],
    )
    return spec, size


async def listings(rig: Rig) -> int:
    """Return how often Airtable was asked for rows."""
    log = (await rig.sandbox.log(provider="airtable"))["requests"]
    return sum(each["path"].endswith("listRecords") for each in log)


async def make_old(rig: Rig, spec: SyncSpec, cells: dict[str, Json], **sent: str) -> None:
    """Leave checkpoint, states and rows as the version before has stored these cells.

    `sent` are cells that it has sent in another form than Airtable shows.
    """
    own = {"_id": spec.sync_id}
    await rig.database[store.CHECKPOINTS].update_one(own, {"$unset": {"conversions": ""}})
    rows, ids = (
        {each[spec.key.field_id]: each for each in await rig.rows(spec)},
        await rig.row_ids(spec),
    )
    for id_, fields in cells.items():
        await rig.at_table(spec, "edit-row", row=ids[id_], fields=fields)
        state = {"_id": f"{spec.sync_id}/{id_}"}
        told = {each.field_id: rows[id_].get(each.field_id) for each in (spec.key, *spec.mapping)}
        stored = await rig.stored(store.RECORD_STATES, state["_id"])
        digests = {"stored": digest({**told, **fields})} if "stored" in stored else {}
        digests["digest"] = digest({**told, **sent, **fields})
        await rig.database[store.RECORD_STATES].update_one(state, {"$set": digests})


async def by_hand(rig: Rig, spec: SyncSpec, id_: str, fields: Json) -> None:
    """Have somebody change cells of a record's row."""
    await rig.at_table(spec, "edit-row", row=(await rig.row_ids(spec))[id_], fields=fields)


async def test_durations_that_were_milliseconds_are_read_and_written_once_more(rig: Rig) -> None:
    spec, took, _ = await timed(rig)
    ids = [each["id"] for each in await rig.deals()][:2]
    await rig.edit("deals", ids, took="5400000")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {each: {took: 5_400_000} for each in ids})
        upgraded, later = await rig.run(spec), await rig.run(spec)
    assert upgraded["counts"] == {"read": 20, "written": 2, "unchanged": 18, "rejected": 0}
    assert later["counts"]["written"] == 0
    assert [each[took] for each in await rig.rows(spec) if took in each] == [5_400, 5_400]


async def test_only_what_is_converted_otherwise_is_written_into_a_row(rig: Rig) -> None:
    """What else is in it, people may have changed: only a check looks at that."""
    spec, took, name = await timed(rig)
    (edited, other, *_) = ids = [each["id"] for each in await rig.deals()][:3]
    await rig.edit("deals", ids, took="5400000")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {each: {took: 5_400_000} for each in ids})
        await by_hand(rig, spec, edited, {name: "by hand"})
        await rig.edit("deals", [other], dealname="Renamed")
        upgraded, later = await rig.run(spec), await rig.run(spec)
        rows = await rig.rows(spec)
        assert [each[took] for each in rows if took in each] == [5_400] * 3
        assert {each[name] for each in rows} >= {"by hand", "Renamed"}
        check = await rig.check(spec)
    assert upgraded["counts"] == {"read": 20, "written": 3, "unchanged": 17, "rejected": 0}
    assert later["counts"]["written"] == 0
    assert (check["counts"]["written"], check["found"]["altered"]) == (1, 1)
    assert not await rig.differences(spec)


async def test_a_row_that_somebody_has_deleted_is_made_anew_as_a_whole(rig: Rig) -> None:
    spec, took, name = await timed(rig)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", [deal], took="5400000", dealname="Here")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {deal: {took: 5_400_000}})
        await rig.at_table(spec, "delete-rows", rows=[(await rig.row_ids(spec))[deal]])
        upgraded = await rig.run(spec)
    assert upgraded["counts"]["written"] == 1
    assert [each[name] for each in await rig.rows(spec) if took in each] == ["Here"]
    assert not await rig.differences(spec)


async def test_a_conversion_that_a_run_did_not_bring_to_its_end_is_the_next_ones(rig: Rig) -> None:
    await rig.fill(250)
    spec, took, name = await timed(rig)
    ids = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", ids, took="5400000")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {each: {took: 5_400_000} for each in ids})
        await by_hand(rig, spec, ids[-1], {name: "by hand"})
        await rig.at_hubspot("hold-page", object="deals", after_pages=2, action="uninstall")
        interrupted = await rig.run(spec)
        assert interrupted["status"] == "interrupted"
        assert "converted_from" in await rig.checkpoint(spec)
        await rig.auth.reconnect(HUBSPOT)
        await rig.run(spec)
    assert "converted_from" not in await rig.checkpoint(spec)
    rows = await rig.rows(spec)
    assert {each[took] for each in rows} == {5_400}
    assert "by hand" in {each[name] for each in rows}


async def test_a_text_that_airtable_keeps_in_its_own_form_is_not_taken_for_a_persons(
    rig: Rig,
) -> None:
    notes = {"name": "Notes", "type": "richText"}
    spec, took, name = await timed(rig, notes)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", [deal], took="5400000", dealname="*starred*")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {deal: {took: 5_400_000}}, **{name: "*starred*"})
        upgraded, check = await rig.run(spec), await rig.check(spec)
    assert upgraded["counts"]["written"] == 1
    assert (check["counts"]["written"], check["found"]["altered"]) == (0, 0)
    assert [each[took] for each in await rig.rows(spec) if took in each] == [5_400]


async def test_a_sync_without_such_a_conversion_reads_only_what_changed(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await make_old(rig, spec, {})
        upgraded = await rig.run(spec)
    assert (await rig.checkpoint(spec))["conversions"] == ["exact numbers"]
    assert upgraded["counts"]["read"] == 0


async def test_a_number_that_was_rounded_is_rejected_without_reading_everything(rig: Rig) -> None:
    spec, size = await sized(rig)
    long, *_ = ids = [each["id"] for each in await rig.deals()][:3]
    told = dict(zip(ids, ("12345678901234567", "-100000000000000000", "5"), strict=True))
    async with rig.runner():
        await rig.run(spec)
        for id_, text_ in told.items():
            await rig.edit("deals", [id_], size=text_)
        await rig.much_later(spec)
        await make_old(rig, spec, {id_: {size: read_cell(float(told[id_]))} for id_ in ids})
        upgraded = await rig.run(spec)
        rejections = await rig.rejections(upgraded["_id"])
        asked = await listings(rig)
        await rig.run(spec)
    assert upgraded["counts"] == {"read": 2, "written": 0, "unchanged": 1, "rejected": 1}
    assert "'12345678901234567' has more digits than a number keeps" in rejections[long]["reason"]
    assert await listings(rig) == asked == 1, "the table is asked once, and never again"
    assert {each.get(size) for each in await rig.rows(spec)} >= {float(told[long]), -(10**17), 5}


async def test_rounded_numbers_are_found_page_by_page(rig: Rig) -> None:
    await rig.fill(250)
    spec, size = await sized(rig)
    ids = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.edit("deals", ids, size="12345678901234567")
        await rig.much_later(spec)
        await make_old(rig, spec, {each: {size: 1.2345678901234568e16} for each in ids})
        upgraded = await rig.run(spec)
    assert upgraded["counts"] == {"read": 250, "written": 0, "unchanged": 0, "rejected": 250}
    assert "converted_from" not in await rig.checkpoint(spec)


async def test_a_table_that_does_not_tell_its_long_numbers_leaves_them_to_a_check(rig: Rig) -> None:
    spec, size = await sized(rig)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.edit("deals", [deal], size="12345678901234567")
        await rig.much_later(spec)
        await make_old(rig, spec, {deal: {size: 1.2345678901234568e16}})
        odd = {"type": "INVALID_FILTER_BY_FORMULA", "message": "The formula is invalid."}
        await rig.at_airtable(
            "break", status=422, body={"error": odd}, path_contains="listRecords", count=1
        )
        upgraded, check = await rig.run(spec), await rig.check(spec)
    assert (upgraded["status"], upgraded["counts"]["read"]) == ("succeeded", 0)
    assert check["counts"] == {"read": 20, "written": 0, "unchanged": 19, "rejected": 1}


async def signed_late(rig: Rig) -> tuple[SyncSpec, str]:
    """Make a sync of the day on which a deal was signed, late at night by UTC; return its field."""
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
    return spec, signed


async def test_an_account_that_moves_to_another_time_zone_is_read_once_more(rig: Rig) -> None:
    """A moment is another day there."""
    spec, signed = await signed_late(rig)
    async with rig.runner():
        await rig.at_hubspot("time-zone", name="UTC")
        await rig.run(spec)
        await rig.at_hubspot("time-zone", name="Europe/Berlin")
        moved, later = await rig.run(spec), await rig.run(spec)
    assert moved["counts"] == {"read": 20, "written": 1, "unchanged": 19, "rejected": 0}
    assert later["counts"]["written"] == 0
    assert [each[signed] for each in await rig.rows(spec) if signed in each] == ["2026-03-02"]


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("odd", [{}, {"timeZone": None}, {"timeZone": ["Europe/Berlin"]}])
async def test_a_time_zone_that_is_not_told_moves_no_day(
    rig: Rig, odd: Json, times: int | None
) -> None:
    await rig.at_hubspot("time-zone", name="Europe/Berlin")
    spec, signed = await signed_late(rig)
    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        hubspot.edit("/account-info", lambda _: odd, times=times)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 0), row["summary"]
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
