"""What the notifier knows of connections: the newest state of each, from events or by asking."""

from tablesync.contracts import (
    ConnectionCause,
    ConnectionEstablished,
    ConnectionEvent,
    ConnectionMoved,
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionStatus,
    RevocationAnnounced,
)
from tablesync.notifier.incidents.connection_incidents import ConnectionIncidents
from tablesync.notifier.models import KnownConnection
from tablesync.notifier.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

_FRESH_GRANT = (ConnectionEstablished, ConnectionReconnected, ConnectionMoved)


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
        if isinstance(state, ConnectionRemoved) or state.status is ConnectionStatus.DISCONNECTED:
            await self._incidents.close_silently(state.connection_id, unit)
        elif state.status is ConnectionStatus.CONNECTED:
            await self._incidents.recover(state.connection_id, unit)
        elif state.cause is not ConnectionCause.OPERATOR and not planned:
            await self._incidents.open(state, unit)


def _newest(known: KnownConnection | None, state: ConnectionEvent) -> KnownConnection:
    return KnownConnection(
        id=state.connection_id,
        workspace_id=state.workspace_id,
        provider=state.provider,
        status=state.status,
        sequence=state.sequence,
        planned=_planned(known, state),
    )


def _planned(known: KnownConnection | None, state: ConnectionEvent) -> bool:
    """Whether an operator announced the loss; a fresh grant ends the announcement."""
    if isinstance(state, RevocationAnnounced):
        return True
    before = known is not None and known.planned
    return before and not isinstance(state, _FRESH_GRANT)
