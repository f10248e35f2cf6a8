"""P11, P17, P25: whichever service dies, and whenever, the story ends the same."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked
from tablesync.demo.measures import measure
from tablesync.demo.story import Story, mails_of
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
SIGNALS = (signal.SIGKILL,) * len(SERVICES) + (signal.SIGTERM,) * len(SERVICES)


async def test_p11_p17_p25_services_die_in_turn_all_through_the_story(
    stack: LocalStack, told: tuple[Story, Watch]
) -> None:
    story, watch = told
    await story.connect()
    await story.create_syncs()
    async with dying_in_turn(stack) as deaths:
        await story.first_runs()
        await story.edit_and_uninstall()
        await story.held()
        await story.mail_arrives()
        await story.slots_are_missed()
    assert len(deaths) >= len(SERVICES), "the story was over before each had died once"
    # A person's click needs a living service: what it starts is what has to survive.
    await story.press_the_button()
    await all_die_at_once(stack)
    async with dying_in_turn(stack):
        await story.catch_up()
        await story.recovery_mail()
    await story.compare_everything()

    report = await measure(story, watch, story.stage.timeline, "kafka")
    assert report.tables_equal, story.comparisons
    assert set(report.catch_up_runs_by_sync.values()) == {1}
    assert (report.rejected, report.duplicates, report.failed_runs) == (0, 0, 0)
    assert {each.event.key for each in watch.of(ConnectionRevoked)} == {story.hubspot}
    assert {each.event.key for each in watch.of(ConnectionReconnected)} == {story.hubspot}
    for kind in ("revocation", "recovery"):
        # Killed while it handed a mail over, notifier may repeat it: with the same Message-ID.
        mails = await mails_of(story.sandbox, kind)
        assert len({mail["message_id"] for mail in mails}) == 1
    assert report.mails.other == 0
    await story.ledgers_balance()


async def all_die_at_once(stack: LocalStack) -> None:
    """Kill every service before any is started again: what they knew is only what they stored."""
    for act in (stack.kill, stack.start_program):
        for service in SERVICES:
            await asyncio.to_thread(act, service)


@asynccontextmanager
async def dying_in_turn(stack: LocalStack) -> AsyncIterator[list[str]]:
    """Let one service die after the other, and all be there again at the end; return who died."""
    deaths: list[str] = []
    enough = asyncio.Event()
    reaper = asyncio.create_task(_kill_in_turn(stack, deaths, enough))
    try:
        yield deaths
    finally:
        enough.set()
        await reaper


async def _kill_in_turn(stack: LocalStack, deaths: list[str], enough: asyncio.Event) -> None:
    """Kill, or ask to stop, a service and let it come back before the next."""
    for program, sign in itertools.cycle(zip(SERVICES * 2, SIGNALS, strict=True)):
        if enough.is_set():
            return
        end = stack.kill if sign is signal.SIGKILL else stack.stop_program
        await asyncio.to_thread(end, program)
        deaths.append(program)
        await asyncio.to_thread(stack.start_program, program)
        await asyncio.to_thread(stack.wait_ready, program)
