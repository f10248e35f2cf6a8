"""The FastStream broker of a service: parser, acknowledgement and start-up, said once."""

import asyncio
import dataclasses
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.messaging.consumer import (
    CONSUMED,
    Consumer,
    Following,
    Subscription,
    follow,
)
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.messaging.incarnations import Incarnations, incarnations
from tablesync.service_kit.messaging.kafka import administration, ensure_topics, new_producer
from tablesync.service_kit.messaging.places import Places
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.repeats import Trouble
from tablesync.service_kit.roles import pause, persist, unless_stopped
from tablesync.service_kit.settings import ProcessSettings

log = structlog.get_logger()

MAX_POLL_INTERVAL_MS = 300_000
NACK_WAIT_SECONDS = 0.5
NACK_WAIT_MAX_SECONDS = 30.0
DRAIN_SECONDS = 15.0
# The incarnation of a topic that is not there: no other is the same.
GONE = "gone"

Record: TypeAlias = "ConsumerRecord[Any, Any]"


class Subscriptions:
    """The consumer role: every subscription of a service over one FastStream broker."""

    def __init__(
        self,
        settings: ProcessSettings,
        service: str,
        units: UnitsOfWork | None,
        subscriptions: Sequence[Subscription] = (),
        followings: Sequence[Following] = (),
    ) -> None:
        self._settings = settings
        self._service = service
        self._subscriptions = subscriptions
        self._followings = followings
        self.dead_letters = DeadLetters(settings, service, lambda: new_producer(settings))
        self.consumers = {each.topic: self._consumer(each, units) for each in subscriptions}
        self.started = asyncio.Event()
        self._incarnations: Incarnations = {}
        self._begin_anew = asyncio.Event()

    def _consumer(self, subscription: Subscription, units: UnitsOfWork | None) -> Consumer:
        assert units, "whoever has no database can only follow"
        seconds = self._settings.message_attempt_seconds
        return Consumer(subscription, units, self.dead_letters, seconds)

    def compare(self, found: Incarnations) -> None:
        """Begin anew if a topic is another than the one that is read: our place means nothing."""
        for name, read in self._incarnations.items():
            if name not in found:
                self._incarnations[name] = GONE
            elif found[name] != read:
                self._begin_anew.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`, then finish the messages in hand."""
        await unless_stopped(self._prepare(), stop)
        while not stop.is_set():
            self._begin_anew.clear()
            broker = await unless_stopped(persist(lambda: self._start(stop), "broker"), stop)
            if broker is None:
                return
            self.started.set()
            await pause(stop, math.inf, self._begin_anew)
            await _stop(broker)

    async def _prepare(self) -> None:
        await persist(lambda: ensure_topics(self._settings, self._service), "topics")

    async def _start(self, stop: asyncio.Event) -> KafkaBroker:
        """Start a fresh broker: one that failed half-way would start its first half twice."""
        await self._find_topics()
        broker = self._build(stop)
        try:
            await broker.start()
            _fetch_when_all_is_handled(broker, self._settings.kafka_fetch_max_wait_ms / 1_000)
            await _reach_the_end(broker)
        except BaseException:
            await _stop(broker)
            raise
        return broker

    async def _find_topics(self) -> None:
        async with administration(self._settings) as admin:
            found = await incarnations(admin)
        topics = [each.topic for each in self._subscriptions]
        topics += [each.topic for each in self._followings]
        names = [self._settings.kafka_topic_prefix + each for each in topics]
        self._incarnations = {name: found.get(name, GONE) for name in names}

    def _build(self, stop: asyncio.Event) -> KafkaBroker:
        broker = KafkaBroker(
            self._settings.kafka_bootstrap_servers,
            client_id=f"tablesync-{self._service}",
            allow_auto_create_topics=False,
            consumer_only=True,
            graceful_timeout=DRAIN_SECONDS,
            apply_types=False,
            logger=None,
        )
        for subscription in self._subscriptions:
            self._subscribe(broker, subscription, stop)
        for following in self._followings:
            self._follow(broker, following)
        return broker

    def _subscribe(
        self, broker: KafkaBroker, subscription: Subscription, stop: asyncio.Event
    ) -> None:
        consumer = self.consumers[subscription.topic]
        backoff = Backoff(NACK_WAIT_SECONDS, NACK_WAIT_MAX_SECONDS)
        trouble = Trouble("message kept", "messages handled again", topic=subscription.topic)
        name = self._settings.kafka_topic_prefix + subscription.topic
        places = Places(self._incarnations[name])

        async def on_message(message: KafkaMessage) -> None:
            try:
                await consumer.consume(_record(message), stop)
            except Exception as error:
                CONSUMED.labels(subscription.topic, "kept").inc()
                trouble.met(error)
                # FastStream's nack alone would spin.
                await pause(stop, backoff.next())
                await _settle(message.nack, subscription.topic)
            else:
                backoff.reset()
                trouble.over()
                await _settle(partial(places.commit, message), subscription.topic)

        places.subscriber = self._register(
            broker,
            subscription.topic,
            on_message,
            listener=places,
            group_id=f"{self._settings.kafka_topic_prefix}{self._service}.{subscription.topic}",
            auto_offset_reset="earliest",
        )

    def _follow(self, broker: KafkaBroker, following: Following) -> None:
        async def on_message(message: KafkaMessage) -> None:
            await follow(following, _record(message))

        self._register(broker, following.topic, on_message, auto_offset_reset="latest")

    def _register(
        self,
        broker: KafkaBroker,
        topic: str,
        on_message: Callable[[KafkaMessage], Awaitable[None]],
        **options: Any,
    ) -> Any:
        subscriber = broker.subscriber(
            self._settings.kafka_topic_prefix + topic,
            ack_policy=AckPolicy.MANUAL,
            parser=parse_tolerantly,
            decoder=_undecoded,
            fetch_max_wait_ms=self._settings.kafka_fetch_max_wait_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            **options,
        )
        subscriber(on_message)
        return subscriber


async def _settle(settle: Callable[[], Awaitable[None]], topic: str) -> None:
    """Commit or rewind; after a rebalance neither is ours to do, and the inbox covers for it."""
    try:
        await settle()
    except KafkaError as error:
        log.info("message not settled", topic=topic, error=repr(error))


async def _stop(broker: KafkaBroker) -> None:
    """Finish what is in hand and leave; a Kafka that is away cannot be told."""
    try:
        await broker.stop()
    except Exception as error:
        log.warning("consumers not closed cleanly", error=repr(error))


def _fetch_when_all_is_handled(broker: KafkaBroker, wait_seconds: float) -> None:
    """Let no fetch for other partitions wait at Kafka while a message is handled.

    aiokafka sends one after a tenth of a second, and asks for this partition's next messages only
    once that has been answered; and it looks five times a second whether there is anything to do.
    It has no public way to say either.
    """
    for subscriber in broker.subscribers:
        fetcher = subscriber.consumer._fetcher  # type: ignore[attr-defined]
        fetcher._prefetch_backoff = MAX_POLL_INTERVAL_MS / 1_000
        fetcher._fetcher_timeout = wait_seconds


async def _reach_the_end(broker: KafkaBroker) -> None:
    """Fix where `latest` is before we say that we have started: it is looked up lazily."""
    for subscriber in broker.subscribers:
        consumer = subscriber.consumer  # type: ignore[attr-defined]
        if subscriber.group_id is None:  # type: ignore[attr-defined]
            for partition in consumer.assignment():
                await consumer.position(partition)


async def parse_tolerantly(
    record: Record, parse: Callable[[Record], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """Parse without ever raising: FastStream commits and skips what its parser refuses.

    FastStream sees no headers at all; the edge decodes them itself, from the raw record.
    """
    message = await parse(dataclasses.replace(record, headers=()))
    message.raw_message = record
    return message


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    return message


def _record(message: KafkaMessage) -> Record:
    record = message.raw_message
    assert not isinstance(record, tuple), "no subscriber reads batches"
    return record
