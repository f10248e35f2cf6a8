"""P11, P13, P17, P25: whoever dies, whenever and for how long, the story ends the same."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from pymongo import MongoClient
from tablesync.contracts import (
    TOPICS,
    ConnectionReconnected,
    ConnectionRevoked,
    RunProgressed,
    StateEvent,
)
from tablesync.demo.measures import measure
from tablesync.demo.story import Story, mails_of
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.test_kit import eventually
from tablesync.test_kit.reaper import Death, Reaper

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(900)]

DATABASES = ("auth", "scheduler", "runner", "notifier")
# Each service is killed and asked to stop, and two that follow each other die differently.
DEATHS = [
    Death("auth-service", signal.SIGKILL),
    Death("scheduler", signal.SIGTERM),
    Death("sync-runner", signal.SIGKILL),
    Death("notifier", signal.SIGTERM),
    Death("auth-service", signal.SIGTERM),
    Death("scheduler", signal.SIGKILL),
    Death("sync-runner", signal.SIGTERM),
    Death("notifier", signal.SIGKILL),
]
ABSENCES = [Death("mongod", absence=8), Death("kafka", absence=8)]


async def test_p11_p13_p17_p25_services_die_in_turn_all_through_the_story(
    stack: LocalStack, told: tuple[Story, Watch]
) -> None:
    story, watch = told
    await tell(story, Reaper(stack, DEATHS), partial(all_die_at_once, stack))
    # Killed while it handed a mail over, notifier may repeat it once, with the same Message-ID.
    await ended_as_ever(story, watch, stack, copies=2)


@pytest.mark.needs("kafka")
@pytest.mark.needs("mongod")
async def test_p11_p13_p17_kafka_and_mongodb_die_and_stay_away_all_through_the_story(
    lone_stack: LocalStack, told_alone: tuple[Story, Watch]
) -> None:
    story, watch = told_alone
    await tell(story, Reaper(lone_stack, ABSENCES, rounds=1))
    await ended_as_ever(story, watch, lone_stack, copies=1)


async def tell(
    story: Story, reaper: Reaper, after_the_click: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Tell the story while programs die, but in the moment of a person's click.

    It needs living services and a database; what it starts is what has to survive.
    """
    await story.connect()
    await story.create_syncs()
    async with reaper.at_work():
        await story.first_runs()
        await story.edit_and_uninstall()
        await story.held()
        await story.mail_arrives()
        await story.slots_are_missed()
    await story.press_the_button()
    if after_the_click:
        await after_the_click()
    async with reaper.at_work():
        await story.catch_up()
        await story.recovery_mail()
    assert reaper.torn() == [], "a service that was asked to stop did not end by itself in time"


async def ended_as_ever(story: Story, watch: Watch, stack: LocalStack, *, copies: int) -> None:
    """Assert that the story's end is the one without any death, but for copies of a mail."""
    await story.compare_everything()
    report = await measure(story, watch, story.stage.timeline, "kafka")
    assert report.tables_equal, story.comparisons
    assert set(report.catch_up_runs_by_sync.values()) == {1}
    assert (report.rejected, report.duplicates, report.failed_runs) == (0, 0, 0)
    assert {each.event.key for each in watch.of(ConnectionRevoked)} == {story.hubspot}
    assert {each.event.key for each in watch.of(ConnectionReconnected)} == {story.hubspot}
    for kind in ("revocation", "recovery"):
        mails = await mails_of(story.sandbox, kind)
        assert len({mail["message_id"] for mail in mails}) == 1
        assert len(mails) <= copies
    assert report.mails.other == 0
    await story.ledgers_balance()
    await no_event_was_lost_or_invented(story, watch, stack)
    assert await dead_letters(story) == []


async def all_die_at_once(stack: LocalStack) -> None:
    """Kill every service before any is started again: what they knew is only what they stored."""
    for act in (stack.kill, stack.start_program):
        for service in SERVICES:
            await asyncio.to_thread(act, service)


async def no_event_was_lost_or_invented(story: Story, watch: Watch, stack: LocalStack) -> None:
    """Every outbox row is on its topic, and nothing is on a topic that no outbox has.

    And what a topic says last of each connection and sync is what its owner has stored.
    """
    for sync in story.syncs.values():  # so that no new event comes while we compare
        await story.api.post("scheduler", f"/v1/syncs/{sync['id']}/pause")

    def differences() -> set[object]:
        with MongoClient[dict[str, Any]](stack.info.mongodb) as client:
            stored = Stored(client, stack.plan.given.database_prefix)
            return (stored.events() ^ seen(watch)) | (stored.states() ^ last_told(watch))

    assert await eventually(lambda: not differences(), timeout=120), differences()


@dataclass(frozen=True)
class Stored:
    """What the services have stored."""

    client: MongoClient[dict[str, Any]]
    prefix: str

    def events(self) -> set[str]:
        """Return the id of every event that a transaction has stored."""
        return {row["_id"] for name in DATABASES for row in self._all(name, "outbox")}

    def states(self) -> set[tuple[str, int]]:
        """Return each connection and sync with the sequence of its state."""
        owned = [*self._all("auth", "connections"), *self._all("scheduler", "syncs")]
        return {(row["_id"], row["sequence"]) for row in owned}

    def _all(self, database: str, collection: str) -> Iterable[dict[str, Any]]:
        return self.client[self.prefix + database][collection].find({}, {"sequence": 1})


def seen(watch: Watch) -> set[str]:
    """Return the id of every event that is on a topic, but for progress, which is lossy."""
    return {each.id for each in watch.arrivals if not isinstance(each.event, RunProgressed)}


def last_told(watch: Watch) -> set[tuple[str, int]]:
    """Return each connection and sync with the highest sequence that a topic has told of it."""
    told: dict[str, int] = {}
    for each in watch.of(StateEvent):
        assert isinstance(each.event, StateEvent)
        told[each.event.key] = max(told.get(each.event.key, 0), each.event.sequence)
    return set(told.items())


async def dead_letters(story: Story) -> list[dict[str, Any]]:
    """Return every message that any service has parked."""
    consumers = sorted({service for topic in TOPICS.values() for service in topic.consumers})
    return [each for name in consumers for each in await story.api.items(name, "/v1/dlq")]
