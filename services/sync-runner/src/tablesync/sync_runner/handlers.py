"""What each event does here: the consumer records, it never works."""

from tablesync.contracts import RunCancelRequested, SyncRequested
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner import store
from tablesync.sync_runner.execution.workers import Workers


class Handlers:
    """The handlers of sync-requests."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def on_sync_requested(self, event: SyncRequested, unit: UnitOfWork) -> None:
        """Put the run into the queue."""
        await store.record_run(unit, event)
        self._workers.wake()

    async def on_run_cancel_requested(self, event: RunCancelRequested, unit: UnitOfWork) -> None:
        """End the run if it waits, else have its worker end it."""
        await store.request_cancel(unit, event.run_id)
