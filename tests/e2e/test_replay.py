"""P07 and P12: a pause outlives a reconnect, and replaying every topic changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from pymongo import MongoClient
from tablesync.contracts import TOPICS
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.test_kit import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(600)]

CONSUMERS = ("scheduler", "sync-runner", "notifier")
# What a replay may touch: who holds which lease, which calls were budgeted when, and what readiness
# last wrote.
LIVING = {"leases", "budgets", "slots", "instances", "write_probes"}
# scheduler and notifier show in tests of their own that they need no inbox for it.
WITHOUT_INBOX = "runner"
DATABASES = ("scheduler", "runner", "notifier")


async def test_p07_p12_a_pause_stays_and_replaying_every_topic_changes_nothing(
    stack: LocalStack,
    told: tuple[Story, Watch],
    kafka_bootstrap: str,
    mongodb_uri: str,
    topic_prefix: str,
    database_prefix: str,
) -> None:
    story, _ = told
    await story.connect()
    await story.create_syncs()
    await story.first_runs()
    paused = story.syncs.pop("deals")
    await story.api.post("scheduler", f"/v1/syncs/{paused['id']}/pause")
    await eventually(lambda: quiet(story, paused), timeout=180)
    paused_runs = len(await story.runs(paused))
    await story.sandbox.control("hubspot", "7001", "uninstall")
    await story.held()
    await sync_now_is_refused(story)
    await story.mail_arrives()
    await story.slots_are_missed()
    await story.press_the_button()
    await story.catch_up()
    await story.recovery_mail()
    assert (await story.api.get("scheduler", f"/v1/syncs/{paused['id']}"))["paused"] is True
    assert len(await story.runs(paused)) == paused_runs

    for sync in story.syncs.values():
        await story.api.post("scheduler", f"/v1/syncs/{sync['id']}/pause")
        await eventually(lambda sync=sync: quiet(story, sync), timeout=180)
    await delete(story, paused)
    await eventually(
        lambda: is_forgotten(mongodb_uri, database_prefix + "runner", paused["id"]), timeout=60
    )
    mails = len(await story.sandbox.messages())
    for service in CONSUMERS:
        stack.stop_program(service)
    empty_inbox(mongodb_uri, database_prefix + WITHOUT_INBOX)
    before = dump(mongodb_uri, database_prefix)

    rewound = [
        await rewind(kafka_bootstrap, topic_prefix, service, topic.name)
        for topic in TOPICS.values()
        for service in topic.consumers
    ]
    assert sum(rewound) > 0
    for service in CONSUMERS:
        stack.start_program(service)
        stack.wait_ready(service)
    for topic in TOPICS.values():
        for service in topic.consumers:
            await eventually(
                lambda service=service, topic=topic: caught_up(
                    kafka_bootstrap, topic_prefix, service, topic.name
                ),
                timeout=180,
            )

    for service in CONSUMERS:
        stack.stop_program(service)
    empty_inbox(mongodb_uri, database_prefix + WITHOUT_INBOX)
    assert dump(mongodb_uri, database_prefix) == before
    assert len(await story.sandbox.messages()) == mails


async def sync_now_is_refused(story: Story) -> None:
    """P08: Sync Now answers 409 with the cause."""
    path = f"/v1/syncs/{story.syncs['contacts']['id']}/run"
    answer = await story.api.attempt("POST", "scheduler", path)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["hold"]["kind"] == "connection"


async def quiet(story: Story, sync: dict[str, Any]) -> bool:
    return all(run["ended_at"] for run in await story.runs(sync))


async def delete(story: Story, sync: dict[str, Any]) -> None:
    path = f"/v1/syncs/{sync['id']}"
    assert (await story.api.attempt("DELETE", "scheduler", path)).status_code == 204
    assert await story.runs(sync), "the history stays"


async def is_forgotten(uri: str, name: str, sync_id: str) -> bool:
    """Whether sync-runner has heard of a deletion, and keeps nothing of the sync but its runs."""
    with MongoClient[dict[str, Any]](uri) as client:
        left = [
            client[name][collection].find_one({field: sync_id})
            for collection, field in (
                ("record_states", "sync_id"),
                ("rejections", "sync_id"),
                ("checkpoints", "_id"),
            )
        ]
        known = client[name]["deleted_syncs"].find_one({"_id": sync_id, "left": None})
        return known is not None and left == [None] * 3


def dump(uri: str, prefix: str) -> dict[str, Any]:
    """Return every document of the consuming services, but for leases and budgets."""
    with MongoClient[dict[str, Any]](uri) as client:
        return {
            f"{name}.{collection}": sorted(
                client[prefix + name][collection].find(), key=lambda row: str(row["_id"])
            )
            for name in DATABASES
            for collection in client[prefix + name].list_collection_names()
            if collection not in LIVING
        }


def empty_inbox(uri: str, database: str) -> None:
    """Have a service know no message any more: what it stored has to tell it all."""
    with MongoClient[dict[str, Any]](uri) as client:
        assert client[database]["inbox"].delete_many({}).deleted_count


async def rewind(bootstrap: str, prefix: str, service: str, topic: str) -> int:
    """Put a group back to the start of a topic; return how many messages that replays."""
    async with group(bootstrap, prefix, service, topic) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
        return sum(ends.values())


async def caught_up(bootstrap: str, prefix: str, service: str, topic: str) -> bool:
    async with group(bootstrap, prefix, service, topic) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        return all([await consumer.committed(each) == ends[each] for each in partitions])


@asynccontextmanager
async def group(
    bootstrap: str, prefix: str, service: str, topic: str
) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """Look into a consumer group's offsets from outside it."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"{prefix}{service}.{topic}",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(prefix + topic, number) for number in range(TOPICS[topic].partitions)
        ]
        consumer.assign(partitions)
        yield consumer, partitions
    finally:
        await consumer.stop()
