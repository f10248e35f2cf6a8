"""The relay (of the transactional outbox): publishes its rows, in order by key, at least once.

Rows are read by (key, sequence), never by id or watermark, since commit order is neither. One
relay per service is active, by lease. A row is marked after Kafka has acknowledged it: a crash
between the two publishes it again, which every consumer's inbox makes harmless. The producer is
rebuilt after every failure, a lost lease included: an idempotent one would go on sending.

A row that Kafka refuses stops its key. One that cannot be read is alarmed and stops nothing: a
consumer takes facts in any order, and leaves out a state that comes after a later one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from prometheus_client import Counter
from pymongo import ASCENDING
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.messaging import kafka, outbox
from tablesync.service_kit.messaging.outbox import Row
from tablesync.service_kit.mongo import SNAPSHOT, Database, Document
from tablesync.service_kit.mongo.batch_size import BatchSize
from tablesync.service_kit.mongo.changes import POLL_SECONDS
from tablesync.service_kit.mongo.leases import Lease, Leases
from tablesync.service_kit.mongo.reading import Found, read_all
from tablesync.service_kit.repeats import Trouble
from tablesync.service_kit.roles import pause, persist, unless_stopped
from tablesync.service_kit.settings import ServiceSettings
from tablesync.service_kit.telemetry import span_from

log = structlog.get_logger()

BATCH = 1_000
LEASE_SECONDS = 10.0
RETRY_SECONDS = 1.0
REST_SECONDS = 30.0
PUBLISHED = Counter("outbox_published_total", "Outbox rows published.", ["topic"])


class _Resting:
    """Values of a field whose rows are left alone for a while: at once they would fail again."""

    def __init__(self) -> None:
        self._until: list[tuple[Any, Deadline]] = []

    def add(self, *values: Any) -> None:
        self._until += [(each, Deadline(REST_SECONDS)) for each in values]

    def excluded(self) -> Document:
        """Return the condition that leaves them out."""
        self._until = [each for each in self._until if not each[1].passed()]
        return {"$nin": [value for value, _ in self._until]}


class Relay:
    """Publishes one service's outbox until it is told to stop."""

    def __init__(
        self,
        database: Database,
        new_producer: Callable[[], AIOKafkaProducer],
        topic_prefix: str = "",
        stored: asyncio.Event | None = None,
    ) -> None:
        """Make the relay; `stored` is set when there may be new rows, which are polled as well."""
        self._rows = database[outbox.COLLECTION]
        self._unpublished = database.client.get_database(
            database.name, codec_options=database.codec_options, read_concern=SNAPSHOT
        )[outbox.COLLECTION]
        self._leases = Leases(database)
        self._new_producer = new_producer
        self._prefix = topic_prefix
        self._stored = stored or asyncio.Event()
        self._batch = BatchSize(BATCH)
        self._resting_keys, self._resting_ids = _Resting(), _Resting()
        self._trouble = Trouble("relay interrupted", "relay publishes again")

    async def run(self, stop: asyncio.Event) -> None:
        """Be the active relay whenever the lease is free; never raise but for cancellation."""
        while not stop.is_set():
            try:
                lease = await self._leases.acquire("relay", LEASE_SECONDS)
                if lease is not None:
                    async with self._leases.kept(lease):
                        await self._relay(lease, stop)
            except Exception as error:
                self._trouble.met(error)
            await pause(stop, RETRY_SECONDS)

    async def _relay(self, lease: Lease, stop: asyncio.Event) -> None:
        """Publish with one producer, until the lease or the producer is lost."""
        producer = self._new_producer()
        silencer = asyncio.create_task(_silence_once_lost(producer, lease))
        try:
            async with kafka.started(producer):
                while lease.remaining() > 0 and not stop.is_set():
                    self._stored.clear()
                    if not await self._publish_batch(producer, lease):
                        await pause(stop, min(POLL_SECONDS, lease.remaining()), self._stored)
        finally:
            silencer.cancel()

    async def _publish_batch(self, producer: AIOKafkaProducer, lease: Lease) -> int:
        """Publish what is pending, keys side by side, and return how many rows went out.

        A key that fails neither stops nor delays the others; its error is raised at the end.
        """
        with self._batch.fitted() as limit:
            by_key = await self._pending(limit)
        sent: list[Any] = []
        try:
            failures = await asyncio.gather(
                *(self._publish_key(producer, key, by_key[key], lease, sent) for key in by_key)
            )
        finally:
            await self._mark(sent)
        if failure := next((each for each in failures if each), None):
            raise failure
        if sent:
            self._trouble.over()
        return len(sent)

    async def _pending(self, limit: int) -> dict[str, list[Row]]:
        """Return rows by key; however many cannot be read, they hide none behind them."""
        found = await self._read(limit)
        while found.unread_ids and not found.items:
            found = await self._read(limit)
        by_key: dict[str, list[Row]] = defaultdict(list)
        for row in found.items:
            by_key[row.key].append(row)
        return by_key

    async def _read(self, limit: int) -> Found[Row]:
        cursor = self._unpublished.find(
            {
                "pending": True,
                "key": self._resting_keys.excluded(),
                "_id": self._resting_ids.excluded(),
            },
            sort=[("key", ASCENDING), ("sequence", ASCENDING), ("_id", ASCENDING)],
            limit=limit,
        )
        found = read_all(self._rows, Row.model_validate, await cursor.to_list(limit))
        self._resting_ids.add(*found.unread_ids)
        return found

    async def _publish_key(
        self,
        producer: AIOKafkaProducer,
        key: str,
        rows: Iterable[Row],
        lease: Lease,
        sent: list[Any],
    ) -> Exception | None:
        """Publish one key's rows in order; the first failure stops the key and is given back."""
        try:
            for row in rows:
                async with asyncio.timeout(lease.remaining()):
                    await self._send(producer, row)
                sent.append(row.id)
        except Exception as error:
            if not (isinstance(error, TimeoutError) or kafka.is_unavailable(error)):
                log.warning("row not published", key=key, error=repr(error))
                self._resting_keys.add(key)
            return error
        return None

    async def _send(self, producer: AIOKafkaProducer, row: Row) -> None:
        headers = [(name, text.encode()) for name, text in row.headers]
        with span_from(dict(row.headers).get("traceparent"), "publish", topic=row.topic):
            await producer.send_and_wait(
                self._prefix + row.topic, row.value, key=row.key.encode(), headers=headers
            )
        PUBLISHED.labels(row.topic).inc()

    async def _mark(self, sent: list[Any]) -> None:
        if sent:
            await self._rows.update_many(
                {"_id": {"$in": sent}},
                [{"$set": {"published_at": "$$NOW"}}, {"$unset": "pending"}],
            )


async def _silence_once_lost(producer: AIOKafkaProducer, lease: Lease) -> None:
    """Whoever has the lease next must find this producer silent, whatever else hangs here."""
    await lease.lost.wait()
    await kafka.silence(producer)


class Publishing:
    """The relay role: it has started once Kafka is there and has the service's topics."""

    def __init__(self, settings: ServiceSettings, service: str, relay: Relay) -> None:
        self._settings = settings
        self._service = service
        self._relay = relay
        self.started = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for the topics, then publish until `stop`."""
        await unless_stopped(persist(self._ensure_topics, "topics"), stop)
        if not stop.is_set():
            self.started.set()
            await self._relay.run(stop)

    async def _ensure_topics(self) -> None:
        await kafka.ensure_topics(self._settings, self._service)
