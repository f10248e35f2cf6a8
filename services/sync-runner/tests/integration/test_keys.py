"""A key belongs to the living record that has it, whoever had it before."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from keyed_contacts import ANN, BOB, CLEO, Contacts, contacts
from sync_runner_rig import AIRTABLE, Json, Rig, text
from tablesync.contracts import FieldMapping, Trigger
from tablesync.sync_runner import store

SELECT = {"type": "singleSelect", "options": {"choices": [{"name": "Gold"}, {"name": "Iron"}]}}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DATE = {"type": "date", "options": {"dateFormat": {"name": "iso"}}}


@pytest.mark.parametrize("archived", [False, True])
async def test_a_contact_that_is_deleted_and_made_again_keeps_its_row(
    rig: Rig, archived: bool
) -> None:
    table = await contacts(rig, ANN, BOB, archived=archived)
    async with rig.runner():
        await table.run()
        row = (await table.row_ids())["0"]
        await table.delete(table.ids[0])
        await table.create({"email": ANN, "firstname": "anew"})
        again = await table.run()
        assert not await table.reasons(again)
        assert (await table.run())["counts"]["written"] == 0
    assert await table.names() == {ANN: "anew", BOB: "1"}
    assert (await table.row_ids())["anew"] == row
    assert not [each for each in await rig.named_rows(table.spec) if each.get("Gone")]
    await table.never_doubled()


@pytest.mark.parametrize("archived", [False, True])
async def test_a_deleted_duplicate_leaves_its_address_to_the_other(
    rig: Rig, archived: bool
) -> None:
    table = await contacts(rig, ANN, BOB, archived=archived)
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        await table.delete(table.ids[1])
        await table.give(table.ids[0], BOB)
        run = await table.run()
        assert not await table.reasons(run)
        await table.run()
        assert (await table.run())["counts"]["written"] == 0
    assert await table.names() == {BOB: "0"}
    assert (await table.row_ids())["0"] == rows["0"]
    (left,) = await table.without_key()
    assert (left["Name"], left.get("Gone", False)) == ("1", archived)
    await table.never_doubled()


async def test_who_comes_back_from_the_archive_finds_its_key_taken_and_gets_it_later(
    rig: Rig,
) -> None:
    table = await contacts(rig, ANN, BOB, archived=True)
    async with rig.runner():
        await table.run()
        await table.delete(table.ids[1])
        await table.give(table.ids[0], BOB)
        await table.run()
        await rig.at_hubspot("restore", object="contacts", ids=[table.ids[1]])
        await rig.edit("contacts", [table.ids[1]], firstname="back")
        run = await table.run()
        assert await table.reasons(run) == {
            table.ids[1]: f'record {table.ids[0]} has the same "email"'
        }
        await table.give(table.ids[0], CLEO)
        assert not await table.reasons(await table.run())
    assert await table.names() == {CLEO: "0", BOB: "back"}
    assert len(await rig.named_rows(table.spec)) == 2
    await table.never_doubled()


async def test_two_merged_into_a_new_one_leave_it_the_row_of_its_key(rig: Rig) -> None:
    table = await contacts(rig, ANN, BOB, CLEO)
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        ids = table.ids[:2]
        merged = await rig.at_hubspot("merge", object="contacts", ids=ids, into_new=True)
        await rig.edit("contacts", [merged["id"]], firstname="both")
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {ANN: "both", BOB: "1", CLEO: "2"}
    assert (await table.row_ids())["both"] == rows["0"]
    await table.never_doubled()


@pytest.mark.parametrize("how", ["another key", "no key", "deleted", "purged"])
async def test_the_second_of_one_key_arrives_as_soon_as_the_first_gives_it_up(
    rig: Rig, how: str
) -> None:
    table = await contacts(rig, ANN, ANN, BOB)
    first, second, _ = table.ids
    async with rig.runner():
        run = await table.run()
        said = {second: f'record {first} has the same "email"'}
        assert await table.reasons(run) == said
        assert await table.reasons(await table.run_much_later()) == said
        assert await table.names() == {ANN: "0", BOB: "2"}
        await rig.much_later(table.spec)
        if how == "deleted":
            await table.delete(first)
        elif how == "purged":
            await rig.at_hubspot("purge", object="contacts", ids=[first])
        else:
            await table.give(first, CLEO if how == "another key" else "")
        run = await table.run()
        assert second not in await table.reasons(run)
        assert await table.names() | {CLEO: "0"} == {ANN: "1", BOB: "2", CLEO: "0"}
        await table.run_much_later()
    names = await table.names()
    assert names == {ANN: "1", BOB: "2"} | ({CLEO: "0"} if how == "another key" else {})
    await table.never_doubled()


async def test_a_key_goes_on_where_its_holder_s_row_was_deleted_by_hand(rig: Rig) -> None:
    table = await contacts(rig, ANN, BOB)
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        to = table.spec.destination
        await rig.at_airtable("delete-rows", base=to.base_id, table=to.table_id, rows=[rows["0"]])
        await table.give(table.ids[0], BOB)
        await table.give(table.ids[1], ANN)
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {BOB: "0", ANN: "1"}
    assert len(await rig.named_rows(table.spec)) == 2
    await table.never_doubled()


async def test_a_record_made_anew_gets_a_row_where_the_old_one_was_deleted_by_hand(
    rig: Rig,
) -> None:
    table = await contacts(rig, ANN)
    async with rig.runner():
        await table.run()
        to = table.spec.destination
        await rig.at_airtable("delete-rows", base=to.base_id, table=to.table_id)
        await table.delete(table.ids[0])
        await table.create({"email": ANN, "firstname": "anew"})
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {ANN: "anew"}


@pytest.mark.parametrize(
    ("field", "first", "second", "cells"),
    [
        ({"type": "number", "options": {"precision": 0}}, "1", "2.0", [1, 2]),
        (SELECT, "Gold ", "Iron", ["Gold", "Iron"]),
        (DATE, "2026-03-01", "2026-03-02T23:00:00Z", ["2026-03-01", "2026-03-02"]),
        ({"type": "multilineText"}, "a", "A", ["a", "A"]),
        ({"type": "singleLineText"}, "a", "a ", ["a", "a "]),
    ],
)
async def test_keys_of_every_type_change_hands(
    rig: Rig, field: Json, first: str, second: str, cells: list[Any]
) -> None:
    table = await contacts(rig, first, second, source="jobtitle", field=field)
    async with rig.runner():
        await table.run()
        assert await table.names() == {cells[0]: "0", cells[1]: "1"}
        rows = await table.row_ids()
        await table.give(table.ids[0], second)
        await table.give(table.ids[1], first)
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {cells[1]: "0", cells[0]: "1"}
    assert await table.row_ids() == rows
    await table.never_doubled()


@pytest.mark.parametrize(
    ("field", "first", "second"),
    [
        ({"type": "number", "options": {"precision": 0}}, "1", "1.0"),
        (SELECT, "Gold", " Gold "),
        (DATE, "2026-03-01", "2026-03-01T10:00:00Z"),
    ],
)
async def test_values_that_are_one_cell_are_one_key(
    rig: Rig, field: Json, first: str, second: str
) -> None:
    table = await contacts(rig, first, second, source="jobtitle", field=field)
    async with rig.runner():
        run = await table.run()
        assert await table.reasons(run) == {
            table.ids[1]: f'record {table.ids[0]} has the same "jobtitle"'
        }
    assert len(await table.names()) == 1


async def test_an_unfit_holder_with_another_key_gives_its_old_one_up(rig: Rig) -> None:
    table = await contacts(rig, ANN, BOB)
    select, (key, name, tier) = await rig.new_table(
        text("Key"), text("Name"), {"name": "Tier", **SELECT}
    )
    mapping = [("firstname", name), ("jobtitle", tier)]
    table.spec = table.spec.model_copy(
        update={
            "destination": select,
            "key": FieldMapping(source="email", field_id=key),
            "mapping": tuple(FieldMapping(source=s, field_id=f) for s, f in mapping),
        }
    )
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        await rig.edit("contacts", [table.ids[0]], email=CLEO, jobtitle="Tin")
        await table.give(table.ids[1], ANN)
        run = await table.run()
        assert list(await table.reasons(run)) == [table.ids[0]]
        assert await table.names() == {ANN: "1"}
        await rig.edit("contacts", [table.ids[0]], jobtitle="Gold")
        assert not await table.reasons(await table.run())
    assert await table.names() == {ANN: "1", CLEO: "0"}
    assert await table.row_ids() == rows
    await table.never_doubled()


async def test_a_key_that_comes_goes_and_comes_again_keeps_its_row(rig: Rig) -> None:
    table = await contacts(rig, "", BOB)
    async with rig.runner():
        run = await table.run()
        assert await table.reasons(run) == {table.ids[0]: 'its key "email" is empty'}
        await table.give(table.ids[0], ANN)
        assert not await table.reasons(await table.run())
        row = (await table.row_ids())["0"]
        await table.give(table.ids[0], "")
        assert list(await table.reasons(await table.run())) == [table.ids[0]]
        assert await table.names() == {ANN: "0", BOB: "1"}
        await table.give(table.ids[0], CLEO)
        assert not await table.reasons(await table.run())
    assert await table.names() == {CLEO: "0", BOB: "1"}
    assert (await table.row_ids())["0"] == row


async def test_a_row_that_was_given_another_s_key_by_hand_is_that_one_s_and_no_other_s(
    rig: Rig,
) -> None:
    table = await contacts(rig, ANN, BOB)
    async with rig.runner():
        await table.run()
        row = (await table.row_ids())["0"]
        to = table.spec.destination
        await rig.at_airtable(
            "edit-row", base=to.base_id, table=to.table_id, row=row, fields={"Key": CLEO}
        )
        await table.create({"email": CLEO, "firstname": "new"})
        await table.run()
        assert (await table.row_ids())["new"] == row
        await table.run_much_later()
        await rig.edit("contacts", [table.ids[0]], firstname="0 anew")
        await table.run()
    assert await table.names() == {ANN: "0 anew", BOB: "1", CLEO: "new"}
    assert (await table.row_ids())["new"] == row
    await table.never_doubled()


@pytest.mark.parametrize("served", ["/meta/bases", "/tbl"])
async def test_a_row_that_was_handed_over_shows_who_is_gone_until_another_is_written(
    rig: Rig, served: str
) -> None:
    """The one that was to have it got no key in the end, after the run was interrupted."""
    table = await contacts(rig, ANN, BOB, archived=True)
    async with rig.runner():
        await table.run()
        await rig.at_hubspot("purge", object="contacts", ids=table.ids[:1])
        (anew,) = await table.create({"email": ANN, "firstname": "anew"})
        after = {"path_contains": served, "responses": 1}
        await rig.at_airtable("arm", after=after, action="revoke", body={})
        interrupted = await rig.run(table.spec)
        assert interrupted["status"] == "interrupted", interrupted["summary"]
        await table.give(anew, "")
        await rig.auth.reconnect(AIRTABLE)
        await table.run()
        await rig.ended(await rig.enqueue(table.spec, Trigger.MANUAL, check=True))
    rows = {each["Name"]: each.get("Gone", False) for each in await rig.named_rows(table.spec)}
    assert rows == {"0": True, "1": False}


@pytest.mark.parametrize("lives", [True, False])
async def test_a_row_without_a_key_that_is_given_another_s_by_hand_leaves_it_to_that_one(
    rig: Rig, lives: bool
) -> None:
    """Its key went to another: what the row holds has not been known since."""
    table = await contacts(rig, ANN, BOB, archived=True)
    async with rig.runner():
        await table.run()
        row = (await table.row_ids())["1"]
        await table.give(table.ids[0], BOB)
        if lives:
            await table.give(table.ids[1], "")
        else:
            await table.delete(table.ids[1])
        await table.run()
        assert await table.names() == {BOB: "0"}
        await rig.at_table(table.spec, "edit-row", row=row, fields={table.spec.key.field_id: CLEO})
        await table.create({"email": CLEO, "firstname": "new"})
        await rig.ended(await rig.enqueue(table.spec, Trigger.MANUAL, check=True))
    assert await table.names() == {BOB: "0", CLEO: "new"}
    (left,) = await table.without_key()
    assert (left["Name"], left.get("Gone", False)) == ("1", not lives)
    await table.never_doubled()


async def unmarkable(rig: Rig, *addresses: str) -> tuple[Contacts, str]:
    """Make contacts in a table that marks who is deleted in a select; return it with that field."""
    table = await contacts(rig, *addresses)
    marks = {"type": "singleSelect", "options": {"choices": [{"name": "true"}, {"name": "false"}]}}
    field = (await rig.at_table(table.spec, "add-field", field={"name": "Mark", **marks}))["id"]
    mapping = (*table.spec.mapping, FieldMapping(source="archived", field_id=field))
    return replace(table, spec=table.spec.model_copy(update={"mapping": mapping})), field


async def test_p29_a_key_goes_on_where_a_field_does_not_take_the_mark_of_who_had_it(
    rig: Rig,
) -> None:
    table, mark = await unmarkable(rig, ANN, BOB)
    async with rig.runner():
        await table.run()
        row = (await table.row_ids())["0"]
        await rig.at_table(table.spec, "delete-option", field=mark, option="true")
        await table.delete(table.ids[0])
        await table.create({"email": ANN, "firstname": "anew"})
        assert not await table.reasons(await table.run())
    assert await table.names() == {ANN: "anew", BOB: "1"}
    assert (await table.row_ids())["anew"] == row
    await table.never_doubled()


async def test_who_is_gone_and_cannot_be_marked_gives_its_key_up_and_is_rejected_by_name(
    rig: Rig,
) -> None:
    table, mark = await unmarkable(rig, ANN, BOB)
    async with rig.runner():
        await table.run()
        await rig.at_table(table.spec, "delete-option", field=mark, option="true")
        await table.delete(table.ids[1])
        await table.give(table.ids[0], BOB)
        reasons = await table.reasons(await table.run())
    assert set(reasons) == {table.ids[1]}
    assert reasons[table.ids[1]].startswith("field \"Mark\" (singleSelect): 'true' is no option")
    assert await table.names() == {BOB: "0"}
    await table.never_doubled()


async def test_a_row_that_could_not_be_marked_is_not_said_to_be_two_records(rig: Rig) -> None:
    table = await contacts(rig, ANN, BOB, archived=True)
    refusal = {"field": "Gone", "value": "True"}
    async with rig.runner():
        await table.run()
        await rig.at_table(table.spec, "refuse-value", **refusal)
        await table.delete(table.ids[0])
        (anew,) = await table.create({"email": ANN, "firstname": "anew"})
        assert "keeps its key" in (await table.reasons(await table.run()))[anew]
        await rig.at_table(table.spec, "refuse-value", **refusal, refused=False)
        for _ in range(3):
            await rig.database[store.RECORD_STATES].update_many(
                {"refusal": {"$exists": True}}, {"$set": {"refusal.retry_at": LONG_AGO}}
            )
            await table.run_much_later()
    assert await table.names() == {ANN: "anew", BOB: "1"}
    assert not [each for each in await rig.named_rows(table.spec) if each.get("Gone")]
    await table.never_doubled()
