"""The audit trail in words: who did what to what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.people import AuditEntry, MemberView
from tablesync.contracts.wording import loss, provider_label
from tablesync.dashboard.shown.workspace.people import role

OURSELVES = "TableSync"
_ACTIONS: Mapping[str, str] = {
    "workspace.created": "Created the workspace",
    "connection.established": "Connected",
    "connection.reconnected": "Reconnected",
    "connection.revoked": "Found the connection lost",
    "connection.disconnected": "Disconnected",
    "connection.renamed": "Renamed",
    "grant.refreshed": "Renewed the access",
    "member.invited": "Invited somebody",
    "member.role-changed": "Changed a role",
    "member.removed": "Removed a member",
    "invitation.sent-again": "Sent an invitation again",
    "invitation.withdrawn": "Withdrew an invitation",
    "invitation.accepted": "Accepted an invitation",
    "invitation.declined": "Declined an invitation",
    "api-token.created": "Created an API token",
    "api-token.deleted": "Deleted an API token",
    "audit.head_mended": "Found this list changed by hand",
}


@dataclass(frozen=True)
class Audited:
    """One entry; `path` leads to what it was done to, inside the workspace, if it has a page."""

    at: datetime
    who: str
    what: str
    subject: str
    more: str
    path: str


class Auditing:
    """Names what entries only have ids of."""

    def __init__(
        self, connections: Iterable[ConnectionName], members: Iterable[MemberView]
    ) -> None:
        self._connections = {each.id: each for each in connections}
        self._members = {each.operator_id: each.name for each in members}

    def told(self, entry: AuditEntry) -> Audited:
        """Return an entry in words; what a newer service did is told by its name."""
        connection = self._connections.get(entry.subject)
        subject = _called(connection) if connection else self._members.get(entry.subject, "")
        return Audited(
            at=entry.at,
            who=self._who(entry),
            what=_ACTIONS.get(entry.action, entry.action.replace(".", ": ").replace("-", " ")),
            subject=subject,
            more=_more(entry, connection),
            path=f"/connections/{connection.id}" if connection else "",
        )

    def _who(self, entry: AuditEntry) -> str:
        """Return who did it: the recipient of a mail for what its link did, or TableSync itself."""
        acted = str(entry.detail.get("recipient") or entry.actor_id)
        somebody = entry.actor or self._members.get(acted)
        return somebody or (acted if "@" in acted else OURSELVES)


def _called(connection: ConnectionName) -> str:
    return f"{provider_label(str(connection.provider))}, {connection.name}"


def _more(entry: AuditEntry, connection: ConnectionName | None) -> str:
    detail = entry.detail
    if (cause := detail.get("cause")) and connection:
        return loss(str(cause), str(connection.provider))
    if before := detail.get("before"):
        return f"From {role(str(before))} to {role(str(detail.get('role')))}"
    if given := detail.get("role"):
        return f"As {role(str(given))}"
    return ""
