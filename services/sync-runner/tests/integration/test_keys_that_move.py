"""Keys that go on from record to record, in circles and chains, arrive; no two rows have one."""

import pytest
from keyed_contacts import ANN, BOB, CLEO, contacts, keys
from sync_runner_rig import Rig
from tablesync.contracts import Provider
from tablesync.sync_runner import store
from tablesync.test_kit import eventually


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
@pytest.mark.usefixtures("taken_over_soon")
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
