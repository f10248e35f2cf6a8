"""P28: what no pass over changes can see is found and mended by a check of everything."""

import json
import time
from typing import Any

import pytest
from sync_runner_rig import HUBSPOT, Rig, text
from tablesync.contracts import ConnectionStatus, FieldMapping, Provider, SyncSpec
from tablesync.sync_runner import store
from tablesync.test_kit import eventually

Json = dict[str, Any]
CHECKBOX = {"icon": "check", "color": "redBright"}
MARK = {"name": "Deleted at source", "type": "checkbox", "options": CHECKBOX}
NOTHING = {"checked": 20, "missing": 0, "altered": 0, "outdated": 0, "gone": 0, "returned": 0}


async def written(rig: Rig) -> int:
    """Return how many rows Airtable has created or updated."""
    counters = await rig.counters(Provider.AIRTABLE)
    return int(counters["records_created"] + counters["records_updated"])


async def marking(rig: Rig, object_: str = "deals", **changes: Any) -> tuple[SyncSpec, str]:
    """Make a sync that marks what is gone; return it with the field that tells so."""
    spec = await rig.spec(object_, **changes)
    field = (await rig.at_table(spec, "add-field", field=MARK))["id"]
    mapped = FieldMapping(source="archived", field_id=field)
    return await rig.spec(object_, **{**changes, "mapping": (*spec.mapping, mapped)}), field


async def by_email(rig: Rig) -> tuple[SyncSpec, str]:
    """Make a sync of contacts keyed by e-mail that marks what is gone."""
    to, (mail, name, mark) = await rig.new_table(text("Email"), text("First name"), MARK)
    spec = await rig.spec(
        "contacts",
        destination=to,
        key=FieldMapping(source="email", field_id=mail),
        mapping=[
            FieldMapping(source="firstname", field_id=name),
            FieldMapping(source="archived", field_id=mark),
        ],
    )
    return spec, mark


async def keyed_people(rig: Rig, key: str) -> tuple[SyncSpec, list[str]]:
    """Make a sync of four contacts by `email` or `id`; return it with their keys."""
    spec, _ = await by_email(rig)
    there = [each["id"] for each in await rig.hubspot_records("contacts")]
    await rig.at_hubspot("purge", object="contacts", ids=there)
    names = ("ann", "ben", "cleo", "dan")
    made = [{"email": f"{name}@acme.test", "firstname": name} for name in names]
    ids = (await rig.at_hubspot("create", object="contacts", records=made))["created"]
    if key == "email":
        return spec, [each["email"] for each in made]
    mapped = FieldMapping(source="id", field_id=spec.key.field_id)
    return spec.model_copy(update={"key": mapped}), ids


def edited(spec: SyncSpec, *mapping: FieldMapping) -> SyncSpec:
    """Return a sync with another mapping."""
    return spec.model_copy(update={"version": spec.version + 1, "mapping": mapping})


async def marked(rig: Rig, spec: SyncSpec, field: str) -> set[str]:
    """Return the keys of the rows that are marked as gone."""
    return {each[spec.key.field_id] for each in await rig.rows(spec) if each.get(field)}


async def marked_without_key(rig: Rig, spec: SyncSpec, field: str) -> int:
    """Return how many rows without a key are marked as gone."""
    key = spec.key.field_id
    return sum(key not in each for each in await rig.rows(spec) if each.get(field))


