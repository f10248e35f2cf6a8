"""The catalogue: what a connection has to offer, asked of its provider within the budgets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tablesync.contracts import Provider, RunFailureCause
from tablesync.service_kit.http.problems import Problem, conflict, not_found
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.access.gates import Admission
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.airtable.cells import is_writable
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.airtable.schema import Field, Table
from tablesync.sync_runner.errors import ConnectionLostError, RunEndedError
from tablesync.sync_runner.sources import Sources
from tablesync.sync_runner.sources.base import Source

RETRY_SECONDS = 15.0
Items = dict[str, list[dict[str, Any]]]


class Catalog:
    """Answers for one workspace at a time; unknown and foreign connections are not found."""

    def __init__(self, connections: Connections, sources: Sources, airtable: Airtable) -> None:
        self._connections = connections
        self._sources = sources
        self._airtable = airtable

    async def objects(self, workspace_id: str, connection_id: str) -> Items:
        """Return the objects of a source: {name, label}."""
        async with self._source(workspace_id, connection_id) as source:
            return {"items": [vars(each) for each in await source.objects()]}

    async def properties(self, workspace_id: str, connection_id: str, object_: str) -> Items:
        """Return the properties of an object: {name, label, type}, `id` first."""
        async with self._source(workspace_id, connection_id) as source:
            if object_ not in {each.name for each in await source.objects()}:
                raise not_found("object")
            opening = await source.open(object_)
            return {"items": [vars(each) for each in opening.properties]}

    async def bases(self, workspace_id: str, connection_id: str) -> Items:
        """Return the bases that were granted: {id, name}."""
        async with self._destination(workspace_id, connection_id) as client:
            return {"items": await client.bases()}

    async def tables(self, workspace_id: str, connection_id: str, base_id: str) -> Items:
        """Return the tables of a base: {id, name, fields}."""
        async with self._destination(workspace_id, connection_id) as client:
            return {"items": [_shown_table(each) for each in await client.tables(base_id)]}

    @asynccontextmanager
    async def _source(self, workspace_id: str, connection_id: str) -> AsyncIterator[Source]:
        name = await self._provider(workspace_id, connection_id)
        async with self._admitted(workspace_id, connection_id) as admission:
            provider = self._sources.of(name)
            grant = await admission.grant()
            yield provider.open(_client(provider.http, admission), grant.account.id)

    @asynccontextmanager
    async def _destination(
        self, workspace_id: str, connection_id: str
    ) -> AsyncIterator[AirtableClient]:
        if await self._provider(workspace_id, connection_id) is not self._airtable.provider:
            raise not_found("Airtable connection")
        async with self._admitted(workspace_id, connection_id) as admission:
            grant = await admission.grant()
            yield self._airtable.open(_client(self._airtable.http, admission), grant.account.id)

    async def _provider(self, workspace_id: str, connection_id: str) -> Provider:
        provider = await self._connections.provider(connection_id, workspace_id)
        if provider is None:
            raise not_found("connection")
        return provider

    @asynccontextmanager
    async def _admitted(self, workspace_id: str, connection_id: str) -> AsyncIterator[Admission]:
        gate = self._connections.gates.of(connection_id, workspace_id)
        admission = gate.admit(lambda _: None)
        try:
            yield admission
        except RunEndedError as error:
            raise _problem(error) from error
        finally:
            admission.close()


def _client(http: httpx.AsyncClient, admission: Admission) -> ProviderClient:
    return ProviderClient(http, admission, retry_seconds=RETRY_SECONDS)


def _problem(error: RunEndedError) -> Problem:
    """Say what a run would have ended with."""
    if isinstance(error, ConnectionLostError):
        return conflict("connection-not-connected", error.summary)
    if error.cause in (RunFailureCause.RESOURCE, RunFailureCause.MAPPING):
        return Problem(404, "not-found", error.summary)
    return Problem(503, "unavailable", error.summary, headers={"Retry-After": "30"})


def _shown_table(table: Table) -> dict[str, Any]:
    fields = [_shown_field(each) for each in table.fields.values()]
    return {"id": table.id, "name": table.name, "fields": fields}


def _shown_field(field: Field) -> dict[str, Any]:
    return {
        "id": field.id,
        "name": field.name,
        "type": field.type,
        "options": field.options,
        "mergeable": field.mergeable,
        "writable": is_writable(field.type),
    }
