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
from tablesync.notifier.incidents import connection_incidents as incidents
from tablesync.notifier.store import CONNECTIONS
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

_FRESH_GRANT = (ConnectionEstablished, ConnectionReconnected, ConnectionMoved)


async def apply(unit: UnitOfWork, state: ConnectionEvent) -> None:
    """Take a connection's state, unless a newer one is known, and act on what it means."""
    rows = unit.database[CONNECTIONS]
    known = await rows.find_one({"_id": state.connection_id}, session=unit.session)
    if known is not None and known["sequence"] >= state.sequence:
        return
    planned = _planned(known, state)
    row = {
        "workspace_id": state.workspace_id,
        "provider": state.provider,
        "status": state.status,
        "sequence": state.sequence,
        "planned": planned,
    }
    await rows.replace_one({"_id": state.connection_id}, row, upsert=True, session=unit.session)
    await _act(unit, state, planned)


async def _act(unit: UnitOfWork, state: ConnectionEvent, planned: bool) -> None:
    if isinstance(state, ConnectionRemoved) or state.status is ConnectionStatus.DISCONNECTED:
        await incidents.close_silently(unit, state.connection_id)
    elif state.status is ConnectionStatus.CONNECTED:
        await incidents.recover(unit, state.connection_id)
    elif state.cause is not ConnectionCause.OPERATOR and not planned:
        await incidents.open_(unit, state)


def _planned(known: Document | None, state: ConnectionEvent) -> bool:
    """Whether an operator announced the loss; a fresh grant ends the announcement."""
    if isinstance(state, RevocationAnnounced):
        return True
    before = bool(known and known["planned"])
    return before and not isinstance(state, _FRESH_GRANT)
