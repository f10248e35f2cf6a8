"""The catalogue: what a connection has to offer, asked of its provider within the budgets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from tablesync.contracts import Provider, RunFailureCause
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    AirtableBases,
    AirtableField,
    AirtableTable,
    AirtableTables,
    SourceObject,
    SourceObjects,
    SourceOption,
    SourceProperties,
    SourceProperty,
)
from tablesync.service_kit.http.problems import Problem, conflict, not_found
from tablesync.sync_runner.access.gates import Admission, Gates
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.access.reconciliation import Reconciliation
from tablesync.sync_runner.airtable.cells import is_writable
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.airtable.schema import Field, Table
from tablesync.sync_runner.errors import ConnectionLostError, RunEndedError
from tablesync.sync_runner.sources import Sources, base
from tablesync.sync_runner.sources.base import Source


class Catalog:
    """Answers for one workspace at a time; unknown and foreign connections are not found.

    A call that fails is repeated for `retry_seconds`, since somebody waits for the answer.
    """

    def __init__(
        self,
        gates: Gates,
        reconciliation: Reconciliation,
        sources: Sources,
        airtable: Airtable,
        retry_seconds: float,
    ) -> None:
        self._gates = gates
        self._reconciliation = reconciliation
        self._sources = sources
        self._airtable = airtable
        self._retry_seconds = retry_seconds

    async def objects(self, workspace_id: str, connection_id: str) -> SourceObjects:
        """Return the objects of a source."""
        async with self._source(workspace_id, connection_id) as source:
            found = await source.objects()
        return SourceObjects(items=tuple(SourceObject(**vars(each)) for each in found))

    async def properties(
        self, workspace_id: str, connection_id: str, object_: str
    ) -> SourceProperties:
        """Return the properties of an object, `id` first."""
        async with self._source(workspace_id, connection_id) as source:
            if object_ not in {each.name for each in await source.objects()}:
                raise not_found("object")
            found = (await source.open(object_)).properties
        return SourceProperties(
            items=tuple(_shown_property(each) for each in found if each.understood)
        )

    async def bases(self, workspace_id: str, connection_id: str) -> AirtableBases:
        """Return the bases that were granted."""
        async with self._destination(workspace_id, connection_id) as client:
            return AirtableBases(items=tuple(await client.bases()))

    async def tables(self, workspace_id: str, connection_id: str, base_id: str) -> AirtableTables:
        """Return the tables of a base, with their fields."""
        async with self._destination(workspace_id, connection_id) as client:
            found = await client.tables(base_id)
        return AirtableTables(items=tuple(_shown_table(each) for each in found if each.understood))

    @asynccontextmanager
    async def _source(self, workspace_id: str, connection_id: str) -> AsyncIterator[Source]:
        name = await self._provider_of(workspace_id, connection_id)
        async with self._admitted(workspace_id, connection_id) as admission:
            provider = self._sources.of(name)
            grant = await admission.grant()
            yield provider.open(self._client(provider.http, admission), grant.account.id)

    @asynccontextmanager
    async def _destination(
        self, workspace_id: str, connection_id: str
    ) -> AsyncIterator[AirtableClient]:
        if await self._provider_of(workspace_id, connection_id) is not self._airtable.provider:
            raise not_found("Airtable connection")
        async with self._admitted(workspace_id, connection_id) as admission:
            grant = await admission.grant()
            client = self._client(self._airtable.http, admission)
            yield self._airtable.open(client, grant.account.id)

    async def _provider_of(self, workspace_id: str, connection_id: str) -> Provider:
        found = await self._reconciliation.find(connection_id, workspace_id)
        if found is None:
            raise not_found("connection")
        return found.provider

    @asynccontextmanager
    async def _admitted(self, workspace_id: str, connection_id: str) -> AsyncIterator[Admission]:
        admission = self._gates.of(connection_id, workspace_id).admit(lambda _: None)
        try:
            yield admission
        except RunEndedError as error:
            raise _problem(error) from error
        finally:
            admission.close()

    def _client(self, http: httpx.AsyncClient, admission: Admission) -> ProviderClient:
        return ProviderClient(http, admission, retry_seconds=self._retry_seconds)


def _problem(error: RunEndedError) -> Problem:
    """Say what a run would have ended with."""
    if isinstance(error, ConnectionLostError):
        known = error.details.model_dump(mode="json", exclude_none=True)
        return conflict(CONNECTION_NOT_CONNECTED, error.summary, **known)
    if error.cause in (RunFailureCause.RESOURCE, RunFailureCause.MAPPING):
        return Problem(404, "not-found", error.summary)
    return Problem(503, "unavailable", error.summary, headers={"Retry-After": "30"})


def _shown_property(found: base.SourceProperty) -> SourceProperty:
    return SourceProperty(
        name=found.name,
        label=found.label,
        type=found.type,
        kind=found.kind,
        options=tuple(SourceOption(**vars(each)) for each in found.options),
        unit=found.unit,
    )


def _shown_table(table: Table) -> AirtableTable:
    fields = tuple(_shown_field(each) for each in table.fields.values())
    return AirtableTable(id=table.id, name=table.name, fields=fields)


def _shown_field(field: Field) -> AirtableField:
    return AirtableField(
        id=field.id,
        name=field.name,
        type=field.type,
        options=dict(field.options),
        mergeable=field.mergeable,
        writable=is_writable(field.type),
    )
