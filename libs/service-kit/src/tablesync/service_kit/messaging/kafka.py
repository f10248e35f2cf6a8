"""Kafka's producer and topics, as every service uses them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    for_code,
)
from tablesync.contracts import TOPICS
from tablesync.service_kit.settings import ProcessSettings

DEAD_LETTERS_KEPT_HOURS = 24 * 30
# After so many none is left, not even in a segment that is not full.
DEAD_LETTERS_GONE_DAYS = DEAD_LETTERS_KEPT_HOURS // 24 + 14
MESSAGE_MAX_BYTES = 4 * 1024 * 1024
# A parked message carries its reason too, so its topic and the producer allow for more.
HEADROOM_BYTES = 64 * 1024
SILENT_SECONDS = 1.0


def new_producer(settings: ProcessSettings) -> AIOKafkaProducer:
    """Make an idempotent producer that waits for all replicas."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=10_000,
        max_request_size=MESSAGE_MAX_BYTES + HEADROOM_BYTES,
    )


@asynccontextmanager
async def started(producer: AIOKafkaProducer) -> AsyncIterator[AIOKafkaProducer]:
    """Start a producer for a block, and surely end it: also one that failed to start.

    What the block has not waited for, or has given up, is not sent later.
    """
    try:
        await producer.start()
        yield producer
    finally:
        await silence(producer)


async def silence(producer: AIOKafkaProducer) -> None:
    """Have a producer send nothing more, at once, and fail what waits for being sent.

    aiokafka has no public way to give up what an idempotent producer has in hand.
    """
    producer._closed = True
    if sender := producer._sender.sender_task:
        sender.cancel()
    await producer.client.close()
    producer._message_accumulator.fail_all(KafkaConnectionError("the producer was silenced"))
    if sender:
        await asyncio.wait({sender}, timeout=SILENT_SECONDS)


async def read_until(
    consumer: AIOKafkaConsumer, partition: TopicPartition, end: int
) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    """Yield a partition's messages from where the consumer stands up to an offset."""
    while await consumer.position(partition) < end:
        yield await consumer.getone(partition)


async def ensure_topics(settings: ProcessSettings, service: str) -> None:
    """Create the topics that this service writes or reads, and its dead-letter topics."""
    topics = topics_of(settings, service)
    if not topics:
        return
    async with administration(settings) as admin:
        response = await admin.create_topics(topics)
        _raise_failures(response.topic_errors)


@asynccontextmanager
async def administration(settings: ProcessSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect to Kafka's administration for a block."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def topics_of(settings: ProcessSettings, service: str) -> list[NewTopic]:
    """Return the topics that a service makes sure of; none where the broker makes them itself."""
    if settings.kafka_auto_created_topics:
        return []
    return list(_topics_of(service, settings.kafka_topic_prefix))


def outlasting_dead_letters(days: int) -> int:
    """Return for how long to remember what must never be done again, or not any more.

    `days` outlast the topic itself; at their end a message may have been parked, to be replayed.
    """
    return days + DEAD_LETTERS_GONE_DAYS


def _topics_of(service: str, prefix: str) -> Iterable[NewTopic]:
    for topic in TOPICS.values():
        if service in (topic.producer, *topic.consumers, *topic.followers):
            yield _new_topic(prefix + topic.name, topic.partitions, topic.retention_hours)
        if service in topic.consumers:
            yield _new_topic(
                prefix + topic.dead_letters_of(service),
                1,
                DEAD_LETTERS_KEPT_HOURS,
                MESSAGE_MAX_BYTES + HEADROOM_BYTES,
            )


def _new_topic(
    name: str, partitions: int, retention_hours: int, max_bytes: int = MESSAGE_MAX_BYTES
) -> NewTopic:
    return NewTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=-1,
        replica_assignments={},  # aiokafka asks for it beside -1, the broker's own default
        topic_configs={
            "retention.ms": str(retention_hours * 3_600_000),
            "max.message.bytes": str(max_bytes),
        },
    )


def _raise_failures(topic_errors: Iterable[tuple[str, int, str | None]]) -> None:
    for name, code, message in topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message}")


def is_unavailable(error: BaseException) -> bool:
    """Whether Kafka was away, rather than the request wrong."""
    return isinstance(error, KafkaConnectionError | KafkaTimeoutError) or (
        isinstance(error, KafkaError) and bool(error.retriable)
    )
