"""What is known of connections: their last state, and up to which grant they are stopped.

Events make it fast, the reconciliation with auth-service every minute makes it certain; a state
with an older sequence is ignored. The token route alone says whether a run may go on: what is
kept here only stops runs, and only those whose grant is not newer.
"""

import time
from typing import Any

from pymongo.errors import DuplicateKeyError
from tablesync.contracts import ConnectionEvent, ConnectionStatus, Provider
from tablesync.service_kit.mongo import Database, Document
from tablesync.sync_runner.access.gates import Gates
from tablesync.sync_runner.clients.auth_service import AuthServiceClient
from tablesync.sync_runner.store import CONNECTIONS

PAGE = 1_000
ASK_SECONDS = 1.0


class Connections:
    """The connections as this service knows them."""

    def __init__(self, database: Database, auth: AuthServiceClient) -> None:
        self._collection = database[CONNECTIONS]
        self._auth = auth
        self._asked_at = -ASK_SECONDS
        self.gates = Gates(auth, self.stop_grant)

    async def on_connection_event(self, event: ConnectionEvent) -> None:
        """Take in a connection's state; a lost one stops the runs of this process at once."""
        if event.status is not ConnectionStatus.CONNECTED:
            self.gates.stop(event.connection_id, event.grant_version)
        await self._store(event)

    async def stop_grant(self, connection_id: str, version: int) -> None:
        """Note that a connection's grants up to this version are lost, for all processes."""
        await self._collection.update_one(
            {"_id": connection_id}, {"$max": {"stopped_version": version}}, upsert=True
        )

    def enforce(self, rows: list[Document]) -> None:
        """Pass stored stops on to the runs of this process: the backstop of the events."""
        for row in rows:
            if "stopped_version" in row:
                self.gates.stop(row["_id"], row["stopped_version"])

    async def provider(self, connection_id: str, workspace_id: str) -> Provider | None:
        """Tell whose connection it is; None for one that this workspace does not have."""
        query = {"_id": connection_id, "workspace_id": workspace_id}
        row = await self._collection.find_one(query)
        if row is None and time.monotonic() - self._asked_at >= ASK_SECONDS:
            # Just connected, perhaps; asked at most once a second, since ids can be made up.
            self._asked_at = time.monotonic()
            await self.reconcile()
            row = await self._collection.find_one(query)
        return Provider(row["provider"]) if row else None

    async def reconcile(self) -> None:
        """Take in the state of every connection that auth-service has."""
        since = 0
        while events := await self._auth.connections(since, PAGE):
            for event in events:
                await self.on_connection_event(event)
            since = max(event.sequence for event in events)
            if len(events) < PAGE:
                return

    async def _store(self, event: ConnectionEvent) -> None:
        state: dict[str, Any] = {
            "workspace_id": event.workspace_id,
            "provider": event.provider.value,
            "status": event.status.value,
            "grant_version": event.grant_version,
            "sequence": event.sequence,
        }
        change: Document = {"$set": state}
        if event.status is not ConnectionStatus.CONNECTED:
            change["$max"] = {"stopped_version": event.grant_version}
        older = {"$not": {"$gte": event.sequence}}  # also where there is none yet
        try:
            await self._collection.update_one(
                {"_id": event.connection_id, "sequence": older}, change, upsert=True
            )
        except DuplicateKeyError:
            return  # what is stored is as new