async def test_p28_rows_deleted_and_changed_by_hand_are_as_the_source_has_them_again(
    rig: Rig,
) -> None:
    spec = await rig.spec("deals")
    note = (await rig.at_table(spec, "add-field", field=text("Ours")))["id"]
    name = next(each.field_id for each in spec.mapping if each.source == "dealname")
    async with rig.runner():
        await rig.run(spec)
        rows = await rig.row_ids(spec)
        ids = list(rows)
        await rig.at_table(spec, "delete-rows", rows=[rows[each] for each in ids[:3]])
        for each in ids[3:5]:
            edits = {name: "by hand", note: "our own note"}
            await rig.at_table(spec, "edit-row", row=rows[each], fields=edits)
        await rig.at_hubspot("purge", object="deals", ids=ids[5:6])
        unseen = await rig.run(spec)
        before = await written(rig)
        row = await rig.check(spec)
    assert unseen["counts"]["written"] == 0, "a pass over changes sees nothing of it"
    assert row["found"] == NOTHING | {"missing": 3, "altered": 2, "gone": 1}
    assert row["summary"] == (
        "Checked 20 records: 3 rows were missing and written again, "
        "2 were changed by hand and corrected, 1 is gone at the source."
    )
    assert await written(rig) - before == 5
    found = await rig.rows(spec)
    assert len(found) == 20, "no row is ever deleted"
    assert [each[note] for each in found if note in each] == ["our own note"] * 2
    assert (await rig.differences(spec)).unexpected == ids[5:6], "gone, and kept as it was"


async def test_p28_an_emptied_table_is_filled_again(rig: Rig) -> None:
    await rig.fill(130)
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await rig.at_table(spec, "delete-rows")
        assert (await rig.run(spec))["counts"]["written"] == 0
        row = await rig.check(spec)
    assert row["found"]["missing"] == row["found"]["checked"] == 130
    assert not await rig.differences(spec)
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0


async def test_p28_nothing_is_written_for_what_is_equal_and_rows_of_people_are_left_alone(
    rig: Rig,
) -> None:
    await rig.fill(250)
    spec = await rig.spec("deals")
    to, key = spec.destination, spec.key.field_id
    theirs = {"fields": {key: "a row of theirs"}}
    async with rig.runner():
        await rig.run(spec)
        await rig.call(rig.airtable, "POST", f"/v0/{to.base_id}/{to.table_id}", theirs)
        before = await written(rig)
        row = await rig.check(spec)
        again = await rig.check(spec)
    assert row["summary"] == "Checked 250 records: every row was as it should be."
    assert row["found"] == again["found"] == NOTHING | {"checked": 250}
    assert await written(rig) == before
    assert (await rig.differences(spec)).unexpected == ["a row of theirs"]


async def test_p28_a_form_of_its_own_that_airtable_stores_is_no_difference(rig: Rig) -> None:
    """It prints rich text otherwise than it was sent."""
    to, (key, notes) = await rig.new_table(text("Id"), {"name": "Notes", "type": "richText"})
    mapping = [FieldMapping(source="dealname", field_id=notes)]
    key_mapping = FieldMapping(source="id", field_id=key)
    spec = await rig.spec("deals", destination=to, key=key_mapping, mapping=mapping)
    async with rig.runner():
        await rig.run(spec)
        assert all(each[notes].endswith("\n") for each in await rig.rows(spec))
        before = await written(rig)
        row = await rig.check(spec)
        assert row["found"] == NOTHING
        assert await written(rig) == before
        rows = await rig.row_ids(spec)
        await rig.at_table(
            spec, "edit-row", row=next(iter(rows.values())), fields={notes: "by hand"}
        )
        assert (await rig.check(spec))["found"] == NOTHING | {"altered": 1}
        assert (await rig.check(spec))["found"] == NOTHING


async def test_p28_a_change_that_the_index_showed_after_the_overlap_arrives(rig: Rig) -> None:
    spec = await rig.spec("deals")
    (deal, *_) = [each["id"] for each in await rig.deals()]
    async with rig.runner(runner_hubspot_overlap_seconds=1):
        await rig.run(spec)
        await rig.at_hubspot("search-lag", seconds=3_600)
        await rig.edit("deals", [deal], dealname="late")
        edited_at = time.monotonic()
        await eventually(lambda: time.monotonic() - edited_at > 3)  # longer than the overlap
        await rig.run(spec)
        await rig.at_hubspot("search-lag", seconds=0)
        assert (await rig.run(spec))["counts"]["written"] == 0
        row = await rig.check(spec)
    assert row["found"] == NOTHING | {"outdated": 1}
    assert not await rig.differences(spec)


