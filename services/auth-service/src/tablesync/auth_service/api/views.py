"""What `/v1` and `/internal/v1` say of connections."""

from datetime import datetime
from typing import Any

from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.contracts import ConnectionStatus, Provider
from tablesync.contracts.specs import rfc3339

_REMOVE_AT = {
    Provider.HUBSPOT: "To remove the app too: HubSpot → Settings → Integrations → Connected Apps.",
    Provider.AIRTABLE: "To remove it too: Airtable → Account → Integrations → Third-party.",
}


def connection_view(connection: Connection) -> dict[str, Any]:
    """Return a connection as operators see it."""
    return {
        "id": connection.id,
        "workspace_id": connection.workspace_id,
        "provider": connection.provider,
        "account": connection.account.model_dump(),
        "status": connection.status,
        "cause": connection.cause,
        "grant_version": connection.grant_version,
        "owner_id": connection.owner_id,
        "scopes": list(connection.scopes),
        "missing_scopes": list(connection.missing_scopes),
        "changed_at": rfc3339(connection.changed_at),
        "badge": badge(connection),
        "findings": findings(connection),
    }


def state_view(connection: Connection) -> dict[str, Any]:
    """Return what a connection event would say, for reconciliation."""
    return {**connection.state(), "changed_at": rfc3339(connection.changed_at)}


def authorization_view(attempt: Authorization, now: datetime) -> dict[str, Any]:
    """Return an attempt as the page that waits for its outcome reads it."""
    return {
        "id": attempt.id,
        "provider": attempt.provider,
        "status": attempt.status_at(now),
        "connection_id": attempt.connection_id,
        "finding": attempt.finding.model_dump() if attempt.finding else None,
    }


def badge(connection: Connection) -> str:
    """Return the words on the card."""
    if connection.status is ConnectionStatus.DISCONNECTED:
        return "Disconnected by you"
    if connection.status is ConnectionStatus.REVOKED:
        return "Disconnected"
    return "Needs attention" if connection.missing_scopes else "Connected"


def findings(connection: Connection) -> list[dict[str, Any]]:
    """Return what an operator should look at, with the remedy."""
    if connection.status is ConnectionStatus.DISCONNECTED:
        return [{"kind": "app_stays", "message": _REMOVE_AT[connection.provider]}]
    if not connection.connected or not connection.missing_scopes:
        return []
    scopes = ", ".join(connection.missing_scopes)
    message = f"The last consent left out: {scopes}. Reconnect and allow everything asked for."
    return [
        {
            "kind": "missing_scopes",
            "scopes": list(connection.missing_scopes),
            "message": message,
        }
    ]
