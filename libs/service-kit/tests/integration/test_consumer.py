"""The consumers' edge: once each, in order, and past whatever cannot be handled."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Producer
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit.messaging.broker import MAX_POLL_INTERVAL_MS, Subscriptions
from tablesync.service_kit.messaging.consumer import CONSUMED
from tablesync.service_kit.messaging.dead_letters import CUT_HEADERS, CUT_KEY_BYTES, CUT_VALUE_BYTES
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import RawHeaders, running, send, send_raw

Effects = Callable[..., Awaitable[list[str]]]
LARGE = 8 * 1024 * 1024


async def test_a_message_delivered_twice_has_one_effect(
    settings, event, new_subscriptions, effects: Effects
) -> None:
    await ensure_topics(settings, "sync-runner")
    first, second = event("run_1"), event("run_2")
    await send(settings, first, first, second, first)
    async with running(new_subscriptions().run):
        await eventually(lambda: effects(2))
    assert await effects() == ["run_1", "run_2"]


async def test_no_message_waits_for_a_fetch_that_began_while_another_was_handled(
    settings: ServiceSettings, event, new_subscriptions, effects: Effects
) -> None:
    """Kafka would answer a fetch for the other partitions after 30 s, and only then the next."""
    begun = asyncio.Event()

    async def take_a_second(handled: RunCancelRequested, unit: UnitOfWork) -> None:
        begun.set()
        await asyncio.sleep(1)
        await unit.database["effects"].insert_one({"run_id": handled.run_id}, session=unit.session)

    patient = settings.with_(kafka_fetch_max_wait_ms=30_000)
    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_1"))
    async with running(new_subscriptions(take_a_second, settings=patient).run):
        await asyncio.wait_for(begun.wait(), 60)
        await send(settings, event("run_2"))
        await eventually(lambda: effects(2), timeout=20)


def send_nothing(settings: ServiceSettings, topic: str) -> None:
    """Send a message without key, value and headers, as other clients than aiokafka can."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    producer.produce(settings.kafka_topic_prefix + topic, partition=0)
    assert producer.flush(30) == 0


