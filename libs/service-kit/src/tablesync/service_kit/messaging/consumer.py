"""The edge of every consumer: acknowledges a message only after its effect is committed.

(a) MongoDB, Kafka or another service is away: wait, leave the message, repeat for ever.
(b) The message can never be read: dead letters, at once. An unknown type: skip and count.
(c) This one message fails, and nothing else is to blame (`blame`): dead letters within 30 s, and
    the partition goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from prometheus_client import Counter
from tablesync.contracts import Envelope, Event, MalformedEventError, UnknownEventTypeError
from tablesync.contracts.envelope import decode
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.clock import AwakeTime
from tablesync.service_kit.messaging import inbox
from tablesync.service_kit.messaging.blame import Blame
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import pause
from tablesync.service_kit.telemetry import span_from

log = structlog.get_logger()

Handler = Callable[[Any, UnitOfWork], Awaitable[None]]
Follower = Callable[[Any], Awaitable[None]]

ATTEMPT_SECONDS = 8.0
# What of an attempt its transaction may take, so that it ends before the attempt is cut off.
UNIT_SHARE = 0.6
FIRST_WAIT_SECONDS = 0.1
LAST_WAIT_SECONDS = 2.0
CONSUMED = Counter("messages_consumed_total", "Messages by what became of them.", ["topic", "end"])


@dataclass(frozen=True)
class Subscription:
    """One topic that a service consumes: which handler takes which event."""

    topic: str
    handlers: Mapping[type[Event], Handler]


@dataclass(frozen=True)
class Following:
    """One topic that every process reads from latest, with no group: lossy, no inbox."""

    topic: str
    handlers: Mapping[type[Event], Follower]


class Consumer:
    """Handles the messages of one subscription, each as one unit of work."""

    def __init__(
        self,
        subscription: Subscription,
        units: UnitsOfWork,
        dead_letters: DeadLetters,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        self._subscription = subscription
        self._units = units
        self._dead_letters = dead_letters
        self._attempt_seconds = attempt_seconds

    async def consume(
        self, record: ConsumerRecord[bytes, bytes], stop: asyncio.Event | None = None
    ) -> None:
        """Handle a message, or park it.

        Raises where it is to be kept: while something it needs is away, or once `stop` is set.
        """
        topic = self._subscription.topic
        try:
            envelope = decode(record.headers, record.value)
        except UnknownEventTypeError as error:
            log.info("unknown event type skipped", topic=topic, type=str(error))
            CONSUMED.labels(topic, "unknown").inc()
            return
        except MalformedEventError as error:
            await self._park(record, error)
            return
        await self._handle_or_park(record, envelope, stop or asyncio.Event())

    async def handle(self, envelope: Envelope[Event]) -> None:
        """Run the handler once, in one transaction with the inbox row; a replay is a no-op."""
        handler = self._subscription.handlers.get(type(envelope.event))
        if handler is None:
            return

        async def work(unit: UnitOfWork) -> None:
            await inbox.refuse_repeats(unit, self._subscription.topic, envelope.id)
            await handler(envelope.event, unit)
            await inbox.record(unit, self._subscription.topic, envelope.id)

        with span_from(envelope.traceparent, f"handle {envelope.event.type}"):
            try:
                await self._units.run(work, self._attempt_seconds * UNIT_SHARE)
            except inbox.AlreadyHandledError:
                CONSUMED.labels(self._subscription.topic, "repeated").inc()

    async def _handle_or_park(
        self,
        record: ConsumerRecord[bytes, bytes],
        envelope: Envelope[Event],
        stop: asyncio.Event,
    ) -> None:
        blame, waits = Blame(self._units.database), Backoff(FIRST_WAIT_SECONDS, LAST_WAIT_SECONDS)
        while failure := await self._attempt(envelope):
            error, awake = failure
            if await blame.falls_on_message(error, awake):
                await self._park_unless_handled(record, envelope, error)
                return
            await pause(stop, waits.next())
            if stop.is_set():
                raise error
        CONSUMED.labels(self._subscription.topic, "handled").inc()

    async def _attempt(self, envelope: Envelope[Event]) -> tuple[Exception, AwakeTime] | None:
        """Handle a message once, within its time; returns what failed, and how long that took."""
        awake = AwakeTime()
        try:
            async with awake.limited_to(self._attempt_seconds):
                await self.handle(envelope)
        except Exception as error:
            return error, awake
        return None

    async def _park_unless_handled(
        self, record: ConsumerRecord[bytes, bytes], envelope: Envelope[Event], error: Exception
    ) -> None:
        """Ask for the outcome first: who was cut off in a commit does not know it."""
        topic = self._subscription.topic
        if not await inbox.has(self._units.database, topic, envelope.id):
            await self._park(record, error)

    async def _park(self, record: ConsumerRecord[bytes, bytes], error: Exception) -> None:
        await self._dead_letters.park(self._subscription.topic, record, error)
        CONSUMED.labels(self._subscription.topic, "parked").inc()
        log.error(
            "message parked",
            topic=self._subscription.topic,
            offset=record.offset,
            partition=record.partition,
            error=repr(error),
        )


async def follow(following: Following, record: ConsumerRecord[bytes, bytes]) -> None:
    """Hand a followed message to its handler; what cannot be read or fails is passed over."""
    try:
        envelope = decode(record.headers, record.value)
        handler = following.handlers.get(type(envelope.event))
        if handler is not None:
            await handler(envelope.event)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.warning("followed message passed over", topic=following.topic, error=repr(error))
