"""The revocation mail and its reminders: what happened, what waits, and the way back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tablesync.contracts import SyncStatus
from tablesync.contracts.internal_api import AffectedSync, Recipient, ReconnectLinkAnswer
from tablesync.contracts.public_api.incidents import IncidentStatus, MailKind
from tablesync.contracts.wording import help_pages, loss, provider_label
from tablesync.notifier.dashboard_pages import Pages
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import AuthService, MailContent, NotYetError, Scheduler
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Addressee
from tablesync.notifier.models import ConnectionIncident
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import Store
from tablesync.service_kit.errors import DependencyUnavailableError, UnknownToPeerError


class RevocationWriter:
    """Writes revocation mails and reminders, each with a fresh link and a fresh list."""

    def __init__(
        self, store: Store, auth: AuthService, scheduler: Scheduler, settings: Settings
    ) -> None:
        self._store = store
        self._auth = auth
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob) -> MailContent | None:
        """Write about an open incident; None once it is closed."""
        incident = await self._store.connection_incident(job.incident_ids[0])
        if incident is None or incident.status is not IncidentStatus.OPEN:
            return None
        candidates = await self._auth.recipients(incident.connection_id, job.workspace_id)
        syncs = await self._affected(job, incident)
        content = _content(job, incident, syncs, candidates, partial(self._link, job, incident))
        places = {
            "help_page": self._settings.help_page(help_pages.of_cause(incident.cause)),
            "page": Pages.of(self._settings, job.workspace_id).connection(incident.connection_id),
        }
        return replace(content, facts={**content.facts, **places})

    async def _affected(
        self, job: MailJob, incident: ConnectionIncident
    ) -> Sequence[AffectedSync] | None:
        """Ask for the list; without an answer in time the mail goes out without it."""
        try:
            return await self._scheduler.affected_syncs(incident.connection_id, job.workspace_id)
        except (DependencyUnavailableError, UnknownToPeerError) as error:
            if job.waited_seconds < self._settings.notifier_sync_list_wait_seconds:
                raise NotYetError("scheduler’s list of syncs", seconds=2.0) from error
            return None

    async def _link(
        self, job: MailJob, incident: ConnectionIncident, to: Addressee
    ) -> ReconnectLinkAnswer | None:
        """Ask for a link; the wait for it is bounded, and the mail says that it is missing."""
        try:
            return await self._auth.reconnect_link(
                incident.connection_id, job.workspace_id, to.operator_id
            )
        except (DependencyUnavailableError, UnknownToPeerError) as error:
            if job.waited_seconds < self._settings.notifier_link_wait_seconds:
                raise NotYetError("auth-service’s reconnect link", seconds=5.0) from error
            return None


def _content(
    job: MailJob,
    incident: ConnectionIncident,
    syncs: Sequence[AffectedSync] | None,
    candidates: Sequence[Recipient],
    link_for: Callable[[Addressee], Awaitable[ReconnectLinkAnswer | None]],
) -> MailContent:
    facts: dict[str, Any] = {
        "provider": provider_label(incident.provider),
        "account": wording.account_name(incident.account),
        "account_email": incident.account.email,
        "reminder": job.kind is MailKind.REMINDER,
        "lost_at": incident.lost_at,
        "down_for": wording.duration(job.claimed_at - incident.lost_at),
        "loss": loss(incident.cause, incident.provider),
        "connection_id": incident.connection_id,
        "put_on_hold": _put_on_hold(syncs),
        "syncs": syncs,
    }
    what = f"{facts['provider']} “{facts['account']}”"
    subject = _subject(job, what, facts["down_for"], syncs)
    return MailContent("revocation", subject, facts, candidates, link_for=link_for)


def _subject(job: MailJob, what: str, down_for: str, syncs: Sequence[AffectedSync] | None) -> str:
    if job.kind is MailKind.REMINDER:
        return f"Reminder: {what} has been disconnected for {down_for}"
    waiting = len(_not_paused(syncs or ()))
    if not waiting:
        return f"{what} is disconnected"
    verb = "is" if waiting == 1 else "are"
    return f"{what} is disconnected: {wording.counted(waiting, 'sync')} {verb} on hold"


def _put_on_hold(syncs: Sequence[AffectedSync] | None) -> str:
    """Return what was put on hold: what somebody has paused stood still before."""
    if syncs is None:
        return "every sync that uses this connection"
    waiting = _not_paused(syncs)
    if not waiting:
        return "the connection"
    return "this sync" if len(waiting) == len(syncs) == 1 else "the syncs that use it"


def _not_paused(syncs: Sequence[AffectedSync]) -> list[AffectedSync]:
    return [each for each in syncs if each.status is not SyncStatus.PAUSED]