def parking_times(
    subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> dict[int, float]:
    """Note when each offset's dead letter was acknowledged by Kafka, on the monotonic clock."""
    times: dict[int, float] = {}
    park = subscriptions.dead_letters.park

    async def park_and_note(topic: str, record: Any, error: Exception) -> None:
        await park(topic, record, error)
        times[record.offset] = time.monotonic()

    monkeypatch.setattr(subscriptions.dead_letters, "park", park_and_note)
    return times


async def test_p13_what_is_after_a_poison_message_is_handled(
    settings, event, new_subscriptions, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raising, malformed, headerless, empty and non-UTF-8 messages are parked.

    An unknown type is skipped.
    """
    await ensure_topics(settings, "sync-runner")
    skipped_before = CONSUMED.labels("sync-requests", "unknown")._value.get()

    delivered: list[float] = []

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        if event.run_id == "run_poison":
            delivered.append(time.monotonic())
            raise ValueError("this run cannot be cancelled")
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)

    good, poison, last = event("run_1"), event("run_poison"), event("run_last")
    not_utf8 = [*good.headers(), ("note", b"\xff\xfe")]
    unknown = [
        (n, b"tablesync.run.exploded.v9" if n == "ce_type" else v) for n, v in good.headers()
    ]
    await send_raw(
        settings,
        "sync-requests",
        (good.headers(), good.value()),
        (poison.headers(), poison.value()),
        (event().headers(), b'{"workspace_id": '),
        (event().headers(), b'{"workspace_id": "ws_1"}'),
        (unknown, b"{}"),
        (not_utf8, good.value()),
        ([], b"no CloudEvent"),
        ([("ce_id", None)], b"{}"),
    )
    send_nothing(settings, "sync-requests")
    await send_raw(settings, "sync-requests", (last.headers(), last.value()))
    subscriptions = new_subscriptions(handle)
    parked = parking_times(subscriptions, monkeypatch)
    async with running(subscriptions.run):
        await eventually(lambda: effects(2), timeout=90)
        letters = await subscriptions.dead_letters.list("sync-requests")
    assert await effects() == ["run_1", "run_last"]
    assert [each.offset for each in letters] == [1, 2, 3, 5, 6, 7, 8]
    # Fewer, and a peer's odd answer or a lost race parks it; more, and it is not in time.
    assert len(delivered) == 5
    assert parked[1] - delivered[0] <= 30
    reasons = [each.reason for each in letters]
    assert reasons[0] == "ValueError: this run cannot be cancelled"
    assert "Invalid JSON" in reasons[1]
    assert "sync_id: Field required" in reasons[2]
    assert "not UTF-8" in reasons[3]
    assert "missing header(s): ce_id" in reasons[4]
    assert reasons[4] == reasons[5] == reasons[6]
    assert letters[5].headers == [("ce_id", None)]
    assert letters[6].value == b""
    assert letters[3].headers[-1] == ("note", b"\xff\xfe")
    assert letters[0].value == poison.value()
    assert CONSUMED.labels("sync-requests", "unknown")._value.get() == skipped_before + 1


async def send_compressed(
    settings: ServiceSettings, *messages: tuple[bytes | None, RawHeaders, bytes]
) -> None:
    """Send messages with gzip: topics limit the compressed size."""
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        compression_type="gzip",
        max_request_size=2 * LARGE,
    ) as producer:
        for key, headers, value in messages:
            await producer.send_and_wait(
                f"{settings.kafka_topic_prefix}sync-requests",
                value,
                key=key,
                headers=headers,
                partition=0,
            )


async def test_p13_what_is_after_a_poison_message_too_large_to_park_is_handled(
    settings, event, new_subscriptions, effects: Effects
) -> None:
    """Its value, its key, one header or all headers are too large: its beginning is parked."""
    await ensure_topics(settings, "sync-runner")
    good, last = event("run_1"), event("run_last")
    headers = event().headers()
    await send_compressed(
        settings,
        (b"syn_1", good.headers(), good.value()),
        (b"syn_1", headers, b"x" * LARGE),
        (b"k" * LARGE, headers, b"{"),
        (b"syn_1", [("note", b"x" * LARGE), *headers], b"{"),
        (b"syn_1", [*headers, *[("note", b"x" * 512)] * (LARGE // 512)], b"{"),
        (b"syn_1", [*headers, ("dlq_cut_from", b"me")], b"{"),
        (b"syn_1", last.headers(), last.value()),
    )
    subscriptions = new_subscriptions()
    async with running(subscriptions.run):
        await eventually(lambda: effects(2), timeout=90)
        letters = await subscriptions.dead_letters.list("sync-requests")
    assert await effects() == ["run_1", "run_last"]
    assert [each.offset for each in letters] == [1, 2, 3, 4, 5]
    assert all(each.reason.startswith("MalformedEventError: ") for each in letters)
    value, key, header, many, small = letters
    assert all((each.cut_from_bytes or 0) > LARGE for each in letters[:-1])
    assert value.value == b"x" * CUT_VALUE_BYTES
    assert value.headers == headers
    assert key.key == "k" * CUT_KEY_BYTES
    assert header.headers == headers
    assert many.headers[: len(headers)] == headers
    assert len(many.headers) <= CUT_HEADERS
    assert (small.cut_from_bytes, small.value, small.key) == (None, b"{", "syn_1")


async def test_p13_a_message_that_the_dead_letter_topic_refuses_is_cut_too(
    settings, event, new_subscriptions, effects: Effects
) -> None:
    """Where somebody else created the topics, the broker may allow for less than we do."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        name = f"{settings.kafka_topic_prefix}sync-requests.sync-runner-dlq"
        limit = {"max.message.bytes": str(100 * 1024)}
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=limit)])
    finally:
        await admin.close()
    await ensure_topics(settings, "sync-runner")
    last, noise = event("run_last"), os.urandom(1024 * 1024)
    await send_raw(
        settings,
        "sync-requests",
        (event().headers(), noise),
        (last.headers(), last.value()),
    )
    subscriptions = new_subscriptions()
    async with running(subscriptions.run):
        await eventually(lambda: effects(1), timeout=90)
        [letter] = await subscriptions.dead_letters.list("sync-requests")
    assert (letter.cut_from_bytes or 0) > len(noise)
    assert letter.value == noise[:CUT_VALUE_BYTES]


