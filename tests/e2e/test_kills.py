"""P11, P17, P25: whichever service dies, and whenever, the story ends the same."""

import asyncio
import signal

import pytest
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked
from tablesync.demo.measures import measure
from tablesync.demo.story import Story, mails_of
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.test_kit.reaper import Death, Reaper

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
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


async def test_p11_p17_p25_services_die_in_turn_all_through_the_story(
    stack: LocalStack, told: tuple[Story, Watch]
) -> None:
    story, watch = told
    reaper = Reaper(stack, DEATHS)
    await story.connect()
    await story.create_syncs()
    async with reaper.at_work():
        await story.first_runs()
        await story.edit_and_uninstall()
        await story.held()
        await story.mail_arrives()
        await story.slots_are_missed()
    # A person's click needs a living service: what it starts is what has to survive.
    await story.press_the_button()
    await all_die_at_once(stack)
    async with reaper.at_work():
        await story.catch_up()
        await story.recovery_mail()
    assert reaper.torn() == [], "a service that was asked to stop did not end by itself in time"
    await story.compare_everything()

    report = await measure(story, watch, story.stage.timeline, "kafka")
    assert report.tables_equal, story.comparisons
    assert set(report.catch_up_runs_by_sync.values()) == {1}
    assert (report.rejected, report.duplicates, report.failed_runs) == (0, 0, 0)
    assert {each.event.key for each in watch.of(ConnectionRevoked)} == {story.hubspot}
    assert {each.event.key for each in watch.of(ConnectionReconnected)} == {story.hubspot}
    for kind in ("revocation", "recovery"):
        # Killed while it handed a mail over, notifier may repeat it once, with the same Message-ID.
        mails = await mails_of(story.sandbox, kind)
        assert len({mail["message_id"] for mail in mails}) == 1
        assert len(mails) <= 2
    assert report.mails.other == 0
    await story.ledgers_balance()


async def all_die_at_once(stack: LocalStack) -> None:
    """Kill every service before any is started again: what they knew is only what they stored."""
    for act in (stack.kill, stack.start_program):
        for service in SERVICES:
            await asyncio.to_thread(act, service)
