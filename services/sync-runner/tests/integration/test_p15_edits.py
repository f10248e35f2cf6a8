"""P15: a source that edits while it is read still ends equal after the next run."""

import asyncio
from contextlib import suppress

from sync_runner_rig import Rig
from tablesync.contracts import Provider


async def edit_all_the_time(rig: Rig, object_: str) -> None:
    """Edit a few records, again and again."""
    for seed in range(1, 10_000):
        await rig.at_hubspot("edit", object=object_, count=7, seed=seed)
        await asyncio.sleep(0.05)  # the pace of the people who edit


async def test_p15_what_is_edited_while_it_is_read_arrives_with_the_next_run(rig: Rig) -> None:
    await rig.fill(420)
    spec = await rig.spec("deals")
    await rig.at_hubspot("latency", ms=150)
    async with rig.runner():
        editor = asyncio.create_task(edit_all_the_time(rig, "deals"))
        first = await rig.run(spec)
        second = await rig.run(spec)
        editor.cancel()
        with suppress(asyncio.CancelledError):
            await editor
        third = await rig.run(spec)
    assert {first["status"], second["status"], third["status"]} == {"succeeded"}
    assert not await rig.differences(spec)
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0


async def test_p15_records_created_while_it_is_read_arrive_too(rig: Rig) -> None:
    await rig.fill(420)
    spec = await rig.spec("deals")
    await rig.at_hubspot("latency", ms=100)
    async with rig.runner():
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        await rig.at_hubspot("create", object="deals", count=30)
        await rig.ended(run_id)
        await rig.run(spec)
    assert not await rig.differences(spec)


async def test_p15_a_search_index_that_lags_loses_nothing(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("search-lag", seconds=3_600)  # longer than any run takes
        await rig.at_hubspot("edit", object="deals", count=15)
        early = await rig.run(spec)
        await rig.at_hubspot("search-lag", seconds=0)
        late = await rig.run(spec)
    assert early["counts"]["written"] == 0
    assert late["counts"]["written"] == 15
    assert not await rig.differences(spec)


async def test_p15_the_cursor_is_when_the_pass_began_by_the_providers_clock(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        first = await rig.checkpoint(spec)
        await rig.run(spec)
        second = await rig.checkpoint(spec)
    assert first["current"] is None
    assert 0 < first["cursor_ms"] <= second["cursor_ms"]
