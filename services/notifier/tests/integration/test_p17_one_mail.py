"""P17 across crashes, replicas, outages of the mail server and unknown outcomes."""

import asyncio
import signal
import threading
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP
from notifier_rig import Rig, held_sync
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked
from tablesync.test_kit import free_port

pytestmark = pytest.mark.integration
# Two starts of a process, and a dead one's session at Kafka to be timed out.
SLOW = pytest.mark.timeout(400)
# What the dead process had in hand is free again soon.
SHORT_LEASE = {"notifier_smtp_seconds": 3, "notifier_lease_seconds": 6}


@SLOW
async def test_p17_same_across_kill_9_while_the_mail_is_handed_over(rig: Rig) -> None:
    """The server took the mail but its answer never came: one repeat, never a second."""
    taken = asyncio.Event()
    loop = asyncio.get_running_loop()

    def take_and_break_off(server: SMTP, mail: EmailMessage) -> str:
        loop.call_soon_threadsafe(taken.set)
        return "250 taken, and break off"

    rig.smtp.answer = take_and_break_off
    await rig.start_process(**SHORT_LEASE)
    await rig.publish(rig.events.connection(ConnectionRevoked))
    await asyncio.wait_for(taken.wait(), 60)
    await rig.kill_process()
    await rig.start_process(**SHORT_LEASE)
    await rig.jobs_rest()

    assert len(rig.smtp.message_ids) == 1
    assert len(rig.smtp.mails) == 2
    (incident,) = await rig.incidents()
    assert incident["mails"][0]["sent_at"]


@SLOW
async def test_p25_sigterm_finishes_the_mail_in_hand(rig: Rig) -> None:
    """The answer comes after the signal: the mail is known to be sent, and is not repeated."""
    taken, answer = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def take_slowly(server: SMTP, mail: EmailMessage) -> str:
        loop.call_soon_threadsafe(taken.set)
        answer.wait(60)
        return "250 OK"

    rig.smtp.answer = take_slowly
    await rig.start_process(notifier_smtp_seconds=60, notifier_lease_seconds=60)
    await rig.publish(rig.events.connection(ConnectionRevoked))
    await asyncio.wait_for(taken.wait(), 60)
    rig.signal_process(signal.SIGTERM)
    loop.call_later(0.5, answer.set)
    assert await rig.process_ended() == 0

    job = await rig.job("revocation")
    assert (job["status"], job["confirmed"]) == ("sent", True)
    assert len(rig.smtp.mails) == 1


@SLOW
async def test_p17_same_across_kill_9_in_the_middle_of_many(rig: Rig) -> None:
    """Some are lost while others are regained, and the notifier dies: one mail of each kind."""
    first, second = ([f"con_{n}" for n in numbers] for numbers in (range(5), range(5, 10)))
    await rig.start_process(**SHORT_LEASE)
    await rig.publish(*(rig.events.connection(ConnectionRevoked, each) for each in first))
    await rig.mail_came("revocation", len(first))
    await rig.jobs_rest()
    await rig.publish(
        *(rig.events.connection(ConnectionReconnected, each, grant_version=2) for each in first),
        *(rig.events.connection(ConnectionRevoked, each) for each in second),
    )
    await rig.mail_came("revocation", len(first) + 1)
    await rig.kill_process()
    await rig.start_process(**SHORT_LEASE)
    await rig.mail_came("recovery", len(first))
    await rig.groups.caught_up()
    await rig.jobs_rest()

    assert len(await rig.incidents()) == len(first) + len(second)
    assert len(rig.smtp.message_ids) == 2 * len(first) + len(second)
    # A worker may repeat the one mail that it was handing over when it was killed.
    repeats = len(rig.smtp.mails) - len(rig.smtp.message_ids)
    assert repeats <= rig.settings.notifier_workers


async def test_p17_several_replicas_send_once(rig: Rig) -> None:
    async with rig.running(), rig.running(http_port=free_port()):
        revoked = [rig.events.connection(ConnectionRevoked, f"con_{n}") for n in range(20)]
        await rig.publish(*revoked)
        await rig.mail_came("revocation", 20)
        await rig.groups.caught_up()
        await rig.jobs_rest()
    assert len(rig.smtp.mails) == len(rig.smtp.message_ids) == 20


async def test_a_mail_of_a_newer_version_stops_no_other(rig: Rig) -> None:
    await rig.take(rig.events.connection(ConnectionRevoked, "con_strange"))
    await rig.mails.update_one({}, {"$set": {"kind": "of next year"}})
    await rig.take(rig.events.connection(ConnectionRevoked, "con_1"))
    async with rig.working(notifier_workers=1):
        await rig.mail_came("revocation")
        await rig.job_is({"kind": "of next year", "fence": {"$gte": 1}})
    strange = await rig.job("of next year")
    assert (strange["status"], strange["attempts"], strange["handovers"]) == ("pending", 0, 0)
    assert len(rig.smtp.mails) == 1


async def test_p17_mail_server_down_then_up(rig: Rig) -> None:
    rig.smtp.stop()
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.job_is({"attempts": {"$gte": 2}})
        (incident,) = await rig.incidents()
        assert incident["mails"][0]["sent_at"] is None
        rig.smtp.start()
        await rig.mail_came("revocation")
        await rig.jobs_rest()
    assert len(rig.smtp.mails) == 1


async def test_p17_mail_server_refusing_for_now_gets_it_later(rig: Rig) -> None:
    answers = iter(["451 try again", "552 mailbox full"])
    rig.smtp.answer = lambda *_: next(answers, "250 OK")
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
        await rig.jobs_rest()
    assert rig.smtp.sessions == 3
    assert len(rig.smtp.mails) == 1


async def test_p17_unknown_outcomes_end_after_one_repeat(rig: Rig) -> None:
    rig.smtp.answer = lambda *_: "250 taken, and break off"
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.jobs_rest()
    assert len(rig.smtp.mails) == 2
    assert len(rig.smtp.message_ids) == 1
    job = await rig.job("revocation")
    assert (job["status"], job["confirmed"]) == ("sent", False)


async def test_p17_a_flap_heals_unseen(rig: Rig) -> None:
    """Reconnected before the mail went out: the job is cancelled and both stay silent."""
    rig.smtp.stop()
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.job_is({"attempts": {"$gte": 1}})
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        rig.smtp.start()
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert (incident["status"], incident["mails"]) == ("closed", [])
    assert rig.smtp.mails == []


async def test_p17_a_second_loss_is_a_second_incident_and_silences_the_first_recovery(
    rig: Rig,
) -> None:
    rig.know_syncs(held_sync("syn_1"))
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        await rig.take(rig.events.connection(ConnectionRevoked, grant_version=2))
        await rig.mail_came("revocation", 2)
        await rig.jobs_rest()
        newest, oldest = await rig.incidents()
    assert (newest["status"], oldest["status"]) == ("open", "closed")
    assert rig.smtp.of("recovery") == []
