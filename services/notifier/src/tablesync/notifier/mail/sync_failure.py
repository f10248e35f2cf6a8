"""Mails about syncs: what failed and why, and one line for each that works again."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.contracts.internal_api import Recipient
from tablesync.contracts.public_api.incidents import IncidentStatus, MailKind
from tablesync.contracts.wording import help_pages, moment
from tablesync.notifier.dashboard_pages import Pages
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import AuthService, MailContent, NotYetError, Scheduler
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Mails
from tablesync.notifier.models import SyncIncident
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import Store
from tablesync.service_kit.errors import DependencyUnavailableError, UnknownToPeerError


@dataclass(frozen=True)
class Line:
    """What a mail says of one sync; `owner_id` is None while scheduler does not tell."""

    name: str
    failure: wording.Failure
    summary: str
    failed_at: str
    help_page: str | None
    page: str | None
    owner_id: str | None = None


class FailureWriter:
    """Writes the mail about failing syncs: one sync, or a digest of many."""

    def __init__(
        self, store: Store, auth: AuthService, scheduler: Scheduler, settings: Settings
    ) -> None:
        self._store = store
        self._auth = auth
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob) -> MailContent | None:
        """Write about the incidents that are still open; None if all were closed."""
        incidents = await self._store.sync_incidents(job.incident_ids)
        failing = [each for each in incidents if each.status is IncidentStatus.OPEN]
        # Names are asked for as many as are shown: a digest may speak for hundreds.
        asked = [await self._line(job, each) for each in failing[: wording.SHOWN_MAX]]
        lines = [each for each in asked if each is not None]
        if not lines:
            return None
        candidates = await self._candidates(job, lines)
        return _content(lines, max(len(lines), len(failing)), candidates)

    async def _candidates(self, job: MailJob, lines: Sequence[Line]) -> Sequence[Recipient]:
        """Ask whom to mail: of a digest those who look after the workspace, no sync's owner."""
        owners = [] if job.digest else [each.owner_id for each in lines if each.owner_id]
        return await self._auth.workspace_recipients(job.workspace_id, next(iter(owners), None))

    async def _line(self, job: MailJob, incident: SyncIncident) -> Line | None:
        """Ask for a sync's name and owner; None, and its incident closed, if it was deleted."""
        try:
            sync = await self._scheduler.sync_owner(incident.sync_id, job.workspace_id)
        except UnknownToPeerError:
            await self._store.close_incident_now(incident.id)
            return None
        except DependencyUnavailableError as error:
            if job.waited_seconds < self._settings.notifier_sync_list_wait_seconds:
                raise NotYetError("scheduler’s name of the sync", seconds=2.0) from error
            return self._told(incident, incident.sync_id, wording.failure(incident.cause))
        words = wording.failure_of(incident.cause, sync)
        return self._told(incident, sync.name, words, sync.owner_id)

    def _told(
        self,
        incident: SyncIncident,
        name: str,
        failure: wording.Failure,
        owner_id: str | None = None,
    ) -> Line:
        return Line(
            name=wording.plain(name),
            failure=failure,
            summary=wording.plain(incident.summary, 300),
            failed_at=moment(incident.last_failed_at),
            help_page=self._settings.help_page(help_pages.of_incident(incident.cause)),
            page=Pages.of(self._settings, incident.workspace_id).sync(incident.sync_id),
            owner_id=owner_id,
        )


@dataclass(frozen=True)
class Healed:
    """A sync that works again, and where it is."""

    name: str
    page: str | None


class SyncRecoveryWriter:
    """Writes the mail that syncs work again."""

    def __init__(self, store: Store, scheduler: Scheduler, settings: Settings) -> None:
        self._store = store
        self._mails = Mails(store.database)
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob) -> MailContent | None:
        """Write one line per sync to whoever was told of the failure; None if all are gone."""
        told = await self._mails.of_incident(job.incident_ids[0], MailKind.FAILURE, addressed=True)
        if told is None or told.to is None:
            return None
        incidents = await self._store.sync_incidents(job.incident_ids)
        ids = list(dict.fromkeys(each.sync_id for each in incidents))
        asked = [await self._healed(job, each) for each in ids[: wording.SHOWN_MAX]]
        syncs = [each for each in asked if each is not None]
        total = len(ids) - asked.count(None)
        if not syncs:
            return None
        subject = (
            f"Sync “{syncs[0].name}” works again"
            if total == 1
            else f"{wording.counted(total, 'sync')} work again"
        )
        facts = {"syncs": syncs, "total": total}
        return MailContent("sync_recovery", subject, facts, [told.to], told.message_id)

    async def _healed(self, job: MailJob, sync_id: str) -> Healed | None:
        """Ask for a sync's name; None if it was deleted."""
        try:
            sync = await self._scheduler.sync_owner(sync_id, job.workspace_id)
        except UnknownToPeerError:
            return None
        page = Pages.of(self._settings, job.workspace_id).sync(sync_id)
        return Healed(wording.plain(sync.name), page)


def _content(lines: Sequence[Line], total: int, candidates: Sequence[Recipient]) -> MailContent:
    happened = _happened(lines, total)
    subject = (
        f"Sync “{lines[0].name}” {happened}: {lines[0].failure.what}"
        if total == 1
        else f"{wording.counted(total, 'sync')} {happened}"
    )
    facts = {"lines": lines, "total": total, "happened": happened}
    return MailContent("failure", subject, facts, candidates)


def _happened(lines: Sequence[Line], total: int) -> str:
    """Say what became of them all: only where no run was tried have none failed."""
    if not all(each.failure.before_a_run for each in lines):
        return "failed"
    return "is on hold" if total == 1 else "are on hold"
