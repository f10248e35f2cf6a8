"""sync-runner, as the scheduler asks it: what connections have to offer, and how runs stand."""

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote

import httpx
from tablesync.contracts.internal_api import (
    AirtableBase,
    AirtableBases,
    AirtableTable,
    AirtableTables,
    Items,
    RunStates,
    SourceObject,
    SourceObjects,
    SourceProperties,
    SourceProperty,
)
from tablesync.scheduler.errors import connection_not_connected
from tablesync.service_kit.errors import UnknownToPeerError
from tablesync.service_kit.http.answers import not_connected, read_items, read_whole
from tablesync.service_kit.http.peer import PeerClient

T = TypeVar("T")


class SyncRunnerClient(PeerClient):
    """Asks sync-runner; raises DependencyUnavailableError while it gives no answer.

    What the catalogue does not know is None; Problem 409 if the connection is not connected.
    """

    name = "sync-runner"

    async def objects(self, workspace_id: str, connection_id: str) -> Sequence[SourceObject] | None:
        """Return what a source has to read."""
        return await self._items(SourceObjects, workspace_id, connection_id, "objects")

    async def properties(
        self, workspace_id: str, connection_id: str, name: str
    ) -> Sequence[SourceProperty] | None:
        """Return the properties of one object."""
        path = ("objects", name, "properties")
        return await self._items(SourceProperties, workspace_id, connection_id, *path)

    async def bases(self, workspace_id: str, connection_id: str) -> Sequence[AirtableBase] | None:
        """Return the bases that a grant covers."""
        return await self._items(AirtableBases, workspace_id, connection_id, "bases")

    async def tables(
        self, workspace_id: str, connection_id: str, base_id: str
    ) -> Sequence[AirtableTable] | None:
        """Return the tables of a base, with their fields."""
        path = ("bases", base_id, "tables")
        return await self._items(AirtableTables, workspace_id, connection_id, *path)

    async def run_states(self, run_ids: Sequence[str]) -> RunStates:
        """Return how runs stand, those of them that it knows."""
        response = await self._get("/runs", ids=",".join(run_ids))
        return read_items(RunStates, response, self.name)

    async def _items(
        self, model: type[Items[T]], workspace_id: str, connection_id: str, *path: str
    ) -> Sequence[T] | None:
        parts = "/".join(quote(part, safe="") for part in (connection_id, *path))
        try:
            response = await self._get(f"/catalog/{parts}", workspace_id=workspace_id)
        except UnknownToPeerError:
            return None
        _raise_if_not_connected(response, connection_id)
        return read_whole(model, response, self.name).items


def _raise_if_not_connected(response: httpx.Response, connection_id: str) -> None:
    if found := not_connected(response):
        status = found.connection_status or "not connected"
        raise connection_not_connected(connection_id, status, found.cause)
