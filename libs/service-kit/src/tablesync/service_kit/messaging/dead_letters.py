"""Dead letters (dead-letter queue): a topic per consumer group, to be replayed to it alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from tablesync.contracts import TOPICS
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.messaging.kafka import read_until, started
from tablesync.service_kit.redaction import redact_text
from tablesync.service_kit.settings import ProcessSettings

PARK_SECONDS = 15.0
READ_SECONDS = 10.0
PAGE = 100
PAGE_BYTES = 16 * 1024 * 1024
REASON_MAX_CHARACTERS = 2_000
# What is kept of a message that is too large, together far below any broker's limit.
CUT_VALUE_BYTES = 32 * 1024
CUT_KEY_BYTES = 1024
CUT_HEADERS = 64
CUT_HEADER_BYTES = 512
# What stands for a number that a letter's notes do not tell.
UNKNOWN = -1
LONGEST_NUMBER = 18
_PREFIX = "dlq_"
RawHeaders = Sequence[tuple[str, bytes | None]]
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


@dataclass(frozen=True)
class DeadLetter:
    """A parked message and why it was parked; `id` is its offset in the dead-letter topic.

    Where only the beginning was kept, `cut_from_bytes` says how large the message was. Where it was
    parked by somebody else, what he did not tell is UNKNOWN, and the reason names it.
    """

    id: int
    topic: str
    partition: int
    offset: int
    reason: str
    parked_at: str
    cut_from_bytes: int | None
    key: str | None
    headers: list[tuple[str, bytes | None]]
    value: bytes

    @property
    def type(self) -> str | None:
        """The `ce_type`, as far as it can be read."""
        raw = dict(self.headers).get("ce_type")
        return raw.decode(errors="replace") if raw else None


class DeadLetters:
    """The dead letters of one service."""

    def __init__(
        self,
        settings: ProcessSettings,
        service: str,
        new_producer: Callable[[], AIOKafkaProducer],
    ) -> None:
        self._settings = settings
        self._service = service
        self._new_producer = new_producer

    def topic(self, topic: str) -> str:
        """Name the Kafka topic, prefix included."""
        return self._settings.kafka_topic_prefix + TOPICS[topic].dead_letters_of(self._service)

    async def park(
        self, topic: str, record: ConsumerRecord[bytes, bytes], error: Exception
    ) -> None:
        """Store a message with the reason, as it came or cut; raises while Kafka is away."""
        try:
            async with asyncio.timeout(PARK_SECONDS):
                await self._store_whole_or_cut(topic, record, error)
        except TimeoutError as error_:
            raise DependencyUnavailableError("kafka") from error_

    async def _store_whole_or_cut(
        self, topic: str, record: ConsumerRecord[bytes, bytes], error: Exception
    ) -> None:
        """Try the whole: what the topic took compressed may be too large as it is."""
        try:
            await self._store(topic, record, _notes(record, error))
        except _TOO_LARGE:
            await self._store(topic, _cut(record), _notes(record, error, _size(record)))

    async def _store(
        self, topic: str, record: ConsumerRecord[bytes, bytes], notes: RawHeaders
    ) -> None:
        value = record.value or b""  # aiokafka sends no message without a key and a value
        headers = [*record.headers, *notes]
        async with started(self._new_producer()) as producer:
            await producer.send_and_wait(
                self.topic(topic), value, key=record.key, headers=headers, partition=0
            )

    async def list(self, topic: str, start: int = 0, limit: int = PAGE) -> list[DeadLetter]:
        """Return parked messages from an id on, oldest first; none only if there are none."""
        async with self._reader(topic) as (consumer, partition, begin, end):
            start = max(begin, start)
            _read_from(consumer, partition, start)
            records = read_until(consumer, partition, min(end, start + limit))
            return [_letter(topic, each) for each in await _fill_page(records)]

    async def get(self, topic: str, letter_id: int) -> DeadLetter | None:
        """Return one parked message, if Kafka still has it."""
        async with self._reader(topic) as (consumer, partition, begin, end):
            if not begin <= letter_id < end:
                return None
            _read_from(consumer, partition, letter_id)
            return _letter(topic, await consumer.getone(partition))

    @asynccontextmanager
    async def _reader(
        self, topic: str
    ) -> AsyncIterator[tuple[AIOKafkaConsumer, TopicPartition, int, int]]:
        """Open a topic; yields the first id that is there, too, and the next that will be."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers, enable_auto_commit=False
        )
        partition = TopicPartition(self.topic(topic), 0)
        try:
            async with asyncio.timeout(READ_SECONDS):
                await consumer.start()
                begin = (await consumer.beginning_offsets([partition]))[partition]
                end = (await consumer.end_offsets([partition]))[partition]
                yield consumer, partition, begin, end
        except TimeoutError as error:
            raise DependencyUnavailableError("kafka") from error
        finally:
            await consumer.stop()


