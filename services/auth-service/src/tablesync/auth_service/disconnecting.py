"""Disconnecting by an operator: decisive, and the tokens are forgotten."""

from tablesync.auth_service import audit, connections
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.grants import Grants
from tablesync.contracts import ConnectionCause, ConnectionRevoked, ConnectionStatus
from tablesync.service_kit.unit_of_work import UnitOfWork
from tablesync.service_kit.user_auth import Principal


async def disconnect(
    unit: UnitOfWork, grants: Grants, principal: Principal, connection_id: str
) -> Connection:
    """Disconnect; nothing changes for a connection that an operator disconnected before."""
    connection = await connections.read(unit, principal.workspace_id, connection_id)
    if connection.status is ConnectionStatus.DISCONNECTED:
        return connection
    await grants.forget(unit, connection.id)
    await audit.record(
        unit,
        principal.workspace_id,
        principal.operator_id,
        "connection.disconnected",
        connection.id,
    )
    return await connections.store(
        unit,
        connection,
        ConnectionRevoked,
        status=ConnectionStatus.DISCONNECTED,
        cause=ConnectionCause.OPERATOR,
    )
