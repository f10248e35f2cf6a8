"""What each event does here: a few lines each, in the message's own transaction."""

from tablesync.contracts import (
    ChangedSyncStatus,
    ConnectionEvent,
    MemberInvited,
    RunEvent,
    SyncChanged,
    SyncFailed,
    SyncHeld,
    SyncReleased,
    SyncSucceeded,
)
from tablesync.notifier.incidents.connections import Connections
from tablesync.notifier.incidents.sync_incidents import SyncIncidents
from tablesync.notifier.incidents.syncs import Syncs
from tablesync.notifier.mail import invitation
from tablesync.notifier.mail.plan import Mails
from tablesync.notifier.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Handlers:
    """The handlers; failures and recoveries of syncs wait `digest_window_seconds` for company."""

    def __init__(self, store: Store, digest_window_seconds: float) -> None:
        self._connections = Connections(store)
        self._mails = Mails(store.database)
        self._syncs = Syncs(store)
        self._sync_incidents = SyncIncidents(store, digest_window_seconds)

    async def on_connection_event(self, event: ConnectionEvent, unit: UnitOfWork) -> None:
        """Open, recover or close the connection's incident."""
        await self._connections.take(event, unit)

    async def on_member_invited(self, event: MemberInvited, unit: UnitOfWork) -> None:
        """Have the invitation mailed."""
        await self._mails.plan(invitation.planned(event, unit.now), unit.session)

    async def on_sync_hold_event(self, event: SyncHeld | SyncReleased, unit: UnitOfWork) -> None:
        """Remember the hold and its gap, for the recovery mail, and tell what was not granted."""
        if await self._syncs.take_hold(event, unit):
            await self._sync_incidents.follow(event, unit)

    async def on_sync_changed(self, event: SyncChanged, unit: UnitOfWork) -> None:
        """Close what is open about a deleted sync, without a mail."""
        if event.status is ChangedSyncStatus.DELETED:
            await self._syncs.take_deletion(event, unit)
            await self._sync_incidents.close_silently(event.sync_id, unit)

    async def on_sync_succeeded(self, event: SyncSucceeded, unit: UnitOfWork) -> None:
        """Close what had failed."""
        await self._syncs.record_end(event, unit)
        await self._sync_incidents.succeed(event, unit)

    async def on_sync_failed(self, event: SyncFailed, unit: UnitOfWork) -> None:
        """Open an incident, unless the cause has its own or needs none."""
        await self._syncs.record_end(event, unit)
        await self._sync_incidents.fail(event, unit)

    async def on_sync_interrupted(self, event: RunEvent, unit: UnitOfWork) -> None:
        """Remember the end of a catch-up; the hold that interrupted it is told by its own mail."""
        await self._syncs.record_end(event, unit)
