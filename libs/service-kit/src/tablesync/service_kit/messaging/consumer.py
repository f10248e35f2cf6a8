"""The edge of every consumer: acknowledges a message only after its effect is committed.

(a) MongoDB, Kafka or another service is away: wait, leave the message, repeat for ever.
(b) The message can never be read: dead letters, at once. An unknown type: skip and count.
(c) This one message fails five times within 20 s: dead letters, and the partition goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import stamina
import structlog
from aiokafka import ConsumerRecord
from prometheus_client import Counter
from tablesync.contracts import Envelope, Event, MalformedEventError, UnknownEventTypeError
from tablesync.contracts.envelope import decode
from tablesync.service_kit import mongo
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.messaging import inbox
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.telemetry import span_from

log = structlog.get_logger()

Handler = Callable[[Any, UnitOfWork], Awaitable[None]]
Follower = Callable[[Any], Awaitable[None]]

ATTEMPTS = 5
ATTEMPTS_SECONDS = 20.0
HANDLING_SECONDS = 25.0
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
        self, subscription: Subscription, units: UnitsOfWork, dead_letters: DeadLetters
    ) -> None:
        self._subscription = subscription
        self._units = units
        self._dead_letters = dead_letters

    async def consume(self, record: ConsumerRecord[bytes, bytes]) -> None:
        """Handle a message, or park it; raises only while something it needs is away."""
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
        await self._handle_or_park(record, envelope)

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
                await self._units.run(work)
            except inbox.AlreadyHandledError:
                CONSUMED.labels(self._subscription.topic, "repeated").inc()

    async def _handle_or_park(
        self, record: ConsumerRecord[bytes, bytes], envelope: Envelope[Event]
    ) -> None:
        try:
            await self._handle_patiently(envelope)
        except Exception as error:
            if is_unavailable(error) or not await self._is_its_own_fault(error):
                raise
            await self._park(record, error)
        else:
            CONSUMED.labels(self._subscription.topic, "handled").inc()

    async def _handle_patiently(self, envelope: Envelope[Event]) -> None:
        """Try up to five times; a handler that hangs is stopped well before Kafka's patience."""
        async with asyncio.timeout(HANDLING_SECONDS):
            async for attempt in stamina.retry_context(
                on=_is_worth_another_try,
                attempts=ATTEMPTS,
                timeout=ATTEMPTS_SECONDS,
                wait_initial=0.1,
            ):
                with attempt:
                    await self.handle(envelope)

    async def _is_its_own_fault(self, error: Exception) -> bool:
        """Tell a handler that hangs from a database that does not answer any more."""
        return not isinstance(error, TimeoutError) or await mongo.answers(self._units.database)

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


def _is_worth_another_try(error: BaseException) -> bool:
    """Refuse cancellation as well: stamina would swallow it and call a stopped handler again."""
    return isinstance(error, Exception) and not is_unavailable(error)


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
