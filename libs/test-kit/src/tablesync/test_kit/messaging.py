"""For tests of the kit and of services: roles that run for a block, raw messages, a cut network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from tablesync.contracts import Envelope, Event
from tablesync.service_kit.messaging.kafka import new_producer, read_until, started
from tablesync.service_kit.settings import ServiceSettings

RunRole = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
RawHeaders = Sequence[tuple[str, bytes | None]]
STOP_SECONDS = 30.0


@asynccontextmanager
async def running(*roles: RunRole) -> AsyncIterator[asyncio.Event]:
    """Run roles during a block, then stop them and wait; raises what a role raised."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(role(stop)) for role in roles]
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.gather(*tasks)


async def send(settings: ServiceSettings, *envelopes: Envelope[Event]) -> None:
    """Send events to their topics, in order, as a relay would."""
    async with started(new_producer(settings)) as producer:
        for each in envelopes:
            topic = settings.kafka_topic_prefix + each.event.topic
            key = each.event.key.encode()
            await producer.send_and_wait(topic, each.value(), key=key, headers=each.headers())


async def send_raw(
    settings: ServiceSettings, topic: str, *messages: tuple[RawHeaders, bytes], partition: int = 0
) -> None:
    """Send anything at all to one partition of a topic, in order."""
    async with started(new_producer(settings)) as producer:
        for headers, value in messages:
            await producer.send_and_wait(
                settings.kafka_topic_prefix + topic, value, headers=headers, partition=partition
            )


async def read_all(settings: ServiceSettings, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Read a topic from its beginning to its present end."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers, enable_auto_commit=False
    )
    name = settings.kafka_topic_prefix + topic
    await consumer.start()
    try:
        await consumer._client._wait_on_metadata(name)
        found = consumer.partitions_for_topic(name) or ()
        partitions = [TopicPartition(name, each) for each in sorted(found)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        return [r for p in partitions async for r in read_until(consumer, p, ends[p])]
    finally:
        await consumer.stop()


class Forwarder:
    """A TCP port on loopback that leads to a server, can be cut, and opened again."""

    def __init__(self, host: str, port: int, own_port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._streams: set[asyncio.StreamWriter] = set()
        self.port = own_port

    async def open(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for stream in list(self._streams):
            stream.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        self._streams |= {writer, server_writer}
        with suppress(ConnectionError):
            await asyncio.gather(_pump(reader, server_writer), _pump(server_reader, writer))
        self._streams -= {writer, server_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
