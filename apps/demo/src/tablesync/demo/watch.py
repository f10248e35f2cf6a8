"""Follows the public topics, as any subscriber may, and remembers when each event arrived."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from tablesync.contracts import (
    TOPICS,
    Event,
    MalformedEventError,
    SyncHeld,
    UnknownEventTypeError,
)
from tablesync.contracts.envelope import decode


@dataclass(frozen=True)
class Arrival:
    """An event, its id, and when it was seen here: unix milliseconds."""

    at_ms: float
    event: Event
    id: str


@dataclass
class Watch:
    """Everything seen on the topics since the watch began; of one workspace, if it is named."""

    bootstrap_servers: str
    on_event: Callable[[Arrival], None]
    topic_prefix: str = ""
    workspace_id: str | None = None
    arrivals: list[Arrival] = field(default_factory=list)
    _task: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Begin to read every topic, from its beginning."""
        consumer = AIOKafkaConsumer(
            *(self.topic_prefix + topic for topic in TOPICS),
            bootstrap_servers=self.bootstrap_servers,
            group_id=None,
            client_id=f"demo-{uuid4().hex[:8]}",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
            metadata_max_age_ms=1_000,
        )
        await consumer.start()
        self._task = asyncio.create_task(self._read(consumer))

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def of(self, kind: type[Event]) -> list[Arrival]:
        """Return the arrivals of one kind of event."""
        return [each for each in self.arrivals if isinstance(each.event, kind)]

    def last_held_ms(self) -> float:
        """Say when the last sync was seen held; 0 if none was."""
        return max((each.at_ms for each in self.of(SyncHeld)), default=0.0)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        try:
            async for record in consumer:
                with suppress(MalformedEventError, UnknownEventTypeError):
                    envelope = decode(record.headers, record.value)
                    if self.workspace_id in (None, envelope.event.workspace_id):
                        self._note(Arrival(time.time() * 1000, envelope.event, envelope.id))
        finally:
            await consumer.stop()

    def _note(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self.on_event(arrival)
