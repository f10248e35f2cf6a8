"""A topic is deleted while several replicas of several services use it.

One publishes to it; two groups with two members each consume it. Whoever makes the topic again,
and whenever the others notice, each group handles each later message exactly once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from kafka_faults import FEW_LINES, delete, incarnation, ready, replace, tells
from tablesync.contracts import TOPICS, Envelope, SyncStarted
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging.consumer import Subscription
from tablesync.service_kit.messaging.kafka import administration
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.messaging import running, send

pytestmark = pytest.mark.timeout(400)

TOPIC = "run-events"
GROUPS = ("scheduler", "notifier")
REPLICAS = ("sync-runner", *GROUPS, *GROUPS)
SYNCS = 12


@dataclass(frozen=True)
class Platform:
    """The replicas, by their settings, and the databases of their services."""

    settings: ServiceSettings
    client: mongo.Client
    replicas: list[ServiceSettings]

    def database(self, name: str) -> mongo.Database:
        return mongo.open_database(self.client, self.settings.mongodb_database_prefix + name)

    async def publish(self, runs: Iterable[int]) -> None:
        """Store an event of each run in the publisher's outbox."""

        async def work(unit: UnitOfWork) -> None:
            unit.publish(*(begun(each) for each in runs))

        await UnitsOfWork(self.database("sync-runner"), "sync-runner").run(work)

    async def all_are_well(self) -> None:
        await asyncio.gather(*(tells(own, 200, kafka=True) for own in self.replicas))

    async def one_tells(self) -> None:
        """Wait until a replica says of itself that Kafka is not as it should be."""

        async def told() -> bool:
            said = await asyncio.gather(*(ready(own) for own in self.replicas))
            return (503, False) in said

        await eventually(told)

    async def counted(self, runs: int) -> None:
        """Wait until each group has handled so many runs, each once."""
        expected = Counter(run_id(each) for each in range(runs))

        async def handled(group: str) -> bool:
            found = await self.database(group)["effects"].find().to_list(None)
            return Counter(each["run_id"] for each in found) == expected

        for group in GROUPS:
            await eventually(lambda group=group: handled(group), timeout=120)


def run_id(number: int) -> str:
    return f"run_{number:03}"


def begun(number: int) -> SyncStarted:
    return SyncStarted(
        workspace_id="ws_1",
        sync_id=f"syn_{number % SYNCS}",
        run_id=run_id(number),
        trigger="manual",
        started_at="2026-11-22T09:45:00.000Z",
        summary="It has begun.",
    )


async def count(event: SyncStarted, unit: UnitOfWork) -> None:
    await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


def replica(name: str, settings: ServiceSettings) -> Service:
    """Make a service that publishes to the topic, or consumes it, with a client of its own."""
    consumes = name in GROUPS
    return Service(
        Resources.open(name, settings, database=name),
        subscriptions=[Subscription(TOPIC, {SyncStarted: count})] if consumes else [],
        publishes=not consumes,
    )


@asynccontextmanager
async def platform(settings: ServiceSettings) -> AsyncIterator[Platform]:
    """Run every replica during a block."""
    client = mongo.connect(settings.mongodb_uri)
    replicas = [settings.with_(http_port=free_port()) for _ in REPLICAS]
    services = [replica(*each) for each in zip(REPLICAS, replicas, strict=True)]
    async with running(*(each.run for each in services)):
        started = Platform(settings, client, replicas)
        await started.all_are_well()
        yield started
    client.close()


async def test_p11_a_deleted_topic_is_made_again_once_for_all_replicas(
    settings: ServiceSettings,
) -> None:
    own = settings.with_(kafka_check_seconds=2.0)
    with own_logs() as logs:
        async with platform(own) as story:
            await story.publish(range(24))
            await story.counted(24)
            await delete(own, TOPIC)
            await story.one_tells()
            await story.publish(range(24, 48))
            await story.all_are_well()
            made = await described(own)
            await story.publish(range(48, 96))
            await story.counted(96)
            assert await described(own) == made
    assert made[1:] == contracted()
    told = Counter(each["event"] for each in logs)
    assert 1 <= told["kafka away"] == told["kafka back"] <= len(REPLICAS)
    assert len(logs) <= FEW_LINES, told


async def test_p11_a_place_in_a_deleted_topic_leaves_out_nothing_of_its_successor(
    settings: ServiceSettings,
) -> None:
    """A member that has not noticed yet writes its old places into the new topic."""
    async with platform(settings) as story:
        await story.publish(range(48))
        await story.counted(48)
    before = await incarnation(settings, TOPIC)
    await replace(settings, TOPIC, "sync-runner")
    await commit(settings, 12, f"{before}")
    await send(settings, *(Envelope(begun(each), "sync-runner") for each in range(48, 144)))
    async with platform(settings) as story:
        await story.counted(144)


async def commit(settings: ServiceSettings, offset: int, incarnation: str) -> None:
    """Have the places of each group be this one, as one of its members would."""
    topic = settings.kafka_topic_prefix + TOPIC
    partitions = [TopicPartition(topic, each) for each in range(TOPICS[TOPIC].partitions)]
    for name in GROUPS:
        member = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=f"{settings.kafka_topic_prefix}{name}.{TOPIC}",
            enable_auto_commit=False,
        )
        member.assign(partitions)
        await member.start()
        await member.commit(dict.fromkeys(partitions, (offset, incarnation)))
        await member.stop()


def contracted() -> tuple[int, str]:
    topic = TOPICS[TOPIC]
    return topic.partitions, str(topic.retention_hours * 3_600_000)


async def described(settings: ServiceSettings) -> tuple[str | None, int, str]:
    """Return which incarnation the topic is, its partitions, and how long it keeps messages."""
    name = settings.kafka_topic_prefix + TOPIC
    async with administration(settings) as admin:
        [topic] = await admin.describe_topics([name])
        wanted = ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None})
        [answer] = await admin.describe_configs([wanted])
    return (
        await incarnation(settings, TOPIC),
        len(topic["partitions"]),
        answer.resources[0][4][0][1],
    )
