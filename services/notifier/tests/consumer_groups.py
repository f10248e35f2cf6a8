"""The consumer groups of a service, seen from outside: how far they are, and back to the start."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from tablesync.contracts import TOPICS
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually


class ConsumerGroups:
    """One group for each topic that a service listens to."""

    def __init__(self, settings: ServiceSettings, service: str, topics: Sequence[str]) -> None:
        self._servers = settings.kafka_bootstrap_servers
        self._prefix = settings.kafka_topic_prefix
        self._service = service
        self._topics = topics

    async def caught_up(self) -> None:
        """Wait until they have committed every message there is."""
        async with self._consumer() as consumer, self._admin() as admin:

            async def nothing_is_left() -> bool:
                return sum([await self._lag(consumer, admin, each) for each in self._topics]) == 0

            await eventually(nothing_is_left, timeout=60, interval=0.25)

    async def begin_anew(self) -> None:
        """Make the service, when it runs again, read every topic from the start."""
        for topic in self._topics:
            async with self._consumer(self._group(topic)) as consumer:
                partitions = self._partitions(topic)
                consumer.assign(partitions)
                await consumer.commit(dict.fromkeys(partitions, 0))

    async def _lag(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topic: str) -> int:
        ends = await consumer.end_offsets(self._partitions(topic))
        committed = await admin.list_consumer_group_offsets(self._group(topic))
        done = {each: max(0, offset.offset) for each, offset in committed.items()}
        return sum(end - done.get(each, 0) for each, end in ends.items())

    def _partitions(self, topic: str) -> list[TopicPartition]:
        name = self._prefix + topic
        return [TopicPartition(name, each) for each in range(TOPICS[topic].partitions)]

    def _group(self, topic: str) -> str:
        return f"{self._prefix}{self._service}.{topic}"

    @asynccontextmanager
    async def _consumer(self, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, client_id="test")
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()
