"""The worker: claims a mail job, has its content written, and sends it once."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError
from tablesync.contracts.public_api.incidents import MailKind, MailStatus
from tablesync.notifier.errors import (
    ClaimLostError,
    MailDelayedError,
    OutcomeUnknownError,
    RecipientRefusedError,
)
from tablesync.notifier.mail import reminders
from tablesync.notifier.mail.content import Candidate, MailContent, MailWriter, NotYetError
from tablesync.notifier.mail.digests import Digests
from tablesync.notifier.mail.jobs import MailJob, MailJobs
from tablesync.notifier.mail.mime import Messages
from tablesync.notifier.mail.plan import Addressee, Mails, MailSubject
from tablesync.notifier.mail.smtp import Mailer
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import MAILS, Store
from tablesync.notifier.unsubscribe import Subscriber
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo.changes import INSERTED, Changes
from tablesync.service_kit.mongo.reading import UnreadableDocumentError
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import pause, persist
from tablesync.service_kit.telemetry import span_from

log = structlog.get_logger()

RETRY_SECONDS = 1.0
FIRST_WAIT_SECONDS = 2.0
WAIT_MAX_SECONDS = 300.0
# An unknown outcome is followed by one repeat with the same Message-ID, never by a second.
HANDOVERS_MAX = 2
# How often whoever knows that a mail was sent tries to tell, and how long others wait for that:
# while MongoDB is away nobody can tell, and the job's lease runs out all the same.
TELL_EVERY_SECONDS = 1.0
TOLD_WITHIN_SECONDS = 10.0
SENT = Counter("mails_sent_total", "Mails handed to the mail server.", ["kind"])
DELAYED = Counter("mails_delayed_total", "Mail jobs put off.", ["kind"])

Writers = Mapping[tuple[MailSubject, MailKind], MailWriter]


class Worker:
    """Works mail jobs off, one at a time; several may work side by side."""

    def __init__(
        self,
        store: Store,
        units: UnitsOfWork,
        writers: Writers,
        messages: Messages,
        mailer: Mailer,
        settings: Settings,
        *,
        changes: Changes,
    ) -> None:
        self._store = store
        self._planned = [changes.wakes(MAILS, INSERTED) for _ in range(settings.notifier_workers)]
        self._mails = Mails(store.database)
        self._jobs = MailJobs(store.database)
        self._preferences = Preferences(store.database)
        self._digests = Digests(units, settings.notifier_digest_above)
        self._units = units
        self._writers = writers
        self._messages = messages
        self._mailer = mailer
        self._settings = settings
        self._ladder = settings.notifier_reminder_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; the mail in hand is finished first, never torn off."""
        async with asyncio.TaskGroup() as group:
            for planned in self._planned:
                group.create_task(self._run_one(stop, planned))

    async def _run_one(self, stop: asyncio.Event, planned: asyncio.Event) -> None:
        while not stop.is_set():
            planned.clear()
            try:
                seconds = await self.tick()
            except Exception as error:
                log.warning("mail worker interrupted", error=repr(error))
                seconds = RETRY_SECONDS
            await pause(stop, seconds, planned)

    async def tick(self) -> float:
        """Work off one job, if any is due; return the seconds to wait before the next."""
        job = await self._jobs.claim(self._settings.notifier_lease_seconds)
        if job is None:
            return await self._jobs.seconds_until_due()
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
            await self._jobs.put_off(job, error.seconds, error.reason)
        except RecipientRefusedError as error:
            log.warning("recipient refused", mail=job.id, reason=str(error))
            await self._jobs.refuse(job, error.address)
        except (DependencyUnavailableError, MailDelayedError, OutcomeUnknownError) as error:
            await self._put_off(job, f"{type(error).__name__}: {error}")
        except Exception as error:
            await self._put_off(job, type(error).__name__, error)

    async def _do(self, job: MailJob) -> None:
        if job.handovers >= HANDOVERS_MAX:
            await self._note_sent(job, confirmed=False)
            return
        if job.untold:
            raise NotYetError("whoever has handed it over", TOLD_WITHIN_SECONDS)
        if await self._digests.gather(job):
            return
        content = await self._writers[job.about, job.kind].write(job)
        if content is None:
            await self._drop(job)
            return
        to = await self._addressee(job, content)
        if to is None:
            return
        content = await content.addressed(to)
        if not job.addressed:
            await self._jobs.address(job, to, self._messages.message_id(job, to))
        await self._send(job, content, to)

    async def _drop(self, job: MailJob) -> None:
        """End a job whose reason went away; one that may have been taken counts as sent."""
        if job.handovers:
            await self._note_sent(job, confirmed=False)
        else:
            await self._jobs.finish(job, MailStatus.CANCELLED)

    async def _addressee(self, job: MailJob, content: MailContent) -> Addressee | None:
        """Return the recipient; None, and the job ended, if nobody can or wants to be mailed."""
        if job.addressed:
            return job.to
        candidates = [each for each in content.candidates if each.email not in job.refused]
        to = await self._first_who_wants_mails(job.workspace_id, candidates)
        if to is None:
            unwanted = MailStatus.UNWANTED if candidates else MailStatus.UNDELIVERABLE
            log.warning("nobody to mail", mail=job.id, why=unwanted)
            await self._jobs.finish(job, unwanted)
        return to

    async def _first_who_wants_mails(
        self, workspace_id: str, candidates: Sequence[Candidate]
    ) -> Addressee | None:
        """Return the best candidate; one of whom nobody can say here is passed over for now."""
        unread = False
        for each in candidates:
            try:
                if await self._preferences.wants_mails(Subscriber(workspace_id, each.operator_id)):
                    return Addressee.model_validate(each)
            except UnreadableDocumentError:
                unread = True
        if unread:
            raise NotYetError("preferences that can be read", seconds=60.0)
        return None

    async def _send(self, job: MailJob, content: MailContent, to: Addressee) -> None:
        message, words = self._messages.build(job, content, to), self._messages.words(content, to)

        async def hand_over() -> None:
            await self._jobs.hand_over(job, words, self._settings.notifier_lease_seconds)

        async def take_back() -> None:
            await self._jobs.take_back(job)

        await self._mailer.send(
            message, self._messages.sender, to.email, hand_over=hand_over, take_back=take_back
        )
        await persist(
            lambda: self._note_sent_if_ours(job),
            "note that a mail was sent",
            wait_max=TELL_EVERY_SECONDS,
        )
        SENT.labels(job.kind).inc()
        log.info("mail sent", mail=job.id, kind=job.kind, incident=job.incident_ids[0])

    async def _note_sent_if_ours(self, job: MailJob) -> None:
        """Note what the server said, however long MongoDB is away: a repeat would be needless."""
        with suppress(ClaimLostError):
            await self._note_sent(job, confirmed=True)

    async def _note_sent(self, job: MailJob, *, confirmed: bool) -> None:
        """Mark the mail sent, and plan the next step of the ladder."""

        async def work(unit: UnitOfWork) -> None:
            await self._jobs.mark_sent(job, unit.now, confirmed=confirmed, session=unit.session)
            reminder = reminders.following(job, unit.now, self._ladder)
            incident_id = job.incident_ids[0]
            if reminder and await self._store.mark_mailed(incident_id, unit.now, unit.session):
                await self._mails.plan(reminder, unit.session)

        await self._units.run(work)

    async def _put_off(self, job: MailJob, reason: str, error: Exception | None = None) -> None:
        seconds = Backoff(FIRST_WAIT_SECONDS, WAIT_MAX_SECONDS).after(job.attempts)
        DELAYED.labels(job.kind).inc()
        details: dict[str, Any] = {"exc_info": error} if error else {}
        log.warning("mail not sent yet", mail=job.id, waits_for=reason, seconds=seconds, **details)
        await self._jobs.put_off(job, seconds, reason)
