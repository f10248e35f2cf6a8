"""P17 across crashes, replicas, outages of the mail server and unknown outcomes."""

import asyncio
import signal
import threading
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP
from notifier_world import World, held_sync
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked
from tablesync.test_kit import free_port

pytestmark = pytest.mark.integration
# Two starts of a process, and a dead one's session at Kafka to be timed out.
SLOW = pytest.mark.timeout(400)
# What the dead process had in hand is free again soon.
SHORT_LEASE = {"notifier_smtp_seconds": 3, "notifier_lease_seconds": 6}


@SLOW
async def test_p17_same_across_kill_9_while_the_mail_is_handed_over(world: World) -> None:
    """The server took the mail but its answer never came: one repeat, never a second."""
    taken = asyncio.Event()
    loop = asyncio.get_running_loop()

    def take_and_break_off(server: SMTP, mail: EmailMessage) -> str:
        loop.call_soon_threadsafe(taken.set)
        return "250 taken, and break off"

    world.smtp.answer = take_and_break_off
    await world.start_process(**SHORT_LEASE)
    await world.publish(world.events.connection(ConnectionRevoked))
    await asyncio.wait_for(taken.wait(), 60)
    await world.kill_process()
    await world.start_process(**SHORT_LEASE)
    await world.jobs_rest()

    assert len(world.smtp.message_ids) == 1
    assert len(world.smtp.mails) == 2
    (incident,) = await world.incidents()
    assert incident["mails"][0]["sent_at"]


@SLOW
async def test_p25_sigterm_finishes_the_mail_in_hand(world: World) -> None:
    """The answer comes after the signal: the mail is known to be sent, and is not repeated."""
    taken, answer = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def take_slowly(server: SMTP, mail: EmailMessage) -> str:
        loop.call_soon_threadsafe(taken.set)
        answer.wait(60)
        return "250 OK"

    world.smtp.answer = take_slowly
    await world.start_process(notifier_smtp_seconds=60, notifier_lease_seconds=60)
    await world.publish(world.events.connection(ConnectionRevoked))
    await asyncio.wait_for(taken.wait(), 60)
    world.signal_process(signal.SIGTERM)
    loop.call_later(0.5, answer.set)
    assert await world.process_ended() == 0

    job = await world.job("revocation")
    assert (job["status"], job["confirmed"]) == ("sent", True)
    assert len(world.smtp.mails) == 1


@SLOW
async def test_p17_same_across_kill_9_in_the_middle_of_many(world: World) -> None:
    """Some are lost while others are regained, and the notifier dies: one mail of each kind."""
    first, second = ([f"con_{n}" for n in numbers] for numbers in (range(5), range(5, 10)))
    await world.start_process(**SHORT_LEASE)
    await world.publish(*(world.events.connection(ConnectionRevoked, each) for each in first))
    await world.mail_came("revocation", len(first))
    await world.jobs_rest()
    await world.publish(
        *(world.events.connection(ConnectionReconnected, each, grant_version=2) for each in first),
        *(world.events.connection(ConnectionRevoked, each) for each in second),
    )
    await world.mail_came("revocation", len(first) + 1)
    await world.kill_process()
    await world.start_process(**SHORT_LEASE)
    await world.mail_came("recovery", len(first))
    await world.groups.caught_up()
    await world.jobs_rest()

    assert len(await world.incidents()) == len(first) + len(second)
    assert len(world.smtp.message_ids) == 2 * len(first) + len(second)
    # A worker may repeat the one mail that it was handing over when it was killed.
    repeats = len(world.smtp.mails) - len(world.smtp.message_ids)
    assert repeats <= world.settings.notifier_workers


async def test_p17_several_replicas_send_once(world: World) -> None:
    async with world.running(), world.running(http_port=free_port()):
        revoked = [world.events.connection(ConnectionRevoked, f"con_{n}") for n in range(20)]
        await world.publish(*revoked)
        await world.mail_came("revocation", 20)
        await world.groups.caught_up()
        await world.jobs_rest()
    assert len(world.smtp.mails) == len(world.smtp.message_ids) == 20


async def test_p17_mail_server_down_then_up(world: World) -> None:
    world.smtp.stop()
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.job_is({"attempts": {"$gte": 2}})
        (incident,) = await world.incidents()
        assert incident["mails"][0]["sent_at"] is None
        world.smtp.start()
        await world.mail_came("revocation")
        await world.jobs_rest()
    assert len(world.smtp.mails) == 1


async def test_p17_mail_server_refusing_for_now_gets_it_later(world: World) -> None:
    answers = iter(["451 try again", "552 mailbox full"])
    world.smtp.answer = lambda *_: next(answers, "250 OK")
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.mail_came("revocation")
        await world.jobs_rest()
    assert world.smtp.sessions == 3
    assert len(world.smtp.mails) == 1


async def test_p17_unknown_outcomes_end_after_one_repeat(world: World) -> None:
    world.smtp.answer = lambda *_: "250 taken, and break off"
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.jobs_rest()
    assert len(world.smtp.mails) == 2
    assert len(world.smtp.message_ids) == 1
    job = await world.job("revocation")
    assert (job["status"], job["confirmed"]) == ("sent", False)


async def test_p17_a_flap_heals_unseen(world: World) -> None:
    """Reconnected before the mail went out: the job is cancelled and both stay silent."""
    world.smtp.stop()
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.job_is({"attempts": {"$gte": 1}})
        await world.take(world.events.connection(ConnectionReconnected, grant_version=2))
        world.smtp.start()
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert (incident["status"], incident["mails"]) == ("closed", [])
    assert world.smtp.mails == []


async def test_p17_a_second_loss_is_a_second_incident_and_silences_the_first_recovery(
    world: World,
) -> None:
    world.know_syncs(held_sync("syn_1"))
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.mail_came("revocation")
        await world.take(world.events.connection(ConnectionReconnected, grant_version=2))
        await world.take(world.events.connection(ConnectionRevoked, grant_version=2))
        await world.mail_came("revocation", 2)
        await world.jobs_rest()
        newest, oldest = await world.incidents()
    assert (newest["status"], oldest["status"]) == ("open", "closed")
    assert world.smtp.of("recovery") == []
