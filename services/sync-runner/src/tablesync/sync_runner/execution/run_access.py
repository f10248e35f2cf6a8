"""What one run may call: both connections' admissions, and clients that heed lease and stops."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from tablesync.contracts import Destination
from tablesync.contracts import Source as SourceSpec
from tablesync.service_kit.mongo.leases import Lease
from tablesync.sync_runner.access.gates import Admission
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.errors import LeaseLostError
from tablesync.sync_runner.execution.context import RunContext
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.signals import Signals
from tablesync.sync_runner.sources.base import Source
from tablesync.sync_runner.stall import StallTimer

LEASE_MARGIN_SECONDS = 0.2


class RunAccess:
    """One run's way to its source and its table; `sending` are the tasks that write right now."""

    def __init__(
        self,
        context: RunContext,
        run: Run,
        lease: Lease,
        signals: Signals,
        stall_timer: StallTimer,
    ) -> None:
        self.sending: set[asyncio.Task[Any] | None] = set()
        self._context = context
        self._run = run
        self._lease = lease
        self._signals = signals
        self._stall_timer = stall_timer
        self._admissions: list[Admission] = []

    async def open_source(self, spec: SourceSpec) -> tuple[Source, str]:
        """Return the source, and the account that its records come from.

        Raises RunFailedError for a provider that is no source, before a token is asked for.
        """
        provider = self._context.sources.of(spec.provider)
        admission = self._admit(spec.connection_id)
        grant = await admission.grant()
        client = self._client(provider.http, admission, self._seconds_left, set())
        return provider.open(client, grant.account.id), f"{spec.provider}/{grant.account.id}"

    async def open_airtable(self, destination: Destination) -> AirtableClient:
        """Return Airtable as the destination's connection reaches it."""
        airtable = self._context.airtable
        admission = self._admit(destination.connection_id)
        grant = await admission.grant()
        client = self._client(airtable.http, admission, self._leased_seconds, self.sending)
        return airtable.open(client, grant.account.id)

    async def obey_stops(self) -> None:
        """Stop if any process has noted that a grant which this run uses is lost."""
        ids = [each.connection_id for each in self._admissions]
        await self._context.connections.obey_stops(ids)

    def leave(self) -> None:
        """Take part in the connections' gates no longer."""
        for each in self._admissions:
            each.close()

    def _admit(self, connection_id: str) -> Admission:
        gate = self._context.connections.gates.of(connection_id, self._run.workspace_id)
        admission = gate.admit(self._signals.stop)
        self._admissions.append(admission)
        return admission

    def _client(
        self,
        http: httpx.AsyncClient,
        admission: Admission,
        seconds_left: Callable[[], float],
        sending: set["asyncio.Task[Any] | None"],
    ) -> ProviderClient:
        return ProviderClient(
            http,
            admission,
            self._stall_timer,
            seconds_left=seconds_left,
            sending=sending,
            answer_bytes=self._context.answer_bytes,
        )

    def _seconds_left(self) -> float:
        self._signals.check()
        return self._context.queue.request_seconds

    def _leased_seconds(self) -> float:
        """Let a write go while the lease lasts, on this clock: whoever takes over waits for it."""
        if self._lease.remaining() <= LEASE_MARGIN_SECONDS:
            raise LeaseLostError(self._run.id)
        return self._seconds_left()
