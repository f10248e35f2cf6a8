"""A rebalance may overlap two owners of a partition: inbox and state in one transaction hold."""

import asyncio

from tablesync.contracts import RunCancelRequested
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import read_all, running, send, send_raw


class Gate:
    """A handler that waits inside its transaction until the gate opens."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, event: RunCancelRequested, unit: UnitOfWork) -> None:
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)
        self.reached.set()
        await self.open.wait()


async def test_a_rebalance_in_mid_handler_gives_each_message_one_effect(
    settings: ServiceSettings, event, new_subscriptions, effects
) -> None:
    await ensure_topics(settings, "sync-runner")
    for partition in range(4):
        for number in range(3):
            message = event(f"run_{partition}_{number}")
            raw = (message.headers(), message.value())
            await send_raw(settings, "sync-requests", raw, partition=partition)
    gate = Gate()
    async with running(new_subscriptions(gate).run):
        await gate.reached.wait()
        async with running(new_subscriptions().run):
            # The newcomer has its share while the first is still in mid-handler.
            await eventually(lambda: effects(5), timeout=90)
            gate.open.set()
            await eventually(lambda: effects(12), timeout=90)
    assert sorted(await effects()) == [f"run_{p}_{n}" for p in range(4) for n in range(3)]


async def test_two_owners_of_one_message_have_one_effect(
    settings: ServiceSettings, event, new_subscriptions, effects
) -> None:
    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_1"))
    (record,) = await read_all(settings, "sync-requests")
    gate = Gate()
    first = new_subscriptions(gate).consumers["sync-requests"]
    second = new_subscriptions().consumers["sync-requests"]
    slow = asyncio.create_task(first.consume(record))
    await gate.reached.wait()
    fast = asyncio.create_task(second.consume(record))
    gate.open.set()
    await asyncio.gather(slow, fast)
    assert await effects() == ["run_1"]