async def test_p28_a_calculated_property_arrives_that_moves_no_date(rig: Rig) -> None:
    spec = await rig.spec("companies")
    ids = [each["id"] for each in await rig.hubspot_records("companies")]
    changes = {"ids": ids[:2], "properties": {"city": "Calculated"}}
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("edit", object="companies", silently=True, **changes)
        assert (await rig.run(spec))["counts"]["written"] == 0
        row = await rig.check(spec)
    assert row["summary"] == "Checked 20 records: 2 were new or had changed at the source."
    assert not await rig.differences(spec)


async def test_p28_merged_and_purged_records_are_marked_and_counted(rig: Rig) -> None:
    spec, mark = await marking(rig)
    ids = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("merge", object="deals", ids=ids[:2])
        await rig.at_hubspot("purge", object="deals", ids=ids[2:3])
        await rig.at_hubspot("archive", object="deals", ids=ids[3:4])
        row = await rig.check(spec)
        before = await written(rig)
        again = await rig.check(spec)
    assert await marked(rig, spec, mark) == set(ids[1:4])
    assert row["found"] == NOTHING | {"outdated": 1, "gone": 3}
    assert again["found"]["gone"] == 0
    assert await written(rig) == before, "what is marked is not marked again"
    states = [await rig.stored("record_states", f"{spec.sync_id}/{each}") for each in ids[1:4]]
    assert [each["gone"] for each in states] == [f"merged into {ids[0]}", "purged", "deleted"]
    assert len(await rig.rows(spec)) == 20


async def test_p28_where_gone_is_not_mapped_it_is_counted_once_and_nothing_is_written(
    rig: Rig,
) -> None:
    spec = await rig.spec("deals")
    ids = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        before = await written(rig)
        await rig.at_hubspot("archive", object="deals", ids=ids[:2])
        first, second = await rig.check(spec), await rig.check(spec)
        await rig.at_hubspot("restore", object="deals", ids=ids[:1])
        third = await rig.check(spec)
    assert first["summary"] == "Checked 20 records: 2 are gone at the source."
    assert second["found"]["gone"] == 0
    assert third["summary"] == "Checked 19 records: 1 is back at the source."
    assert await written(rig) == before


async def test_p28_what_is_back_without_a_new_date_is_unmarked(rig: Rig) -> None:
    spec, mark = await marking(rig)
    ids = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("archive", object="deals", ids=ids[:2])
        await rig.run(spec)
        assert await marked(rig, spec, mark) == set(ids[:2])
        await rig.at_hubspot("restore", object="deals", ids=ids[:1])
        assert (await rig.run(spec))["counts"]["written"] == 0
        row = await rig.check(spec)
    assert await marked(rig, spec, mark) == {ids[1]}
    assert row["found"]["returned"] == 1


async def test_p28_what_is_deleted_with_an_odd_value_or_no_key_is_marked_all_the_same(
    rig: Rig,
) -> None:
    deals, mark = await marking(rig)
    contacts, contacts_mark = await by_email(rig)
    (odd, *_) = [each["id"] for each in await rig.deals()]
    made = [{"email": "a@acme.test"}, {"email": "b@acme.test"}]
    ids = await rig.at_hubspot("create", object="contacts", records=made)
    giver, taker = ids["created"]
    async with rig.runner():
        await rig.run(deals)
        await rig.run(contacts)
        await rig.edit("deals", [odd], amount="12E34567890")
        await rig.edit("contacts", [giver], email="")
        await rig.edit("contacts", [taker], email="a@acme.test")
        assert odd in await rig.rejections((await rig.run(deals))["_id"])
        assert giver in await rig.rejections((await rig.run(contacts))["_id"])
        await rig.at_hubspot("archive", object="deals", ids=[odd])
        await rig.at_hubspot("archive", object="contacts", ids=[giver])
        runs = [await rig.run(deals), await rig.run(contacts)]
        checks = [await rig.check(deals), await rig.check(contacts)]
    for each in (*runs, *checks):
        assert {odd, giver}.isdisjoint(await rig.rejections(each["_id"]))
    assert await marked(rig, deals, mark) == {odd}
    assert await marked_without_key(rig, contacts, contacts_mark) == 1


