"""The worker: claims a mail job, has its letter written, and sends it once."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError
from tablesync.notifier.errors import (
    ClaimLostError,
    MailDelayedError,
    OutcomeUnknownError,
    RecipientRefusedError,
)
from tablesync.notifier.mail import digests, reminders
from tablesync.notifier.mail.content import Letter, NotYetError, Writer
from tablesync.notifier.mail.jobs import MailJob, MailJobs, mark_sent
from tablesync.notifier.mail.mime import Messages
from tablesync.notifier.mail.plan import MailKind, MailStatus, Recipient, plan
from tablesync.notifier.mail.smtp import Mailer
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import INCIDENTS
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import pause, persist
from tablesync.service_kit.telemetry import span_from

log = structlog.get_logger()

IDLE_SECONDS = 0.5
FIRST_WAIT_SECONDS = 2.0
WAIT_MAX_SECONDS = 300.0
# An unknown outcome is followed by one repeat with the same Message-ID, never by a second.
HANDOVERS_MAX = 2
SENT = Counter("mails_sent_total", "Mails handed to the mail server.", ["kind"])
DELAYED = Counter("mails_delayed_total", "Mail jobs put off.", ["kind"])


class Worker:
    """Works mail jobs off, one at a time; several may work side by side."""

    def __init__(
        self,
        database: Database,
        units: UnitsOfWork,
        writers: Mapping[tuple[str, MailKind], Writer],
        messages: Messages,
        mailer: Mailer,
        settings: Settings,
    ) -> None:
        self._incidents = database[INCIDENTS]
        self._mails = MailJobs(database)
        self._preferences = Preferences(database)
        self._units = units
        self._writers = writers
        self._messages = messages
        self._mailer = mailer
        self._settings = settings
        self._ladder = settings.notifier_reminder_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; the mail in hand is finished first, never torn off."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.notifier_workers):
                group.create_task(self._run_one(stop))

    async def _run_one(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                seconds = await self.tick()
            except PyMongoError as error:
                log.warning("mail worker interrupted", error=repr(error))
                seconds = 2 * IDLE_SECONDS
            await pause(stop, seconds)

    async def tick(self) -> float:
        """Work off one job, if any is due; give the seconds to wait before the next."""
        job = await self._mails.claim(self._settings.notifier_lease_seconds)
        if job is None:
            return IDLE_SECONDS
        with span_from(job.traceparent, f"mail {job.kind}", mail=job.id):
            try:
                await self._work(job)
            except ClaimLostError:
                log.info("mail job is another worker's, or cancelled", mail=job.id)
        return 0.0

    async def _work(self, job: MailJob) -> None:
        """Do the job, or put it off: whatever goes wrong, it is never lost."""
        try:
            await self._do(job)
        except (ClaimLostError, PyMongoError):
            raise
        except NotYetError as error:
            log.info("mail waits", mail=job.id, waits_for=error.reason, seconds=error.seconds)
            await self._mails.put_off(job, error.seconds, error.reason)
        except RecipientRefusedError as error:
            log.warning("recipient refused", mail=job.id, reason=str(error))
            await self._mails.refuse(job, error.address)
        except (DependencyUnavailableError, MailDelayedError, OutcomeUnknownError) as error:
            await self._put_off(job, f"{type(error).__name__}: {error}")
        except Exception as error:
            await self._put_off(job, type(error).__name__, error)

    async def _do(self, job: MailJob) -> None:
        if job.handovers >= HANDOVERS_MAX:
            await self._settle(job, confirmed=False)
            return
        if await digests.gather(self._units, job, self._settings.notifier_digest_above):
            return
        letter = await self._write(job)
        if letter is None:
            await self._drop(job)
            return
        to = await self._address(job, letter)
        if to is not None:
            await self._send(job, letter, to)

    async def _write(self, job: MailJob) -> Letter | None:
        cursor = self._incidents.find({"_id": {"$in": list(job.incident_ids)}})
        found = {row["_id"]: row async for row in cursor}
        incidents = [found[each] for each in job.incident_ids if each in found]
        return await self._writers[job.about, job.kind].write(job, incidents)

    async def _drop(self, job: MailJob) -> None:
        """End a job whose reason went away; one that may have been taken counts as sent."""
        if job.handovers:
            await self._settle(job, confirmed=False)
        else:
            await self._mails.finish(job, MailStatus.CANCELLED)

    async def _address(self, job: MailJob, letter: Letter) -> Recipient | None:
        """Fix the recipient; None, and the job ended, if nobody can or wants to be mailed."""
        if job.to is not None and job.message_id is not None:
            return job.to
        candidates = [each for each in letter.candidates if each.email not in job.refused]
        to = await self._preferences.first_who_wants(job.workspace_id, candidates)
        if to is None:
            unwanted = MailStatus.UNWANTED if candidates else MailStatus.UNDELIVERABLE
            log.warning("nobody to mail", mail=job.id, why=unwanted)
            await self._mails.finish(job, unwanted)
            return None
        await self._mails.address(job, to, self._messages.message_id(job, to))
        return to

    async def _send(self, job: MailJob, letter: Letter, to: Recipient) -> None:
        message = self._messages.build(job, letter, to)

        async def hand_over() -> None:
            await self._mails.hand_over(job, self._settings.notifier_lease_seconds)

        async def take_back() -> None:
            await self._mails.take_back(job)

        await self._mailer.send(
            message, self._messages.sender, to.email, hand_over=hand_over, take_back=take_back
        )
        await persist(lambda: self._settle_if_ours(job), "note that a mail was sent")
        SENT.labels(job.kind).inc()
        log.info("mail sent", mail=job.id, kind=job.kind, incident=job.incident_ids[0])

    async def _settle_if_ours(self, job: MailJob) -> None:
        """Note what the server said, however long MongoDB is away: a repeat would be needless."""
        with suppress(ClaimLostError):
            await self._settle(job, confirmed=True)

    async def _settle(self, job: MailJob, *, confirmed: bool) -> None:
        """Mark the mail sent, and plan the next step of the ladder."""

        async def work(unit: UnitOfWork) -> None:
            await mark_sent(unit, job, confirmed=confirmed)
            reminder = reminders.following(job, unit.now, self._ladder)
            if reminder and await _is_open(unit, job):
                await plan(unit, reminder)

        await self._units.run(work)

    async def _put_off(self, job: MailJob, reason: str, error: Exception | None = None) -> None:
        seconds = Backoff(FIRST_WAIT_SECONDS, WAIT_MAX_SECONDS).after(job.attempts)
        DELAYED.labels(job.kind).inc()
        details: dict[str, Any] = {"exc_info": error} if error else {}
        log.warning("mail not sent yet", mail=job.id, waits_for=reason, seconds=seconds, **details)
        await self._mails.put_off(job, seconds, reason)


async def _is_open(unit: UnitOfWork, job: MailJob) -> bool:
    """Whether the incident is open, by a write, so that a close at the same time conflicts."""
    result = await unit.database[INCIDENTS].update_one(
        {"_id": job.incident_ids[0], "status": "open"},
        {"$set": {"mailed_at": unit.now}},
        session=unit.session,
    )
    return bool(result.matched_count)
