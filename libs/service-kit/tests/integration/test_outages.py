"""Kafka or MongoDB away: everything waits for them, and nothing is parked for it."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from aiokafka import AIOKafkaProducer
from tablesync.contracts import TOPICS
from tablesync.local_stack import LocalStack
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging.consumer import CONSUMED
from tablesync.service_kit.messaging.kafka import ensure_topics, new_producer
from tablesync.service_kit.messaging.relay import Relay
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.messaging import Forwarder, read_all, running, send


async def test_p25_consumer_and_relay_start_before_kafka_and_wait_for_it(
    settings: ServiceSettings, units: UnitsOfWork, event, new_subscriptions, effects
) -> None:
    host, _, port = settings.kafka_bootstrap_servers.partition(":")
    kafka = Forwarder(host, int(port), free_port())
    away = settings.with_(kafka_bootstrap_servers=f"127.0.0.1:{kafka.port}")
    subscriptions = new_subscriptions(settings=away)
    relay = Relay(units.database, lambda: new_producer(away), away.kafka_topic_prefix)

    async def work(unit: UnitOfWork) -> None:
        unit.publish(event("run_1").event)

    async with running(subscriptions.run, relay.run):
        await units.run(work)
        await eventually(lambda: _relay_has_tried(units))
        assert not subscriptions.started.is_set()
        assert await effects() == []
        await kafka.open()
        await eventually(lambda: effects(1), timeout=90)
    await kafka.cut()
    assert await effects() == ["run_1"]


async def _relay_has_tried(units: UnitsOfWork) -> bool:
    row = await units.database["leases"].find_one({"_id": "relay"})
    return row is not None and row["fence"] >= 2


async def test_p13_mongodb_away_parks_nothing_and_loses_nothing(
    settings: ServiceSettings, database_prefix: str, event, new_subscriptions, effects
) -> None:
    """The connection is cut while the consumer runs, and comes back later."""
    await ensure_topics(settings, "sync-runner")
    target = urlsplit(settings.mongodb_uri)
    mongodb = Forwarder(target.hostname or "", target.port or 27017, free_port())
    await mongodb.open()
    client = mongo.connect(f"mongodb://127.0.0.1:{mongodb.port}/?directConnection=true")
    database = mongo.open_database(client, f"{database_prefix}kit")
    subscriptions = new_subscriptions(units=UnitsOfWork(database, "scheduler"))
    kept = CONSUMED.labels("sync-requests", "kept")._value
    before = kept.get()

    async with running(subscriptions.run):
        await send(settings, event("run_1"))
        await eventually(lambda: effects(1))
        await mongodb.cut()
        await send(settings, *(event(f"run_{n}") for n in range(2, 5)))
        await eventually(lambda: kept.get() >= before + 2, timeout=90)
        await mongodb.open()
        await eventually(lambda: effects(4), timeout=90)
        assert await subscriptions.dead_letters.list("sync-requests") == []
    assert await effects() == ["run_1", "run_2", "run_3", "run_4"]
    client.close()
    await mongodb.cut()


@pytest.mark.needs("kafka")
async def test_p13_kafka_away_parks_nothing_and_loses_nothing(
    settings: ServiceSettings, topic_prefix: str, event, new_subscriptions, effects
) -> None:
    """Kafka is killed while the consumer runs, and started again at the same address."""
    name = f"test-{topic_prefix.strip('-')}-kafka"
    stack = LocalStack(Path(__file__).parents[4], name, programs=("kafka",), fresh=True)
    own = settings.with_(kafka_bootstrap_servers=stack.plan.kafka)
    subscriptions = new_subscriptions(settings=own)
    with stack:
        await ensure_topics(own, "sync-runner")
        async with running(subscriptions.run):
            await send(own, event("run_1"))
            await eventually(lambda: effects(1), timeout=60)
            stack.kill("kafka")
            stack.start_program("kafka")
            stack.wait_ready("kafka")
            await send(own, event("run_2"))
            await eventually(lambda: effects(2), timeout=90)
            assert await subscriptions.dead_letters.list("sync-requests") == []
    stack.remove()
    assert await effects() == ["run_1", "run_2"]


class WatchedRelay(Relay):
    """A relay of which the test sees the lease."""

    lease: Lease

    async def _relay(self, lease: Lease, stop: asyncio.Event) -> None:
        self.lease = lease
        await super()._relay(lease, stop)


@pytest.mark.needs("kafka")
async def test_p11_a_relay_that_lost_its_lease_is_silent_at_once(
    settings: ServiceSettings, topic_prefix: str, units: UnitsOfWork, event
) -> None:
    """Kafka stands still until another relay has begun and this one knows it, and then goes on.

    Of what this one has in hand only that arrives which was on the wire already, one message for
    each partition: nothing later, though its sends would have had time for some seconds more.
    """
    database, made, events = units.database, [], 40

    def new_small_producer() -> AIOKafkaProducer:
        made.append(
            AIOKafkaProducer(
                bootstrap_servers=own.kafka_bootstrap_servers,
                enable_idempotence=True,
                max_batch_size=1,
            )
        )
        return made[-1]

    async def work(unit: UnitOfWork) -> None:
        unit.publish(*(event(f"run_{n}", f"syn_{n}").event for n in range(events)))

    async def first(unit: UnitOfWork) -> None:
        unit.publish(event("run_first").event)

    async def none_is_left() -> bool:
        return await database["outbox"].count_documents({"pending": True}) == 0

    async def sent() -> int:
        return len(await read_all(own, "sync-requests")) - 1

    taken_over = {
        "owner": "another",
        "fence": {"$add": ["$fence", 1]},
        "expires_at": mongo.from_now(3600),
    }
    name = f"test-{topic_prefix.strip('-')}-kafka"
    stack = LocalStack(Path(__file__).parents[4], name, programs=("kafka",), fresh=True)
    own = settings.with_(kafka_bootstrap_servers=stack.plan.kafka)
    relay = WatchedRelay(database, new_small_producer, own.kafka_topic_prefix)
    with stack:
        await ensure_topics(own, "scheduler")
        async with running(relay.run):
            # Once one event is through, the producer has all that it asks Kafka for at its start.
            await units.run(first)
            await eventually(none_is_left)
            kafka = psutil.Process(stack.pid("kafka"))
            kafka.suspend()
            await units.run(work)
            await eventually(lambda: bool(made[-1]._sender._in_flight))
            await database["leases"].update_one({"_id": "relay"}, [{"$set": taken_over}])
            await eventually(relay.lease.lost.is_set)
            kafka.resume()
            await eventually(lambda: made[-1]._closed and made[-1]._sender.sender_task.done())
            sent_in_all = [await sent()]
            await database["leases"].update_one(
                {"_id": "relay"}, [{"$set": {"expires_at": "$$NOW"}}]
            )
            await eventually(none_is_left)
            sent_in_all.append(await sent())
    stack.remove()
    on_the_wire = TOPICS["sync-requests"].partitions
    assert sent_in_all[0] <= on_the_wire < events
    assert events <= sent_in_all[1] <= events + on_the_wire
