"""The recovery mail: what the catch-ups brought, once they all have ended or time is up."""

from collections.abc import Sequence
from typing import Any

from tablesync.contracts import RunStatus
from tablesync.contracts.internal_api import AFFECTED_LIMIT, AffectedSync
from tablesync.contracts.public_api.incidents import MailKind, MailStatus
from tablesync.contracts.wording import provider_label
from tablesync.notifier.catch_ups import (
    SETTLE_SECONDS,
    CatchUps,
    NoCatchUp,
    Recovered,
    belongs,
)
from tablesync.notifier.dashboard_pages import Pages
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import MailContent, NotYetError, Scheduler
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Mail, Mails
from tablesync.notifier.models import ConnectionIncident
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import Store
from tablesync.service_kit.errors import DependencyUnavailableError, UnknownToPeerError


class RecoveryWriter:
    """Writes the mail that a connection is back."""

    def __init__(self, store: Store, scheduler: Scheduler, settings: Settings) -> None:
        self._store = store
        self._mails = Mails(store.database)
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob) -> MailContent | None:
        """Write about a closed incident whose revocation mail was sent; None if it was not."""
        incident = await self._store.connection_incident(job.incident_ids[0])
        if incident is None or incident.closed_at is None:
            return None
        told = await self._mails.of_incident(incident.id, MailKind.REVOCATION)
        if told is None or told.status not in {MailStatus.SENT, MailStatus.PENDING}:
            return None
        if told.status is MailStatus.PENDING:
            raise NotYetError("the revocation mail to be settled", seconds=1.0)
        elapsed = (job.claimed_at - incident.closed_at).total_seconds()
        syncs = await self._recovered(incident, elapsed)
        return _content(incident, syncs, told, self._page(incident, syncs))

    def _page(self, incident: ConnectionIncident, syncs: Sequence[Recovered]) -> str | None:
        """Return where it says more: an outage that held no sync has no receipt."""
        pages = Pages.of(self._settings, incident.workspace_id)
        if not syncs:
            return pages.connection(incident.connection_id)
        return pages.receipt(incident.connection_id, incident.lost_at)

    async def _recovered(self, incident: ConnectionIncident, elapsed: float) -> list[Recovered]:
        """Return every sync's catch-up; raises NotYetError while one may still end in time."""
        in_time = elapsed < self._settings.notifier_recovery_wait_seconds
        if in_time and await self._at_work(incident):
            raise _catch_ups_to_end(elapsed)
        affected = await self._affected(incident, in_time and elapsed < SETTLE_SECONDS)
        catch_ups = await self._catch_ups(incident, elapsed, affected or ())
        if affected is None:
            syncs = catch_ups.by_events()
        else:
            syncs = [catch_ups.of(each) for each in affected]
        if in_time and not all(each.settled for each in syncs):
            raise _catch_ups_to_end(elapsed)
        return syncs

    async def _at_work(self, incident: ConnectionIncident) -> bool:
        """Whether catch-ups of more syncs than one page lists go on: then no list is needed yet."""
        connection_id, workspace_id = incident.connection_id, incident.workspace_id
        try:
            counts = await self._scheduler.catch_up_counts(connection_id, workspace_id)
        except (DependencyUnavailableError, UnknownToPeerError):
            return False
        return counts.total > AFFECTED_LIMIT and counts.at_work > 0

    async def _affected(
        self, incident: ConnectionIncident, insist: bool
    ) -> Sequence[AffectedSync] | None:
        connection_id, workspace_id = incident.connection_id, incident.workspace_id
        try:
            return await self._scheduler.affected_syncs(connection_id, workspace_id)
        except (DependencyUnavailableError, UnknownToPeerError) as error:
            if insist:
                raise NotYetError("scheduler’s list of catch-ups", seconds=2.0) from error
            return None

    async def _catch_ups(
        self, incident: ConnectionIncident, elapsed: float, affected: Sequence[AffectedSync]
    ) -> CatchUps:
        """Gather what events have told of these syncs."""
        states = await self._store.holds_by(incident.connection_id)
        holds = {each.sync_id: each for each in states if belongs(each, incident)}
        told = [each.catch_up.run_id for each in affected if each.catch_up]
        run_ids = [*told, *(each.catch_up_run_id for each in holds.values())]
        return CatchUps(incident, elapsed, holds, await self._store.catch_ups(run_ids))


def _catch_ups_to_end(elapsed: float) -> NotYetError:
    return NotYetError("catch-ups to end", seconds=min(15.0, max(1.0, elapsed / 10)))


def _content(
    incident: ConnectionIncident, syncs: Sequence[Recovered], told: Mail, page: str | None
) -> MailContent:
    complete = {RunStatus.SUCCEEDED, NoCatchUp.UNMISSED}
    facts: dict[str, Any] = {
        "provider": provider_label(incident.provider),
        "account": wording.account_name(incident.account),
        "back_at": incident.closed_at,
        "page": page,
        "syncs": syncs,
        "written": sum(each.counts.written for each in syncs),
        "complete": all(each.status in complete for each in syncs),
        "at_work": not all(each.settled for each in syncs),
        "stopped": any(each.stopped for each in syncs),
    }
    what = f"{facts['provider']} “{facts['account']}”"
    subject = f"{what} is connected again{_tail(syncs)}"
    candidates = [told.to] if told.to else []
    return MailContent("recovery", subject, facts, candidates, answers=told.message_id)


def _tail(syncs: Sequence[Recovered]) -> str:
    done = sum(each.status is RunStatus.SUCCEEDED for each in syncs)
    if not done or done < len(syncs):
        return ""
    return f": {wording.counted(done, 'sync')} {'has' if done == 1 else 'have'} caught up"