async def test_p13_a_handler_that_hangs_is_parked_within_30_seconds(
    settings, event, new_subscriptions, effects: Effects
) -> None:
    """With attempts as long as services make them: shorter ones would measure themselves."""
    # The first proves nothing: no write came before it. One of the others alone may have met a
    # moment in which the database was slow.
    tries = 3
    assert tries * settings.message_attempt_seconds < MAX_POLL_INTERVAL_MS / 1000 / 2
    began: list[float] = []
    await ensure_topics(settings, "sync-runner")

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        if event.run_id == "run_hangs":
            began.append(time.monotonic())
            await asyncio.Event().wait()
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)

    await send(settings, event("run_hangs"), event("run_2"))
    subscriptions = new_subscriptions(handle)
    async with running(subscriptions.run):
        await eventually(lambda: effects(1), timeout=90)
        seconds = time.monotonic() - began[0]
        letters = await subscriptions.dead_letters.list("sync-requests")
    assert [each.reason for each in letters] == ["TimeoutError: "]
    assert len(began) == tries
    assert seconds <= 30


async def test_a_message_that_fails_for_a_moment_is_handled_not_parked(
    settings, event, new_subscriptions, effects: Effects
) -> None:
    await ensure_topics(settings, "sync-runner")
    failures = iter([ValueError(each) for each in ("first", "second", "third", "fourth")])

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        if failure := next(failures, None):
            raise failure
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)

    await send(settings, event("run_1"))
    subscriptions = new_subscriptions(handle)
    async with running(subscriptions.run):
        await eventually(lambda: effects(1))
        assert await subscriptions.dead_letters.list("sync-requests") == []


async def test_a_message_that_hangs_twice_is_handled_not_parked(
    settings, event, new_subscriptions, effects: Effects
) -> None:
    """Between the first two attempts the database took one write: that may have been luck."""
    await ensure_topics(settings, "sync-runner")
    hangs = iter(range(2))

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        if next(hangs, None) is not None:
            await asyncio.Event().wait()
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)

    await send(settings, event("run_1"), event("run_2"))
    subscriptions = new_subscriptions(handle, settings=settings.with_(message_attempt_seconds=3.0))
    async with running(subscriptions.run):
        await eventually(lambda: effects(2), timeout=90)
        assert await subscriptions.dead_letters.list("sync-requests") == []
    assert await effects() == ["run_1", "run_2"]


async def test_p12_reading_the_topic_from_its_start_changes_nothing(
    settings: ServiceSettings, event, new_subscriptions, effects: Effects, topic_prefix: str
) -> None:
    await ensure_topics(settings, "sync-runner")
    await send(settings, *(event(f"run_{n}") for n in range(5)))
    async with running(new_subscriptions().run):
        before = await eventually(lambda: effects(5))
    repeated = CONSUMED.labels("sync-requests", "repeated")._value
    already = repeated.get()
    # Another group id is what Kafka sees when offsets are lost or reset: all comes again.
    subscriptions = new_subscriptions()
    subscriptions._service = "sync-runner.replay"
    subscriptions._prepare = lambda: asyncio.sleep(0)
    async with running(subscriptions.run):
        await eventually(lambda: repeated.get() == already + 5)
    assert await effects() == before
