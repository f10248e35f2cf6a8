"""Leases: one owner at a time, and a zombie's late write is refused by its old fence."""

import asyncio

from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.leases import Leases
from tablesync.test_kit import eventually


async def test_of_many_at_once_one_gets_the_lease(database: Database) -> None:
    leases = Leases(database)
    taken = await asyncio.gather(*(leases.acquire("run_1", 30) for _ in range(20)))
    assert [each.fence for each in taken if each] == [1]


async def test_a_released_lease_is_free_at_once_and_its_fence_grows(database: Database) -> None:
    leases = Leases(database)
    for expected in (1, 2, 3):
        lease = await eventually(lambda: leases.acquire("run_1", 30))
        assert lease.fence == expected
        async with leases.kept(lease):
            assert 20 < lease.remaining() <= 30
        assert lease.remaining() == 0


async def test_p14_a_zombie_with_an_old_fence_is_refused(database: Database) -> None:
    leases = Leases(database)
    zombie = await leases.acquire("run_1", 0.2)
    assert zombie is not None
    heir = await eventually(lambda: leases.acquire("run_1", 30))
    assert heir.fence == zombie.fence + 1
    assert zombie.remaining() == 0

    runs = database["runs"]
    await runs.insert_one({"_id": "run_1", "fence": heir.fence, "page": 7})
    late = await runs.update_one({"_id": "run_1", "fence": zombie.fence}, {"$set": {"page": 2}})
    assert late.matched_count == 0
    assert not await leases.renew(zombie)
    assert zombie.lost.is_set()
    await leases.release(zombie)
    assert await leases.acquire("run_1", 30) is None
    assert await leases.renew(heir)


async def test_a_kept_lease_outlives_its_own_time(database: Database) -> None:
    leases = Leases(database)
    lease = await leases.acquire("run_1", 3)
    assert lease is not None
    first = await database["leases"].find_one({"_id": "run_1"})
    assert first is not None
    async with leases.kept(lease):
        await eventually(lambda: _extended(database, first))
        await eventually(lambda: _extended_twice(database, first))
        assert await leases.acquire("run_1", 3) is None
        assert lease.remaining() > 0


async def _extended(database: Database, first: Document) -> bool:
    row = await database["leases"].find_one({"_id": "run_1"})
    return row is not None and row["expires_at"] > first["expires_at"]


async def _extended_twice(database: Database, first: Document) -> bool:
    row = await database["leases"].find_one({"_id": "run_1"})
    return row is not None and (row["expires_at"] - first["expires_at"]).total_seconds() > 3


async def test_the_holder_learns_that_its_lease_was_taken(database: Database) -> None:
    leases = Leases(database)
    lease = await leases.acquire("run_1", 3)
    assert lease is not None
    async with leases.kept(lease):
        await database["leases"].update_one({"_id": "run_1"}, {"$set": {"owner": "another"}})
        async with asyncio.timeout(60):
            await lease.lost.wait()
    assert lease.remaining() == 0


async def test_whoever_is_stopped_while_its_lease_ends_is_stopped(database: Database) -> None:
    leases = Leases(database)
    lease = await eventually(lambda: leases.acquire("run_1", 30))

    async def work() -> None:
        async with leases.kept(lease):
            await asyncio.sleep(0)  # its keeper begins
            asyncio.get_running_loop().call_soon(working.cancel)

    working = asyncio.create_task(work())
    await asyncio.wait([working])
    assert working.cancelled()
    assert await leases.acquire("run_1", 30), "it was released all the same"
