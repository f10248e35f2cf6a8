"""The revocation mail and its reminders: what happened, what waits, and the way back."""

from collections.abc import Sequence
from typing import Any

from tablesync.notifier.clients.auth_service import AuthServiceClient, ReconnectLink
from tablesync.notifier.clients.scheduler import AffectedSync, SchedulerClient
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import Letter, NotYetError
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import MailKind, Recipient
from tablesync.notifier.settings import Settings
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import Document


class RevocationWriter:
    """Writes revocation mails and reminders, each with a fresh link and a fresh list."""

    def __init__(
        self, auth: AuthServiceClient, scheduler: SchedulerClient, settings: Settings
    ) -> None:
        self._auth = auth
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob, incidents: Sequence[Document]) -> Letter | None:
        """Write about an open incident; None once it is closed."""
        incident = incidents[0]
        if incident["status"] != "open":
            return None
        candidates = await self._auth.recipients(incident["connection_id"], job.workspace_id)
        syncs = await self._affected(job, incident)
        link = await self._link(job, incident)
        return _letter(job, incident, syncs, link, candidates)

    async def _affected(self, job: MailJob, incident: Document) -> list[AffectedSync] | None:
        """Ask for the list; without an answer in time the mail goes out without it."""
        try:
            return await self._scheduler.affected_syncs(incident["connection_id"], job.workspace_id)
        except (DependencyUnavailableError, UnknownToPeerError) as error:
            if job.waited_seconds < self._settings.notifier_sync_list_wait_seconds:
                raise NotYetError("scheduler’s list of syncs", seconds=2.0) from error
            return None

    async def _link(self, job: MailJob, incident: Document) -> ReconnectLink | None:
        """Ask for a link; the wait for it is bounded, and the mail says that it is missing."""
        try:
            return await self._auth.reconnect_link(incident["connection_id"], job.workspace_id)
        except (DependencyUnavailableError, UnknownToPeerError) as error:
            if job.waited_seconds < self._settings.notifier_link_wait_seconds:
                raise NotYetError("auth-service’s reconnect link", seconds=5.0) from error
            return None


def _letter(
    job: MailJob,
    incident: Document,
    syncs: list[AffectedSync] | None,
    link: ReconnectLink | None,
    candidates: Sequence[Recipient],
) -> Letter:
    provider = wording.provider_name(incident["provider"])
    account = wording.plain(incident["account"]["name"] or incident["account"]["id"])
    facts: dict[str, Any] = {
        "provider": provider,
        "account": account,
        "account_email": incident["account"]["email"],
        "reminder": job.kind is MailKind.REMINDER,
        "lost_at": incident["lost_at"],
        "down_for": wording.duration(job.claimed_at - incident["lost_at"]),
        "loss": wording.loss(incident["cause"], incident["provider"]),
        "syncs": syncs,
        "link": link,
    }
    subject = _subject(job, f"{provider} “{account}”", facts["down_for"], syncs)
    return Letter("revocation", subject, facts, candidates)


def _subject(job: MailJob, what: str, down_for: str, syncs: list[AffectedSync] | None) -> str:
    if job.kind is MailKind.REMINDER:
        return f"Reminder: {what} has been disconnected for {down_for}"
    if not syncs:
        return f"{what} is disconnected"
    verb = "is" if len(syncs) == 1 else "are"
    return f"{what} is disconnected: {wording.counted(len(syncs), 'sync')} {verb} on hold"
