"""What each event does here: the consumer records, it never works."""

from tablesync.contracts import (
    ChangedSyncStatus,
    ConnectionEvent,
    RunCancelRequested,
    SyncChanged,
    SyncRequested,
)
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.store import DeletedSyncs, Runs


class Handlers:
    """The handlers of what is consumed, and of connection-events as every process follows them."""

    def __init__(self, runs: Runs, deleted: DeletedSyncs, connections: Connections) -> None:
        self._runs = runs
        self._deleted = deleted
        self._connections = connections

    async def on_sync_requested(self, event: SyncRequested, unit: UnitOfWork) -> None:
        """Put the run into the queue."""
        await self._runs.record(unit, event)

    async def on_run_cancel_requested(self, event: RunCancelRequested, unit: UnitOfWork) -> None:
        """End the run if it waits, else have its worker end it."""
        await self._runs.request_cancel(unit, event.run_id)

    async def on_sync_changed(self, event: SyncChanged, unit: UnitOfWork) -> None:
        """Remember a deletion, for the job that follows; else a run brings all that it needs."""
        if event.status is ChangedSyncStatus.DELETED:
            await self._deleted.remember(unit, event.sync_id, event.workspace_id)

    async def on_connection_event(self, event: ConnectionEvent) -> None:
        """Take in a connection's state; a lost one stops the runs of this process at once."""
        await self._connections.take_in(event)