def _read_from(consumer: AIOKafkaConsumer, partition: TopicPartition, start: int) -> None:
    """Read a partition from there on, without beginning to wait at its end as long as one may."""
    consumer.assign([partition])
    consumer.seek(partition, start)


async def _fill_page(
    records: AsyncIterator[ConsumerRecord[bytes, bytes]],
) -> list[ConsumerRecord[bytes, bytes]]:
    """Read all, or less: a page of large messages must not fill the memory."""
    page, size = [], 0
    async for record in records:
        page.append(record)
        size += _size(record)
        if size >= PAGE_BYTES:
            break
    return page


def _notes(record: ConsumerRecord[bytes, bytes], error: Exception, cut_from: int = 0) -> RawHeaders:
    """Say why, and where the original is; each note always, lest a sender's header pass for it."""
    notes = {
        "reason": redact_text(f"{type(error).__name__}: {error}")[:REASON_MAX_CHARACTERS],
        "partition": str(record.partition),
        "offset": str(record.offset),
        "at": rfc3339(datetime.now(UTC)),
        "cut_from": str(cut_from),
    }
    return [(_PREFIX + name, text.encode(errors="replace")) for name, text in notes.items()]


def _cut(record: ConsumerRecord[bytes, bytes]) -> ConsumerRecord[bytes, bytes]:
    """Keep the beginning of a message, and its first small headers."""
    small = [each for each in record.headers if _header_size(*each) <= CUT_HEADER_BYTES]
    return replace(
        record,
        key=record.key and record.key[:CUT_KEY_BYTES],
        value=record.value and record.value[:CUT_VALUE_BYTES],
        headers=tuple(small[:CUT_HEADERS]),
    )


def _size(record: ConsumerRecord[bytes, bytes]) -> int:
    headers = sum(_header_size(*each) for each in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def _header_size(name: str, raw: bytes | None) -> int:
    return len(name.encode()) + len(raw or b"")


def _letter(topic: str, record: ConsumerRecord[bytes, bytes]) -> DeadLetter:
    notes = {
        name.removeprefix(_PREFIX): raw.decode(errors="replace")
        for name, raw in record.headers
        if name.startswith(_PREFIX) and raw is not None
    }
    partition, offset = _number(notes.get("partition", "")), _number(notes.get("offset", ""))
    cut_from = _number(notes.get("cut_from", "0"))
    read = {"partition": partition, "offset": offset, "cut_from": cut_from}
    unread = ", ".join(name for name, number in read.items() if number == UNKNOWN)
    reason = [notes.get("reason", ""), f"(not to be read: {unread})" if unread else ""]
    return DeadLetter(
        id=record.offset,
        topic=topic,
        partition=partition,
        offset=offset,
        reason=" ".join(filter(None, reason)),
        parked_at=notes.get("at", ""),
        cut_from_bytes=max(cut_from, 0) or None,
        key=record.key.decode(errors="replace") if record.key else None,
        headers=[(name, raw) for name, raw in record.headers if not name.startswith(_PREFIX)],
        value=record.value or b"",
    )


def _number(text: str) -> int:
    """Read a note; the topic is open to others, and one odd letter must not hide all."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else UNKNOWN
