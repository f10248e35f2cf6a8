"""The progress board: tells Kafka how far runs have come, straight and lossy."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from tablesync.contracts import Envelope, RunProgressed
from tablesync.service_kit.kafka import new_producer
from tablesync.service_kit.roles import pause
from tablesync.sync_runner.settings import Settings

log = structlog.get_logger()

EVERY_SECONDS = 0.25
STOP_SECONDS = 5.0
Look = Callable[[], RunProgressed]


class ProgressBoard:
    """Looks at the active runs four times a second, and sends what has changed."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._looks: set[Look] = set()
        self._sent: dict[str, RunProgressed] = {}

    @contextmanager
    def shown(self, look: Look) -> Iterator[None]:
        """Show a run while the block runs, and how it stood at the end."""
        self._looks.add(look)
        try:
            yield
        finally:
            self._looks.discard(look)
            last = look()
            self._sent.pop(last.run_id, None)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; without Kafka nothing is sent, and nothing is kept."""
        while not stop.is_set():
            with suppress(KafkaError, TimeoutError):
                await self._send_with_one_producer(stop)
            await pause(stop, 1.0)

    async def _send_with_one_producer(self, stop: asyncio.Event) -> None:
        producer = new_producer(self._settings)
        try:
            await producer.start()
            while not stop.is_set():
                await self._send(producer)
                await pause(stop, EVERY_SECONDS)
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), STOP_SECONDS)

    async def _send(self, producer: AIOKafkaProducer) -> None:
        for look in list(self._looks):
            event = look()
            if self._sent.get(event.run_id) != event:
                self._sent[event.run_id] = event
                envelope = Envelope(event, self._source)
                await producer.send(
                    self._settings.kafka_topic_prefix + event.topic,
                    envelope.value(),
                    key=event.key.encode(),
                    headers=envelope.headers(),
                )
