"""What the notifier knows of connections: the newest state of each, from events or by asking."""

from datetime import timedelta

from tablesync.contracts import (
    ConnectionCause,
    ConnectionEvent,
    ConnectionStatus,
    RevocationAnnounced,
)
from tablesync.notifier.incidents.connection_incidents import ConnectionIncidents
from tablesync.notifier.models import Announcement, KnownConnection
from tablesync.notifier.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

# A plan is carried out later than it says, and found out by the next call of a sync.
LONGEST_DELAY = timedelta(days=1)


class Connections:
    """Takes connection states and acts on what they mean."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._incidents = ConnectionIncidents(store)

    async def take(self, state: ConnectionEvent, unit: UnitOfWork) -> None:
        """Take a connection's state, unless a newer one is known, and act on it."""
        known = await self._store.connection(state.connection_id, unit.session)
        if known is not None and known.sequence >= state.sequence:
            return
        newest = _newest(known, state)
        await self._store.save_connection(newest, unit.session)
        await self._act(state, newest.planned, unit)

    async def _act(self, state: ConnectionEvent, planned: bool, unit: UnitOfWork) -> None:
        if state.status is ConnectionStatus.DISCONNECTED:
            await self._incidents.close_silently(state.connection_id, unit)
        elif state.status is ConnectionStatus.CONNECTED:
            await self._incidents.recover(state.connection_id, unit)
        elif state.cause is not ConnectionCause.OPERATOR and not planned:
            await self._incidents.open(state, unit)


def _newest(known: KnownConnection | None, state: ConnectionEvent) -> KnownConnection:
    planned = _planned(known, state)
    return KnownConnection(
        id=state.connection_id,
        workspace_id=state.workspace_id,
        provider=state.provider,
        status=state.status,
        sequence=state.sequence,
        planned=planned,
        grant_version=state.grant_version,
        announcement=_announcement(known, state) if planned else None,
    )


def _announcement(known: KnownConnection | None, state: ConnectionEvent) -> Announcement | None:
    if isinstance(state, RevocationAnnounced):
        return Announcement(grant_version=state.grant_version, planned_for=state.planned_for)
    return known.announcement if known else None


def _planned(known: KnownConnection | None, state: ConnectionEvent) -> bool:
    """Whether an operator announced the loss; a fresh grant ends the announcement."""
    if isinstance(state, RevocationAnnounced):
        return True
    if known is None or not known.planned:
        return False
    return not (_has_fresh_grant(known, state) or _outlives(state, known.announcement))


def _outlives(state: ConnectionEvent, announcement: Announcement | None) -> bool:
    """Whether a later grant than the one announced was there when that was to have ended long ago.

    Its version alone does not tell: until then each refresh of the announced one makes it newer.
    """
    if announcement is None or state.grant_version <= announcement.grant_version:
        return False
    return state.changed_at > announcement.planned_for + LONGEST_DELAY


def _has_fresh_grant(known: KnownConnection, state: ConnectionEvent) -> bool:
    """Whether somebody reconnected between two states, whichever events told of them.

    A lost grant gets no newer version by itself. One that lives does by each refresh: between two
    connected states that counts as well, as a mail too many is better than one too few.
    """
    lost = known.status != ConnectionStatus.CONNECTED
    connected = state.status is ConnectionStatus.CONNECTED
    return state.grant_version > known.grant_version and (lost or connected)
