"""One sync from request to rows: first pass, second pass, edits, and what goes wrong."""

from typing import Any

from tablesync.contracts import FieldMapping, SyncSpec


async def test_a_first_run_fills_the_table(rig: Any) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert row["counts"] == {"read": 500, "written": 500, "unchanged": 0, "rejected": 0}
    assert not await rig.differences(spec)
    assert await rig.events(row["_id"]) == ["started", "succeeded"]


async def test_s4_a_second_run_over_unchanged_data_writes_nothing(rig: Any) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        before = await rig.sandbox.counters()
        row = await rig.run(spec)
    after = await rig.sandbox.counters()
    assert row["status"] == "succeeded"
    assert row["counts"]["written"] == 0
    for counter in ("records_created", "records_updated"):
        assert after["airtable"][counter] == before["airtable"][counter]
