"""P11, P13, P17: Kafka and MongoDB die and stay away in the middle of the story."""

from typing import Any

import pytest
from pymongo import MongoClient
from tablesync.contracts import TOPICS, ConnectionReconnected, ConnectionRevoked, RunProgressed
from tablesync.demo.measures import measure
from tablesync.demo.story import Story, mails_of
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.test_kit import eventually
from tablesync.test_kit.reaper import Death, Reaper

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("kafka"),
    pytest.mark.needs("mongod"),
    pytest.mark.timeout(900),
]

DATABASES = ("auth", "scheduler", "runner", "notifier")
ABSENCES = [Death("mongod", absence=8), Death("kafka", absence=8)]


async def test_p11_p13_p17_kafka_and_mongodb_die_and_stay_away_all_through_the_story(
    lone_stack: LocalStack, told_alone: tuple[Story, Watch], database_prefix: str
) -> None:
    story, watch = told_alone
    reaper = Reaper(lone_stack, ABSENCES, rounds=1)
    await story.connect()
    await story.create_syncs()
    async with reaper.at_work():
        await story.first_runs()
        await story.edit_and_uninstall()
        await story.held()
        await story.mail_arrives()
        await story.slots_are_missed()
    # A person's click needs a database; what it starts has to survive both.
    await story.press_the_button()
    async with reaper.at_work():
        await story.catch_up()
        await story.recovery_mail()
    await story.compare_everything()

    report = await measure(story, watch, story.stage.timeline, "kafka")
    assert report.tables_equal, story.comparisons
    assert set(report.catch_up_runs_by_sync.values()) == {1}
    assert (report.rejected, report.duplicates, report.failed_runs) == (0, 0, 0)
    for kind in ("revocation", "recovery"):
        assert len({mail["message_id"] for mail in await mails_of(story.sandbox, kind)}) == 1
    assert (report.mails.revocation, report.mails.recovery, report.mails.other) == (1, 1, 0)
    assert {each.event.key for each in watch.of(ConnectionRevoked)} == {story.hubspot}
    assert {each.event.key for each in watch.of(ConnectionReconnected)} == {story.hubspot}
    await story.ledgers_balance()
    await no_event_was_lost_or_invented(story, watch, lone_stack.info.mongodb, database_prefix)
    assert await dead_letters(story) == []


async def no_event_was_lost_or_invented(
    story: Story, watch: Watch, mongodb: str, database_prefix: str
) -> None:
    """Every outbox row is on its topic, and nothing is on a topic that no outbox has."""
    for sync in story.syncs.values():  # so that no new event comes while we compare
        await story.api.post("scheduler", f"/v1/syncs/{sync['id']}/pause")

    def differences() -> set[str]:
        stored = outboxes(mongodb, database_prefix)
        seen = {each.id for each in watch.arrivals if not isinstance(each.event, RunProgressed)}
        return stored ^ seen

    assert await eventually(lambda: not differences(), timeout=120), differences()


def outboxes(mongodb: str, prefix: str) -> set[str]:
    """Return the id of every event that a transaction has stored."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        rows = [client[prefix + name]["outbox"].find({}, {"_id": 1}) for name in DATABASES]
        return {row["_id"] for found in rows for row in found}


async def dead_letters(story: Story) -> list[dict[str, Any]]:
    """Return every message that any service has parked."""
    consumers = sorted({service for topic in TOPICS.values() for service in topic.consumers})
    return [each for name in consumers for each in await story.api.items(name, "/v1/dlq")]
