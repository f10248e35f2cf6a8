"""What each event does here: a few lines each, in the message's own transaction."""

from dataclasses import dataclass

from tablesync.contracts import (
    ConnectionEvent,
    RunEvent,
    SyncFailed,
    SyncHeld,
    SyncReleased,
    SyncSucceeded,
)
from tablesync.notifier.incidents import connections, sync_incidents, syncs
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Handlers:
    """The handlers; failures and recoveries of syncs wait `digest_window_seconds` for company."""

    digest_window_seconds: float

    async def on_connection_event(self, event: ConnectionEvent, unit: UnitOfWork) -> None:
        """Open, recover or close the connection's incident."""
        await connections.apply(unit, event)

    async def on_sync_hold_event(self, event: SyncHeld | SyncReleased, unit: UnitOfWork) -> None:
        """Remember the hold and its gap, for the recovery mail."""
        await syncs.apply_hold(unit, event)

    async def on_sync_succeeded(self, event: SyncSucceeded, unit: UnitOfWork) -> None:
        """Close what had failed."""
        await syncs.record_end(unit, event)
        await sync_incidents.succeed(unit, event, self.digest_window_seconds)

    async def on_sync_failed(self, event: SyncFailed, unit: UnitOfWork) -> None:
        """Open an incident, unless the cause has its own or needs none."""
        await syncs.record_end(unit, event)
        await sync_incidents.fail(unit, event, self.digest_window_seconds)

    async def on_sync_interrupted(self, event: RunEvent, unit: UnitOfWork) -> None:
        """Remember the end of a catch-up; the hold that interrupted it is told by its own mail."""
        await syncs.record_end(unit, event)
