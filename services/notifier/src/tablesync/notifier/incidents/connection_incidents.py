"""Incidents of connections: one while a confirmed loss lasts, keyed by (connection, revocation)."""

from tablesync.contracts import ConnectionEvent, new_id
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.mail.plan import Mails, MailSubject, PlannedMail
from tablesync.notifier.models import ConnectionIncident
from tablesync.notifier.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class ConnectionIncidents:
    """Opens and closes incidents of connections, and plans what is mailed about them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mails = Mails(store.database)

    async def open(self, state: ConnectionEvent, unit: UnitOfWork) -> None:
        """Open an incident and plan its mail, unless one is open or this loss has had one."""
        incident = _incident(state, unit)
        if await self._store.loss_is_known(incident.key, state.connection_id, unit.session):
            return
        await self._forget_recoveries(state.connection_id, unit)
        await self._store.add_incident(incident, unit.session)
        await self._plan(incident, MailKind.REVOCATION, unit)

    async def recover(self, connection_id: str, unit: UnitOfWork) -> None:
        """Close the open incident; what was mailed gets a recovery mail, the rest stays silent."""
        incident = await self._close(connection_id, unit)
        if incident is None:
            return
        if await self._mails.told_by(incident.id, MailKind.REVOCATION, unit.session):
            await self._plan(incident, MailKind.RECOVERY, unit)

    async def close_silently(self, connection_id: str, unit: UnitOfWork) -> None:
        """Close the open incident: an operator took the connection away; nobody is mailed."""
        await self._close(connection_id, unit)
        await self._forget_recoveries(connection_id, unit)

    async def _close(self, connection_id: str, unit: UnitOfWork) -> ConnectionIncident | None:
        incident = await self._store.close_incident_of(connection_id, unit.now, unit.session)
        if incident is not None:
            kinds = (MailKind.REVOCATION, MailKind.REMINDER)
            await self._mails.cancel_unsent([incident.id], *kinds, session=unit.session)
        return incident

    async def _forget_recoveries(self, connection_id: str, unit: UnitOfWork) -> None:
        """Cancel the recovery mail of an earlier incident: the recovery did not last."""
        earlier = await self._store.connection_incident_ids(connection_id, unit.session)
        await self._mails.cancel_unsent(earlier, MailKind.RECOVERY, session=unit.session)

    async def _plan(self, incident: ConnectionIncident, kind: MailKind, unit: UnitOfWork) -> None:
        mail = PlannedMail(
            incident_ids=(incident.id,),
            workspace_id=incident.workspace_id,
            about=MailSubject.CONNECTION,
            kind=kind,
            due_at=unit.now,
            created_at=unit.now,
        )
        await self._mails.plan(mail, unit.session)


def _incident(state: ConnectionEvent, unit: UnitOfWork) -> ConnectionIncident:
    return ConnectionIncident(
        id=new_id("inc"),
        key=f"{state.connection_id}/{state.sequence}",
        open_key=state.connection_id,
        workspace_id=state.workspace_id,
        connection_id=state.connection_id,
        provider=state.provider,
        account=state.account,
        owner_id=state.owner_id,
        cause=state.cause,
        lost_at=state.changed_at,
        opened_at=unit.now,
    )
