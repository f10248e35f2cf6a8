"""P11, P25: whatever is killed, and whenever, the story ends the same."""

import asyncio
import itertools
import signal
from contextlib import suppress

import pytest
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked
from tablesync.demo.measures import measure
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
SIGNALS = (signal.SIGKILL,) * len(SERVICES) + (signal.SIGTERM,) * len(SERVICES)


async def test_p11_p25_services_die_in_turn_all_through_the_story(
    stack: LocalStack, told: tuple[Story, Watch]
) -> None:
    story, watch = told
    await story.connect()
    await story.create_syncs()
    reaper = asyncio.create_task(_kill_in_turn(stack))
    try:
        await story.first_runs()
        await story.edit_and_uninstall()
        await story.held()
        await story.mail_arrives()
        await story.slots_are_missed()
    finally:
        reaper.cancel()
        with suppress(asyncio.CancelledError):
            await reaper
    await story.press_the_button()
    await story.catch_up()
    await story.recovery_mail()
    await story.compare_everything()

    report = await measure(story, watch, story.stage.timeline, "kafka")
    assert report.tables_equal, story.comparisons
    assert report.mails.model_dump() == {"revocation": 1, "recovery": 1}
    assert set(report.catch_up_runs_by_sync.values()) == {1}
    assert (report.rejected, report.duplicates) == (0, 0)
    assert {each.event.key for each in watch.of(ConnectionRevoked)} == {story.hubspot}
    assert {each.event.key for each in watch.of(ConnectionReconnected)} == {story.hubspot}


async def _kill_in_turn(stack: LocalStack) -> None:
    """Kill, or ask to stop, one service after the other, each time letting it come back first."""
    for program, sign in itertools.cycle(zip(SERVICES * 2, SIGNALS, strict=True)):
        if sign is signal.SIGKILL:
            await asyncio.to_thread(stack.kill, program)
        else:
            await asyncio.to_thread(stack.stop_program, program)
        await asyncio.to_thread(stack.start_program, program)
        await asyncio.to_thread(stack.wait_ready, program, 60)
