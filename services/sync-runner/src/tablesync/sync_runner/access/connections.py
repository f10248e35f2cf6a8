"""What is known of connections: their last state, and up to which grant they are stopped.

A state with an older sequence is ignored. The token route alone says whether a run may go on:
what is kept here only stops runs, and only those whose grant is not newer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pymongo.errors import DuplicateKeyError
from tablesync.contracts import ConnectionEvent, ConnectionStatus, Provider
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.reading import alone, read
from tablesync.sync_runner.access.gates import Gates
from tablesync.sync_runner.access.grants import AuthService
from tablesync.sync_runner.store import CONNECTIONS


@dataclass(frozen=True)
class Connection:
    """A connection's last state."""

    id: str
    workspace_id: str
    provider: Provider
    status: ConnectionStatus
    grant_version: int
    sequence: int

    @classmethod
    def of(cls, event: ConnectionEvent) -> Self:
        """Return the state that an event tells."""
        return cls(
            id=event.connection_id,
            workspace_id=event.workspace_id,
            provider=event.provider,
            status=event.status,
            grant_version=event.grant_version,
            sequence=event.sequence,
        )

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        return cls(
            id=document["_id"],
            workspace_id=document["workspace_id"],
            provider=Provider(document["provider"]),
            status=ConnectionStatus(document["status"]),
            grant_version=document["grant_version"],
            sequence=document["sequence"],
        )

    def to_document(self) -> Document:
        """Return the stored form; up to which grant it is stopped is a field beside it."""
        return {
            "_id": self.id,
            "workspace_id": self.workspace_id,
            "provider": self.provider.value,
            "status": self.status.value,
            "grant_version": self.grant_version,
            "sequence": self.sequence,
        }


class Connections:
    """The connections as this service knows them, and the gates that their states shut."""

    def __init__(self, database: Database, auth: AuthService, patience_seconds: float) -> None:
        self._collection = database[CONNECTIONS]
        self.gates = Gates(auth, self.stop_grant, patience_seconds)

    async def take_in(self, event: ConnectionEvent) -> None:
        """Take in a connection's state; a lost one stops the runs of this process at once."""
        if event.status is not ConnectionStatus.CONNECTED:
            self.gates.stop(event.connection_id, event.grant_version)
        await self._save(Connection.of(event))

    async def take_in_newer(self, states: Sequence[ConnectionEvent]) -> bool:
        """Take in what is newer than what is known, of a page of states; False if one could not be.

        All that are lost stop runs here: another process may have stored what this one missed.
        """
        lost = [each for each in states if each.status is not ConnectionStatus.CONNECTED]
        self.gates.stop_all({each.connection_id: each.grant_version for each in lost})
        known = await self._sequences([each.connection_id for each in states])
        newer = [each for each in states if each.sequence > known.get(each.connection_id, -1)]
        taken = [
            await alone(self._collection, each.connection_id, self.take_in(each)) for each in newer
        ]
        return all(taken)

    async def find(self, connection_id: str, workspace_id: str) -> Connection | None:
        """Return a connection; None for one that this workspace does not have."""
        query = {"_id": connection_id, "workspace_id": workspace_id}
        found = await self._collection.find_one(query)
        return read(self._collection, Connection.from_document, found) if found else None

    async def stop_grant(self, connection_id: str, version: int) -> None:
        """Note that a connection's grants up to this version are lost, for all processes."""
        await self._collection.update_one(
            {"_id": connection_id}, {"$max": {"stopped_version": version}}, upsert=True
        )

    async def obey_stops(self, connection_ids: Sequence[str]) -> None:
        """Stop runs whose grant any process has noted as lost: the backstop of the events."""
        query = {"_id": {"$in": list(connection_ids)}, "stopped_version": {"$exists": True}}
        async for row in self._collection.find(query, {"stopped_version": 1}):
            self.gates.stop(row["_id"], row["stopped_version"])

    async def _sequences(self, connection_ids: Sequence[str]) -> dict[str, int]:
        query = {"_id": {"$in": list(connection_ids)}, "sequence": {"$type": "number"}}
        rows = await self._collection.find(query, {"sequence": 1}).to_list(None)
        return {row["_id"]: row["sequence"] for row in rows}

    async def _save(self, state: Connection) -> None:
        change: Document = {"$set": state.to_document()}
        if state.status is not ConnectionStatus.CONNECTED:
            change["$max"] = {"stopped_version": state.grant_version}
        older = {"$not": {"$gte": state.sequence}}  # also where there is none yet
        try:
            await self._collection.update_one(
                {"_id": state.id, "sequence": older}, change, upsert=True
            )
        except DuplicateKeyError:
            return  # what is stored is as new