async def test_p28_a_mark_taken_away_by_hand_is_set_again(rig: Rig) -> None:
    spec, mark = await marking(rig)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("purge", object="deals", ids=[deal])
        await rig.check(spec)
        row_id = (await rig.row_ids(spec))[deal]
        await rig.at_table(spec, "edit-row", row=row_id, fields={mark: None})
        row = await rig.check(spec)
    assert await marked(rig, spec, mark) == {deal}
    assert row["found"]["altered"] == 1
    assert row["found"]["gone"] == 0


async def test_p28_a_gone_record_whose_row_was_deleted_gets_none(rig: Rig) -> None:
    spec, _ = await marking(rig)
    (deal, *_) = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("purge", object="deals", ids=[deal])
        await rig.at_table(spec, "delete-rows", rows=[(await rig.row_ids(spec))[deal]])
        row = await rig.check(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert len(await rig.rows(spec)) == 19
    assert row["found"]["missing"] == 0


@pytest.mark.parametrize("key", ["email", "id"])
@pytest.mark.parametrize("how", ["given", "copied", "swapped"])
async def test_p28_rows_that_got_others_keys_by_hand_have_their_own_again(
    rig: Rig, key: str, how: str
) -> None:
    spec, people = await keyed_people(rig, key)
    field = spec.key.field_id
    async with rig.runner():
        await rig.run(spec)
        rows = await rig.row_ids(spec)
        (ann, ben, *_) = people
        await rig.at_table(spec, "edit-row", row=rows[ben], fields={field: ann})
        if how == "given":
            await rig.at_table(spec, "delete-rows", rows=[rows[ann]])
        elif how == "swapped":
            await rig.at_table(spec, "edit-row", row=rows[ann], fields={field: ben})
        row = await rig.check(spec)
        assert not await rig.differences(spec)
        again = await rig.check(spec)
    found = {"given": {"missing": 1, "altered": 1}, "copied": {"altered": 1}}
    nothing = NOTHING | {"checked": len(people)}
    assert row["found"] == nothing | found.get(how, {"altered": 2})
    assert again["found"] == nothing
    now = await rig.row_ids(spec)
    assert now | {ann: rows[ann]} == rows, "each keeps its row but who had none"


async def test_p28_of_two_records_that_are_said_to_have_one_row_each_has_its_own_again(
    rig: Rig,
) -> None:
    """The one took the other's row for its own while that was being written."""
    spec, (ann, ben, *_) = await keyed_people(rig, "email")
    async with rig.runner():
        await rig.run(spec)
        rows = await rig.row_ids(spec)
        await rig.at_table(spec, "delete-rows", rows=[rows[ann]])
        await rig.database[store.RECORD_STATES].update_one(
            {"sync_id": spec.sync_id, "row_id": rows[ann]}, {"$set": {"row_id": rows[ben]}}
        )
        await rig.check(spec)
        assert not await rig.differences(spec)
    assert (await rig.row_ids(spec))[ben] == rows[ben]


async def test_p28_a_merge_into_a_new_record_gives_it_the_row_and_marks_the_other(
    rig: Rig,
) -> None:
    spec, mark = await by_email(rig)
    people = [{"email": f"{name}@acme.test", "firstname": name} for name in ("ann", "ben")]
    created = await rig.at_hubspot("create", object="contacts", records=people)
    async with rig.runner():
        await rig.run(spec)
        rows = await rig.row_ids(spec)
        merge = {"object": "contacts", "ids": created["created"], "into_new": True}
        survivor = (await rig.at_hubspot("merge", **merge))["id"]
        row = await rig.check(spec)
    assert row["found"]["gone"] == 1
    state = await rig.stored("record_states", f"{spec.sync_id}/{survivor}")
    assert state["row_id"] == rows["ann@acme.test"], "the row went to who lives on"
    assert await marked(rig, spec, mark) == {"ben@acme.test"}
    assert await rig.row_ids(spec) == rows
    lost = await rig.stored("record_states", f"{spec.sync_id}/{created['created'][1]}")
    assert lost["gone"] == f"merged into {survivor}"


async def test_p28_a_check_that_was_held_before_it_began_has_found_nothing_and_says_so(
    rig: Rig,
) -> None:
    """Whoever asked for it then knows that it is still owed."""
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        rows = await rig.row_ids(spec)
        await rig.at_table(spec, "delete-rows", rows=list(rows.values())[:3])
        rig.hubspot.change(ConnectionStatus.REVOKED, None)
        held = await rig.check(spec)
        assert held["status"] == "held"
        told = [json.loads(each["value"]) async for each in rig.database["outbox"].find()]
        assert not any("found" in each for each in told)
        await rig.auth.reconnect(HUBSPOT)
        row = await rig.check(spec)
    assert row["found"] == NOTHING | {"missing": 3}
    assert not await rig.differences(spec)


async def test_p28_a_check_right_after_an_edit_of_the_mapping_blames_no_hand(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        row = await rig.check(edited(spec, *spec.mapping[:-1]))
        assert row["found"] == NOTHING | {"outdated": 20}, row["summary"]
        rows = await rig.row_ids(spec)
        field = spec.mapping[0].field_id
        by_hand = {"row": next(iter(rows.values())), "fields": {field: "by hand"}}
        await rig.at_table(spec, "edit-row", **by_hand)
        row = await rig.check(edited(spec, *spec.mapping[:-1]))
    assert row["found"] == NOTHING | {"altered": 1}, row["summary"]


async def test_p28_marked_rows_and_another_mapping_blame_no_hand(rig: Rig) -> None:
    spec, mark = await marking(rig)
    ids = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("archive", object="deals", ids=ids[2:3])
        await rig.run(spec)
        await rig.at_hubspot("purge", object="deals", ids=ids[:3])
        await rig.check(spec)
        spec = edited(spec, *spec.mapping[1:])
        await rig.run(spec)
        row = await rig.check(spec)
        again = await rig.check(spec)
    assert row["found"] == NOTHING | {"gone": 3}, row["summary"]
    assert again["found"] == NOTHING | {"checked": 17}, again["summary"]
    assert await marked(rig, spec, mark) == set(ids[:3])


@pytest.mark.parametrize("rejected", [True, False])
async def test_p28_what_was_gone_before_its_mark_was_mapped_is_marked_by_the_next_check(
    rig: Rig, rejected: bool
) -> None:
    spec = await rig.spec("deals")
    (deal, *_) = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.run(spec)
        if rejected:
            await rig.edit("deals", [deal], amount="12E34567890")
            assert deal in await rig.rejections((await rig.run(spec))["_id"])
        await rig.at_hubspot("purge", object="deals", ids=[deal])
        assert (await rig.check(spec))["found"]["gone"] == 1
        field = (await rig.at_table(spec, "add-field", field=MARK))["id"]
        spec = edited(spec, *spec.mapping, FieldMapping(source="archived", field_id=field))
        await rig.run(spec)
        row = await rig.check(spec)
        again = await rig.check(spec)
    assert await marked(rig, spec, field) == {deal}
    assert row["found"] | {"checked": 20} == NOTHING | {"gone": 1}, row["summary"]
    assert again["found"] | {"checked": 20} == NOTHING, again["summary"]
