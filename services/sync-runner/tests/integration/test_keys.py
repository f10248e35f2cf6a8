"""A key belongs to the living record that has it, whoever had it before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sync_runner_rig import Rig, text
from tablesync.contracts import FieldMapping, Provider, SyncSpec
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner import store
from tablesync.test_kit import eventually

Json = dict[str, Any]
ANN, BOB, CLEO = "ann@acme.test", "bob@acme.test", "cleo@acme.test"


@dataclass
class Contacts:
    """A table of contacts whose rows are found by something else than the record's id."""

    rig: Rig
    spec: SyncSpec
    ids: list[str]

    async def run(self) -> Document:
        """Run the sync; nothing but what has changed is found by its change."""
        row = await self.rig.run(self.spec)
        assert row["status"] == "succeeded", row["summary"]
        return row

    async def run_much_later(self) -> Document:
        """Run the sync when no record is found by its change any more."""
        await self.rig.much_later(self.spec)
        return await self.run()

    async def give(self, record: str, key: str) -> None:
        """Give a contact another key."""
        await self.rig.edit("contacts", [record], **{self.spec.key.source: key})

    async def delete(self, *records: str) -> None:
        """Delete contacts as people do."""
        await self.rig.at_hubspot("archive", object="contacts", ids=list(records))

    async def create(self, *contacts: Mapping[str, str]) -> list[str]:
        """Create contacts; return their ids."""
        made = await self.rig.at_hubspot("create", object="contacts", records=list(contacts))
        return list(made["created"])

    async def row_ids(self) -> dict[str, str]:
        """Return the rows' ids by the names in them."""
        return {
            row["fields"]["Name"]: row["id"]
            for row in await self._rows()
            if row["fields"].get("Key")
        }

    async def names(self) -> dict[str, str]:
        """Return the names in the rows by their keys; rows without a key are left out."""
        rows = [row["fields"] for row in await self._rows()]
        keyed = [row for row in rows if row.get("Key")]
        found = {row["Key"]: row["Name"] for row in keyed}
        assert len(found) == len(keyed), "no two rows with one key"
        return found

    async def without_key(self) -> list[Json]:
        """Return the rows without a key."""
        rows = [row["fields"] for row in await self._rows()]
        return [row for row in rows if not row.get("Key")]

    async def reasons(self, run: Document) -> dict[str, str]:
        """Return why a run rejected which record."""
        found = await self.rig.rejections(run["_id"])
        return {each: rejection["reason"] for each, rejection in found.items()}

    async def never_doubled(self) -> None:
        """Assert that after no write two rows had one key."""
        counters = await self.rig.counters(Provider.AIRTABLE)
        assert counters["doubling_writes"] == counters["duplicates"] == 0
        assert counters["upsert_duplicates"] == 0

    async def _rows(self) -> list[Json]:
        to = self.spec.destination
        return await self.rig.sandbox.records("airtable", "-", base=to.base_id, table=to.table_id)


async def contacts(
    rig: Rig,
    *keys: str,
    source: str = "email",
    field: Mapping[str, Any] | None = None,
    archived: bool = False,
) -> Contacts:
    """Make one contact for each key, named by its number, and a sync that is keyed by it."""
    there = [each["id"] for each in await rig.hubspot_records("contacts")]
    await rig.at_hubspot("purge", object="contacts", ids=there)
    made = await rig.at_hubspot(
        "create",
        object="contacts",
        records=[{source: key, "firstname": str(number)} for number, key in enumerate(keys)],
    )
    marked = {
        "name": "Gone",
        "type": "checkbox",
        "options": {"icon": "check", "color": "redBright"},
    }
    # A select cannot be a table's first field.
    fields = [text("Name"), {"name": "Key", **(field or {"type": "singleLineText"})}, marked]
    table, (name, key_field, gone) = await rig.new_table(*fields)
    mapping = [FieldMapping(source="firstname", field_id=name)]
    if archived:
        mapping.append(FieldMapping(source="archived", field_id=gone))
    spec = await rig.spec(
        "contacts",
        destination=table,
        key=FieldMapping(source=source, field_id=key_field),
        mapping=tuple(mapping),
    )
    return Contacts(rig, spec, made["created"])


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


def keys(count: int) -> list[str]:
    return [f"{number}@acme.test" for number in range(count)]


@pytest.mark.parametrize("count", [2, 3, 12])
async def test_keys_that_go_round_all_arrive(rig: Rig, count: int) -> None:
    table = await contacts(rig, *keys(count))
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        for number, record in enumerate(table.ids):
            await table.give(record, keys(count)[(number + 1) % count])
        run = await table.run()
    assert not await table.reasons(run)
    assert run["counts"]["written"] == count
    wanted = {keys(count)[(number + 1) % count]: str(number) for number in range(count)}
    assert await table.names() == wanted
    assert await table.row_ids() == rows
    await table.never_doubled()


