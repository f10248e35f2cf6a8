"""What a request reaches of a workspace's connections, within the budgets that runs share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from tablesync.contracts import Provider, RunFailureCause
from tablesync.contracts.internal_api import CONNECTION_NOT_CONNECTED
from tablesync.service_kit.http.problems import Problem, conflict, not_found
from tablesync.sync_runner.access.gates import Admission, Gates
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.access.reconciliation import Reconciliation
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.errors import ConnectionLostError, RunEndedError
from tablesync.sync_runner.sources import Sources
from tablesync.sync_runner.sources.base import Source


class Reach:
    """Opens connections of one workspace at a time; unknown and foreign ones are not found.

    What would end a run is raised as a Problem. A call that fails is repeated for `retry_seconds`,
    since somebody waits for the answer.
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

    async def provider_of(self, workspace_id: str, connection_id: str) -> Provider:
        """Return whose connection it is; raises Problem 404."""
        found = await self._reconciliation.find(connection_id, workspace_id)
        if found is None:
            raise not_found("connection")
        return found.provider

    async def origin(self, workspace_id: str, connection_id: str) -> str:
        """Return the account that a source's records come from, as checkpoints name it."""
        provider = await self.provider_of(workspace_id, connection_id)
        async with self._admitted(workspace_id, connection_id) as admission:
            return f"{provider}/{(await admission.grant()).account.id}"

    @asynccontextmanager
    async def source(self, workspace_id: str, connection_id: str) -> AsyncIterator[Source]:
        """Open a source; what is raised in the block is raised as a Problem, too."""
        name = await self.provider_of(workspace_id, connection_id)
        async with self._admitted(workspace_id, connection_id) as admission:
            provider = self._sources.of(name)
            grant = await admission.grant()
            yield provider.open(self._client(provider.http, admission), grant.account.id)

    @asynccontextmanager
    async def destination(
        self, workspace_id: str, connection_id: str
    ) -> AsyncIterator[AirtableClient]:
        """Open what a connection has of Airtable."""
        if await self.provider_of(workspace_id, connection_id) is not self._airtable.provider:
            raise not_found("Airtable connection")
        async with self._admitted(workspace_id, connection_id) as admission:
            grant = await admission.grant()
            client = self._client(self._airtable.http, admission)
            yield self._airtable.open(client, grant.account.id)

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
