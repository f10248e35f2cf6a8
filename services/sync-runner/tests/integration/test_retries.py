"""What Airtable has refused is sent again only when something has changed, or after a rest."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sync_runner_rig import Rig, text
from tablesync.contracts import FieldMapping, SyncSpec
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner import store
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.pipeline.checkpoints import Checkpoint, Pass
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.pipeline.record_states import RecordState
from tablesync.sync_runner.pipeline.retries import retries
from tablesync.sync_runner.sources.base import Source, SourceRecord

Json = dict[str, Any]
GOLD = {"choices": [{"name": "Gold"}, {"name": "Tin"}]}


@dataclass
class Titles:
    """A table of contacts and their titles; one title is taken from nobody."""

    rig: Rig
    spec: SyncSpec
    ids: list[str]

    async def run(self) -> tuple[Document, int]:
        """Run when no record is found by its change; return the run and what it wrote in."""
        before = await self._writes()
        if await self.rig.database[store.CHECKPOINTS].count_documents({"_id": self.spec.sync_id}):
            await self.rig.much_later(self.spec)
        row = await self.rig.run(self.spec)
        return row, await self._writes() - before

    async def refuse(self, value: str, *, refused: bool = True) -> None:
        """Have Airtable take a title from nobody, or again from everybody."""
        await self.rig.at_airtable(
            "refuse-value", **self._place, field="Title", value=value, refused=refused
        )

    async def add_option(self, name: str) -> None:
        """Add an option by hand, leaving the rows as they were."""
        rows = await self._rows()
        row, before = rows[0]["id"], rows[0]["fields"].get("Title")
        for value in (name, before):
            await self.rig.at_airtable("edit-row", **self._place, row=row, fields={"Title": value})

    async def titles(self) -> list[str]:
        """Return the titles in the table."""
        return sorted(each["fields"].get("Title", "") for each in await self._rows())

    async def states(self) -> list[Document]:
        """Return what is stored of rejected records."""
        query = {"sync_id": self.spec.sync_id, "rejected": True}
        return list(await self.rig.database[store.RECORD_STATES].find(query).to_list(None))

    async def rest_is_over(self) -> None:
        """Put what is stored of refusals as far back as a rest is long."""
        long_ago = datetime.now(UTC) - timedelta(days=2)
        await self.rig.database[store.RECORD_STATES].update_many(
            {"sync_id": self.spec.sync_id, "rejected": True},
            {"$set": {"refusal.retry_at": long_ago}},
        )

    @property
    def _place(self) -> Json:
        return {"base": self.spec.destination.base_id, "table": self.spec.destination.table_id}

    async def _rows(self) -> list[Json]:
        return await self.rig.sandbox.records("airtable", "-", **self._place)

    async def _writes(self) -> int:
        asked = (await self.rig.sandbox.log(provider="airtable"))["requests"]
        return len([each for each in asked if each["method"] != "GET" and each["base"]])


async def titles(rig: Rig, *wanted: str, field: Json | None = None) -> Titles:
    """Make a contact for each title, and a sync of them into a table of their own."""
    there = [each["id"] for each in await rig.hubspot_records("contacts")]
    await rig.at_hubspot("purge", object="contacts", ids=there)
    records = [{"jobtitle": each} for each in wanted]
    made = await rig.at_hubspot("create", object="contacts", records=records)
    title = {"name": "Title", **(field or {"type": "singleSelect", "options": GOLD})}
    table, (key, title_field) = await rig.new_table(text("Id"), title)
    spec = await rig.spec(
        "contacts",
        destination=table,
        key=FieldMapping(source="id", field_id=key),
        mapping=(FieldMapping(source="jobtitle", field_id=title_field),),
    )
    return Titles(rig, spec, made["created"])


async def test_a_hundred_refused_records_cost_few_requests_and_then_none(rig: Rig) -> None:
    table = await titles(rig, *["Gold"] * 20, *["Tin"] * 100)
    await table.refuse("Tin")
    async with rig.runner():
        run, requests = await table.run()
        assert run["counts"] == {"read": 120, "written": 20, "unchanged": 0, "rejected": 100}
        assert requests < 60
        for _ in range(2):
            run, requests = await table.run()
            assert requests == 0
            assert run["counts"] == {"read": 100, "written": 0, "unchanged": 0, "rejected": 100}
        reasons = {each["reason"] for each in (await rig.rejections(run["_id"])).values()}
        assert all("does not take 'Tin'" in each for each in reasons)
        await table.refuse("Tin", refused=False)
        await table.add_option("Iron")
        run, requests = await table.run()
    assert (run["counts"]["written"], run["counts"]["rejected"], requests) == (100, 0, 10)
    assert await table.titles() == ["Gold"] * 20 + ["Tin"] * 100
    assert not await table.states()


async def test_a_hundred_records_with_an_unknown_option_cost_nothing_and_arrive_with_it(
    rig: Rig,
) -> None:
    table = await titles(rig, *["Gold"] * 10, *["Iron"] * 100)
    async with rig.runner():
        run, requests = await table.run()
        assert (run["counts"]["written"], run["counts"]["rejected"], requests) == (10, 100, 1)
        run, requests = await table.run()
        assert (run["counts"]["rejected"], requests) == (100, 0)
        await table.add_option("Iron")
        run, requests = await table.run()
    assert (run["counts"]["written"], run["counts"]["rejected"], requests) == (100, 0, 10)


async def test_a_refused_record_rests_longer_from_try_to_try_by_the_database_s_clock(
    rig: Rig,
) -> None:
    table = await titles(rig, "Gold", "Tin")
    await table.refuse("Tin")
    async with rig.runner():
        for tries, rest in enumerate([1, 4, 24, 24], start=1):
            run, requests = await table.run()
            assert requests == 1 if tries > 1 else requests > 1
            (state,) = await table.states()
            rejected_at = (await rig.rejections(run["_id"]))[table.ids[1]]["at"]
            assert state["refusal"]["tries"] == tries
            assert state["refusal"]["retry_at"] == rejected_at + timedelta(hours=rest)
            assert (await table.run())[1] == 0
            await table.rest_is_over()
        await table.refuse("Tin", refused=False)
        run, _ = await table.run()
    assert (run["counts"]["written"], await table.titles()) == (1, ["Gold", "Tin"])


async def test_a_refused_record_that_changes_is_sent_at_once(rig: Rig) -> None:
    table = await titles(rig, "Gold", "Tin", "Tin")
    await table.refuse("Tin")
    async with rig.runner():
        await table.run()
        await rig.edit("contacts", [table.ids[1]], jobtitle="Gold")
        run, requests = await table.run()
    assert (run["counts"]["written"], run["counts"]["rejected"], requests) == (1, 1, 1)
    assert await table.titles() == ["Gold", "Gold"]


async def test_an_earlier_version_s_rejections_are_tried_once_and_then_remembered(
    rig: Rig,
) -> None:
    table = await titles(rig, "Gold", "Tin")
    await table.refuse("Tin")
    async with rig.runner():
        await table.run()
        await rig.database[store.RECORD_STATES].update_many({}, {"$unset": {"refusal": ""}})
        assert (await table.run())[1] == 1
        assert (await table.run())[1] == 0
    (state,) = await table.states()
    assert state["refusal"]["tries"] == 1


async def test_ten_that_were_refused_travel_together_and_the_one_to_blame_alone(rig: Rig) -> None:
    field = {"type": "singleLineText"}
    table = await titles(rig, *[f"odd {number}" for number in range(10)], field=field)
    for number in range(10):
        await table.refuse(f"odd {number}")
    async with rig.runner():
        run, _ = await table.run()
        assert run["counts"]["rejected"] == 10
        for number in range(9):
            await table.refuse(f"odd {number}", refused=False)
        await table.rest_is_over()
        run, requests = await table.run()
    assert (run["counts"]["written"], run["counts"]["rejected"]) == (9, 1)
    assert requests < 10


@pytest.mark.parametrize("status", [403, 404])
async def test_a_second_try_that_was_cut_short_is_made_again(rig: Rig, status: int) -> None:
    table = await titles(rig, "Gold", "Iron")
    async with rig.runner():
        await table.run()
        await table.add_option("Iron")
        await rig.at_airtable(
            "break",
            status=status,
            count=1,
            path_contains=table.spec.destination.table_id,
            body={"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "No."}},
        )
        run, _ = await table.run()
        assert run["status"] == "failed"
        run, _ = await table.run()
    assert run["status"] == "succeeded"
    assert await table.titles() == ["Gold", "Iron"]


async def test_what_is_not_at_its_source_is_given_up_as_it_is_known_by_then(rig: Rig) -> None:
    """While it is asked for, the page before it may hand its row over."""
    spec = await rig.spec("deals")
    run_id = await rig.enqueue(spec)
    claimed = await RunQueue(rig.database, 20, 1).claim()
    assert claimed is not None
    journal = Journal(rig.units, *claimed)
    journal.checkpoint = Checkpoint(spec.sync_id, "f", "hubspot/7002", None, Pass({}, 1, run_id))
    rejected = RecordState("1", None, "rec1", '"a"', rejected=True)
    journal.note(rejected)
    await journal.save()

    class HandsOver:
        ids_at_once = 100

        async def read_ids(self, *_: object) -> list[SourceRecord]:
            journal.note(rejected.without_row())
            return []

    pages = retries(journal, cast(Source, HandsOver()), Plan(spec, (), {}, "f"))
    assert [page.records async for page in pages] == [[]]
    assert await journal.states(["1"]) == {"1": rejected.without_row()}
