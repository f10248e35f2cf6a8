"""sync-runner as scheduler sees it: a catalogue that people change, and runs as they stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from tablesync.contracts import ConnectionCause, ConnectionStatus, Provider, RunStatus, Trigger
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    RUN_IDS_LIMIT,
    AirtableBase,
    AirtableBases,
    AirtableField,
    AirtableTable,
    AirtableTables,
    ConnectionNotConnected,
    RunState,
    RunStates,
    SourceObject,
    SourceObjects,
    SourceProperties,
    SourceProperty,
)
from tablesync.service_kit.http import problems
from tablesync.test_kit.stand_ins.base import PREFIX, StandIn


@dataclass
class CatalogConnection:
    """A connection of which the catalogue can be asked, unless it is lost."""

    workspace_id: str
    provider: Provider
    lost: bool = False
    grant_version: int = 1


class SyncRunnerStandIn(StandIn):
    """Knows connections, the properties of each object, the tables of each base, and runs."""

    name = "sync-runner"

    def __init__(self, trusted_keys_file: Path) -> None:
        super().__init__(trusted_keys_file)
        self.connections: dict[str, CatalogConnection] = {}
        self.objects: dict[str, list[str]] = {}
        self.tables: dict[str, list[AirtableTable]] = {}
        self.runs: dict[str, RunState] = {}

    def routes(self) -> APIRouter:
        """Make the routes below `/internal/v1`."""
        router = APIRouter(prefix=PREFIX, dependencies=[self.admits("scheduler")])
        self._add_source_routes(router)
        self._add_destination_routes(router)

        @router.get("/runs")
        async def runs(ids: Annotated[str, Query()]) -> RunStates:
            wanted = [each for each in ids.split(",") if each][:RUN_IDS_LIMIT]
            return RunStates(items=tuple(self.runs[each] for each in wanted if each in self.runs))

        return router

    def _add_source_routes(self, router: APIRouter) -> None:
        @router.get("/catalog/{connection_id}/objects")
        async def objects(connection_id: str, workspace_id: str) -> SourceObjects:
            self._check(workspace_id, connection_id, source=True)
            return SourceObjects(items=tuple(map(_source_object, self.objects)))

        @router.get("/catalog/{connection_id}/objects/{name}/properties")
        async def properties(connection_id: str, name: str, workspace_id: str) -> SourceProperties:
            self._check(workspace_id, connection_id, source=True)
            if name not in self.objects:
                raise problems.not_found("object")
            return SourceProperties(items=tuple(_properties(self.objects[name])))

    def _add_destination_routes(self, router: APIRouter) -> None:
        @router.get("/catalog/{connection_id}/bases")
        async def bases(connection_id: str, workspace_id: str) -> AirtableBases:
            self._check(workspace_id, connection_id, source=False)
            found = (AirtableBase(id=each, name=f"Base {each}") for each in self.tables)
            return AirtableBases(items=tuple(found))

        @router.get("/catalog/{connection_id}/bases/{base_id}/tables")
        async def tables(connection_id: str, base_id: str, workspace_id: str) -> AirtableTables:
            self._check(workspace_id, connection_id, source=False)
            if base_id not in self.tables:
                raise problems.not_found("base")
            return AirtableTables(items=tuple(self.tables[base_id]))

    def _check(self, workspace_id: str, connection_id: str, *, source: bool) -> None:
        """Refuse what is not there, foreign, of the other kind, or lost."""
        known = self.connections.get(connection_id)
        if known is None or known.workspace_id != workspace_id:
            raise problems.not_found("connection")
        if source is (known.provider is Provider.AIRTABLE):
            raise problems.not_found("source connection" if source else "Airtable connection")
        if known.lost:
            raise _not_connected(connection_id, known)


def run_state(run_id: str, **changes: Any) -> RunState:
    """Make what sync-runner tells of a run that waits in its queue, but for some changes."""
    fields = {
        "run_id": run_id,
        "sync_id": "syn_1",
        "workspace_id": "ws_1",
        "trigger": Trigger.SCHEDULE,
        "status": RunStatus.QUEUED,
        "summary": "",
    }
    return RunState.model_validate(fields | changes)


def airtable_field(
    field_id: str, name: str, type_: str = "singleLineText", **changes: Any
) -> AirtableField:
    """Make a field by which rows can be found, and which can be written, unless told otherwise."""
    fields = {"id": field_id, "name": name, "type": type_, "mergeable": True, "writable": True}
    return AirtableField.model_validate(fields | changes)


def _not_connected(connection_id: str, lost: CatalogConnection) -> problems.Problem:
    members = ConnectionNotConnected(
        connection_id=connection_id,
        connection_status=ConnectionStatus.REVOKED,
        cause=ConnectionCause.APP_UNINSTALLED,
        grant_version=lost.grant_version,
    )
    return problems.conflict(
        CONNECTION_NOT_CONNECTED,
        "Access to the account was lost.",
        **members.model_dump(mode="json"),
    )


def _source_object(name: str) -> SourceObject:
    return SourceObject(name=name, label=name.capitalize())


def _properties(names: Iterable[str]) -> Iterable[SourceProperty]:
    """The record's id comes first, as a property of every object."""
    yield SourceProperty(name="id", label="Record ID", type="string")
    yield from (SourceProperty(name=each, label=each, type="string") for each in names)
