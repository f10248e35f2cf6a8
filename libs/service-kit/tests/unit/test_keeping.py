"""A lease is kept by renewals that may hang, and its end is never hidden by one that does."""

import asyncio

from tablesync.service_kit import clock
from tablesync.service_kit.mongo.leases import Lease, keep
from tablesync.test_kit import eventually

LEASE_SECONDS = 5.0


class Database:
    """Renews a lease, or hangs."""

    def __init__(self) -> None:
        self.hangs = False
        self.hung = self.renewed = 0

    async def renew(self, lease: Lease) -> None:
        if self.hangs:
            self.hung += 1
            await asyncio.Event().wait()
        self.renewed += 1
        lease.taken_at = clock.seconds()


def new_lease() -> Lease:
    return Lease("run_1", "me", 1, LEASE_SECONDS, clock.seconds())


async def test_a_renewal_that_hangs_is_given_up_in_time_for_another() -> None:
    lease, database = new_lease(), Database()
    database.hangs = True
    keeper = asyncio.create_task(keep(lease, database.renew))
    await eventually(lambda: database.hung)
    database.hangs = False
    await eventually(lambda: database.renewed)
    assert not lease.lost.is_set()
    keeper.cancel()


async def test_a_lease_whose_renewals_hang_is_lost_when_its_time_is_over() -> None:
    lease, database = new_lease(), Database()
    database.hangs = True
    async with asyncio.timeout(60):
        await keep(lease, database.renew)
    assert lease.lost.is_set()
    assert clock.seconds() - lease.taken_at >= LEASE_SECONDS
    assert database.hung >= 2


async def test_a_renewal_that_fails_in_an_unforeseen_way_is_followed_by_another() -> None:
    lease, failed, renewed = new_lease(), asyncio.Event(), asyncio.Event()

    async def renew(_: Lease) -> None:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        renewed.set()

    keeper = asyncio.create_task(keep(lease, renew))
    async with asyncio.timeout(60):
        await renewed.wait()
    assert not lease.lost.is_set()
    keeper.cancel()


async def test_a_lease_that_another_took_is_given_up_at_once() -> None:
    lease = Lease("run_1", "me", 1, 3600, clock.seconds())

    async def renew(lease: Lease) -> None:
        lease.lost.set()

    async with asyncio.timeout(60):
        await keep(lease, renew, every_seconds=0.01)
    assert lease.remaining() == 0
