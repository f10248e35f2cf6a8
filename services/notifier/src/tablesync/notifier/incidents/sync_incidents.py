"""Incidents of syncs: one per sync and cause, from a failure until the next success.

What a connection was not granted holds its syncs before any run could fail: that opens one too.
"""

from collections.abc import Iterable

from tablesync.contracts import (
    HoldKind,
    RunFailureCause,
    SyncFailed,
    SyncHeld,
    SyncReleased,
    SyncSucceeded,
    new_id,
)
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.contracts.specs import NOT_GRANTED
from tablesync.notifier.mail.plan import Mail, Mails, MailSubject, PlannedMail, later
from tablesync.notifier.models import SyncIncident
from tablesync.notifier.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

# A lost connection has its own incident; a cancelled run was somebody's wish; a run that was
# handed on at a shutdown has not ended.
QUIET = {RunFailureCause.CONNECTION, RunFailureCause.CANCELLED, RunFailureCause.SHUTDOWN}


class SyncIncidents:
    """Opens and closes incidents of syncs; their mails wait `window_seconds` for company."""

    def __init__(self, store: Store, window_seconds: float) -> None:
        self._store = store
        self._mails = Mails(store.database)
        self._window_seconds = window_seconds

    async def fail(self, failure: SyncFailed, unit: UnitOfWork) -> None:
        """Open an incident for this sync and cause, unless it is open, or over since."""
        if failure.cause in QUIET or await self._is_over(failure, unit):
            return
        await self._open(_incident(failure, unit), unit)
        await self._leave_to_holds(failure.sync_id, unit)

    async def succeed(self, success: SyncSucceeded, unit: UnitOfWork) -> None:
        """Close the sync's incidents; those that were mailed get one line in a recovery mail."""
        sync_id, ended_at = success.sync_id, success.ended_at
        await self._store.note_success(sync_id, ended_at, unit.session)
        await self._heal(await self._store.failing(sync_id, ended_at, unit.session), unit)

    async def follow(self, event: SyncHeld | SyncReleased, unit: UnitOfWork) -> None:
        """Open an incident for what a sync was not granted, and close it once that is over.

        An event tells of the first of several holds: a lost connection's, then what is lacking.
        """
        if isinstance(event, SyncReleased):
            await self._heal(await self._lacks_of(event.sync_id, unit), unit)
        elif event.hold.lacks:
            await self._open(_incident_of_hold(event, unit), unit)
            await self._leave_to_holds(event.sync_id, unit)
        elif event.hold.kind is not HoldKind.CONNECTION:
            for each in await self._lacks_of(event.sync_id, unit):
                await self._close(each, unit)  # silently: something else holds the sync

    async def close_silently(self, sync_id: str, unit: UnitOfWork) -> None:
        """Close the incidents of a sync that was deleted; nobody is mailed."""
        for incident in await self._store.open_incidents_of(sync_id, unit.session):
            await self._close(incident, unit)

    async def _open(self, incident: SyncIncident, unit: UnitOfWork) -> None:
        """Open an incident and plan its mail, unless there is one for this sync and cause."""
        if await self._store.note_failure(incident, unit.session):
            return
        await self._store.add_incident(incident, unit.session)
        await self._plan(MailKind.FAILURE, [incident], unit)

    async def _lacks_of(self, sync_id: str, unit: UnitOfWork) -> list[SyncIncident]:
        found = await self._store.open_incidents_of(sync_id, unit.session)
        return [each for each in found if each.cause == NOT_GRANTED]

    async def _leave_to_holds(self, sync_id: str, unit: UnitOfWork) -> None:
        """Close what runs have met of what was not granted: the hold's mail names it."""
        lacking = {each.connection_id for each in await self._lacks_of(sync_id, unit)}
        for each in await self._store.open_incidents_of(sync_id, unit.session):
            if each.cause == RunFailureCause.RESOURCE and each.connection_id in lacking:
                await self._close(each, unit)

    async def _heal(self, incidents: Iterable[SyncIncident], unit: UnitOfWork) -> None:
        """Close incidents; those that were mailed get one line in a recovery mail."""
        told = [
            (incident, mail)
            for incident in incidents
            if (mail := await self._close(incident, unit)) is not None
        ]
        if told:
            healed = [incident for incident, _ in told]
            await self._plan(MailKind.RECOVERY, healed, unit, answering=told[0][1])

    async def _is_over(self, failure: SyncFailed, unit: UnitOfWork) -> bool:
        """Facts come in any order: an old failure says nothing of a sync that works or is gone."""
        succeeded_at = await self._store.last_success(failure.sync_id, unit.session)
        if succeeded_at is not None and succeeded_at > failure.ended_at:
            return True
        return await self._store.is_deleted(failure.sync_id, unit.session)

    async def _close(self, incident: SyncIncident, unit: UnitOfWork) -> Mail | None:
        """Close an incident and return the mail that told of it; an unsent one is cancelled."""
        await self._store.close_incident(incident.id, unit.now, unit.session)
        # A digest speaks for others too: it drops this one by itself when it is sent.
        await self._mails.cancel_unsent_of_one(incident.id, MailKind.FAILURE, unit.session)
        return await self._mails.told_by(incident.id, MailKind.FAILURE, unit.session)

    async def _plan(
        self,
        kind: MailKind,
        incidents: list[SyncIncident],
        unit: UnitOfWork,
        answering: Mail | None = None,
    ) -> None:
        mail = PlannedMail(
            incident_ids=tuple(each.id for each in incidents),
            workspace_id=incidents[0].workspace_id,
            about=MailSubject.SYNC,
            kind=kind,
            due_at=later(unit.now, self._window_seconds),
            created_at=unit.now,
            to=answering.to if answering else None,
        )
        await self._mails.plan(mail, unit.session)


def _incident(failure: SyncFailed, unit: UnitOfWork) -> SyncIncident:
    open_key = f"{failure.sync_id}/{failure.cause}"
    return SyncIncident(
        id=new_id("inc"),
        key=f"{open_key}/{failure.run_id}",
        open_key=open_key,
        workspace_id=failure.workspace_id,
        sync_id=failure.sync_id,
        connection_id=failure.connection_id,
        cause=failure.cause,
        summary=failure.summary,
        last_failed_at=failure.ended_at,
        opened_at=unit.now,
    )


def _incident_of_hold(held: SyncHeld, unit: UnitOfWork) -> SyncIncident:
    open_key = f"{held.sync_id}/{NOT_GRANTED}"
    return SyncIncident(
        id=new_id("inc"),
        key=f"{open_key}/{held.sequence}",
        open_key=open_key,
        workspace_id=held.workspace_id,
        sync_id=held.sync_id,
        connection_id=held.hold.connection_id,
        cause=NOT_GRANTED,
        summary=held.hold.cause,
        last_failed_at=held.hold.since,
        opened_at=unit.now,
    )
