"""The progress board: tells Kafka how far runs have come, straight and lossy."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from tablesync.contracts import Envelope, RunProgressed
from tablesync.service_kit.messaging.kafka import ensure_topics, new_producer
from tablesync.service_kit.repeats import Trouble
from tablesync.service_kit.roles import pause, persist, unless_stopped
from tablesync.service_kit.settings import ServiceSettings

log = structlog.get_logger()

EVERY_SECONDS = 0.25
STOP_SECONDS = 5.0
AGAIN_SECONDS = 1.0
Look = Callable[[], RunProgressed]


class ProgressBoard:
    """Looks at the active runs four times a second, and sends what has changed."""

    def __init__(self, settings: ServiceSettings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._looks: set[Look] = set()
        self._some = asyncio.Event()
        self._sent: dict[str, RunProgressed] = {}

    @contextmanager
    def shown(self, look: Look) -> Iterator[None]:
        """Show a run while the block runs."""
        self._looks.add(look)
        self._some.set()
        try:
            yield
        finally:
            self._looks.discard(look)
            self._sent.pop(look().run_id, None)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`, whatever it meets; what cannot be sent is not kept."""
        await unless_stopped(persist(self._ensure_topics, "topics"), stop)
        trouble = Trouble("progress not shown", "progress is shown again")
        while not stop.is_set():
            try:
                await unless_stopped(self._send_with_one_producer(trouble), stop)
            except Exception as error:
                trouble.met(error)
            await pause(stop, AGAIN_SECONDS)

    async def _ensure_topics(self) -> None:
        await ensure_topics(self._settings, self._source)

    async def _send_with_one_producer(self, trouble: Trouble) -> None:
        producer = new_producer(self._settings)
        try:
            await producer.start()
            while await self._some.wait():
                await self._send(producer)
                trouble.over()
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), STOP_SECONDS)

    async def _send(self, producer: AIOKafkaProducer) -> None:
        if not self._looks:
            self._some.clear()
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