async def test_keys_that_go_round_over_several_pages_all_arrive(rig: Rig) -> None:
    table = await contacts(rig, *keys(500))
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        first, second, third = table.ids[0], table.ids[1], table.ids[2]
        await table.give(first, keys(500)[1])
        await rig.edit("contacts", table.ids[10:240], lastname="touched")
        await table.give(second, keys(500)[2])
        await rig.edit("contacts", table.ids[240:470], lastname="touched")
        await table.give(third, keys(500)[0])
        run = await table.run()
    assert not await table.reasons(run)
    assert run["counts"]["written"] == 3
    assert (await table.names())[keys(500)[1]] == "0"
    assert await table.row_ids() == rows
    await table.never_doubled()


async def test_seven_hundred_keys_shifted_by_one_are_read_many_at_a_time(rig: Rig) -> None:
    table = await contacts(rig, *keys(700))
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        for number, record in enumerate(table.ids):
            await table.give(record, keys(700)[(number + 1) % 700])
        before = (await rig.counters(Provider.HUBSPOT))["data_requests"]
        run = await table.run()
    requests = (await rig.counters(Provider.HUBSPOT))["data_requests"] - before
    assert requests < 50, "one by one it would be more than five hundred"
    assert not await table.reasons(run)
    wanted = {keys(700)[(number + 1) % 700]: str(number) for number in range(700)}
    assert await table.names() == wanted
    assert await table.row_ids() == rows
    await table.never_doubled()


async def test_a_chain_of_keys_arrives_with_the_one_that_is_new_at_its_end(rig: Rig) -> None:
    table = await contacts(rig, *keys(5))
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        for number, record in enumerate(table.ids):
            await table.give(record, keys(6)[number + 1])
        await table.create({"email": keys(1)[0], "firstname": "new"})
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {
        keys(1)[0]: "new",
        **{keys(6)[number + 1]: str(number) for number in range(5)},
    }
    assert (await table.row_ids()).items() >= rows.items()
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


async def test_a_key_that_is_given_on_within_one_page_reaches_both(rig: Rig) -> None:
    table = await contacts(rig, ANN)
    async with rig.runner():
        await table.run()
        row = (await table.row_ids())["0"]
        await table.create({"email": ANN, "firstname": "new"})
        await table.give(table.ids[0], BOB)
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {ANN: "new", BOB: "0"}
    assert (await table.row_ids())["0"] == row
    await table.never_doubled()


SELECT = {"type": "singleSelect", "options": {"choices": [{"name": "Gold"}, {"name": "Iron"}]}}
DATE = {"type": "date", "options": {"dateFormat": {"name": "iso"}}}


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


async def test_a_row_that_may_have_one_of_two_keys_gives_both_up_for_a_third(rig: Rig) -> None:
    table = await contacts(rig, ANN, BOB)
    first, second = table.ids
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
        # What a worker leaves that was killed while it wrote another key.
        doubt = {"key": f'"{CLEO}"', "former_key": f'"{ANN}"', "digest": None, "rejected": True}
        await rig.database[store.RECORD_STATES].update_one(
            {"_id": f"{table.spec.sync_id}/{first}"}, {"$set": doubt}
        )
        await table.give(first, "dora@acme.test")
        await table.give(second, ANN)
        run = await table.run()
    assert not await table.reasons(run)
    assert await table.names() == {"dora@acme.test": "0", ANN: "1"}
    assert await table.row_ids() == rows
    state = await rig.stored(store.RECORD_STATES, f"{table.spec.sync_id}/{first}")
    assert (state["key"], "former_key" in state) == ('"dora@acme.test"', False)
    await table.never_doubled()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("after", ["release", "write"])
async def test_a_runner_killed_while_keys_change_hands_leaves_no_two_rows_of_one(
    rig: Rig, after: str
) -> None:
    table = await contacts(rig, *keys(12))
    async with rig.runner():
        await table.run()
        rows = await table.row_ids()
    for number, record in enumerate(table.ids):
        await table.give(record, keys(12)[(number + 1) % 12])
    await rig.slow_down(Provider.AIRTABLE, 1_500)
    runner = rig.process(RUNNER_WRITES_IN_FLIGHT="1")
    run_id = await rig.enqueue(table.spec)

    async def changed() -> bool:
        names, released = await table.names(), await table.without_key()
        return bool(released) if after == "release" else names.get(keys(12)[1]) == "0"

    await eventually(changed, timeout=150)  # a process takes its time to start
    runner.kill()
    await rig.slow_down(Provider.AIRTABLE, 0)
    await table.give(table.ids[0], "later@acme.test")
    async with rig.runner():
        run = await rig.ended(run_id)
        assert run["status"] == "succeeded"
        last = await table.run()
    assert not await table.reasons(last)
    wanted = {keys(12)[(number + 1) % 12]: str(number) for number in range(1, 12)}
    assert await table.names() == wanted | {"later@acme.test": "0"}
    assert await table.row_ids() == rows
    await table.never_doubled()
    assert not await rig.database[store.RECORD_STATES].count_documents({"rejected": True})
