"""What a person is asked to allow: for which workspace, on whose behalf, to which connection."""

from dataclasses import dataclass

from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.consent.askers import Askers
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.identity.members import Operator
from tablesync.auth_service.identity.workspaces import Workspace, Workspaces


@dataclass(frozen=True)
class ConsentRequest:
    """An attempt as the person at the browser has to know it before allowing anything.

    `asker` is None for a mail's link, `connection` where a new one is to be made, `host` at a
    provider that is at one host for all, `return_to` where nothing follows our own last page.
    """

    workspace: Workspace
    asker: Operator | None
    connection: Connection | None
    host: str | None = None
    return_to: str | None = None
    extras: tuple[str, ...] = ()


class ConsentRequests:
    """Looks up who asks for what."""

    def __init__(self, workspaces: Workspaces, askers: Askers, connections: Connections) -> None:
        self._workspaces = workspaces
        self._askers = askers
        self._connections = connections

    async def of(self, attempt: Authorization) -> ConsentRequest | None:
        """Return what an attempt asks for; None if its asker may not connect any more."""
        asker = await self._askers.find(attempt.workspace_id, attempt.asker_id)
        if asker is None and attempt.asker_id is not None:
            return None
        connection = None
        if attempt.connection_id is not None:
            connection = await self._connections.find(attempt.connection_id)
        workspace = await self.workspace_of(attempt)
        asked_by = None if attempt.by_link else asker
        return ConsentRequest(
            workspace,
            asked_by,
            connection,
            attempt.host,
            attempt.return_to,
            attempt.extras or (),
        )

    async def workspace_of(self, attempt: Authorization | Connection) -> Workspace:
        """Return the workspace that an attempt or a connection is of."""
        return await self._workspaces.get(attempt.workspace_id)
