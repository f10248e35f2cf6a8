"""What happened, what TableSync did, what you can do: in this order, for a sync that waits."""

from collections.abc import Mapping
from dataclasses import dataclass

from tablesync.contracts import HoldKind
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.syncs import HoldView, SyncState
from tablesync.contracts.wording import loss, provider_label
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.shown.words import number


@dataclass(frozen=True)
class Story:
    """Three sentences, and the connection to reconnect, if that helps."""

    happened: str
    did: str
    can_do: str
    reconnect: ConnectionView | None = None

    @property
    def label(self) -> str:
        """The provider of the connection to reconnect."""
        return provider_label(str(self.reconnect.provider)) if self.reconnect else ""


def story_of(shown: ShownSync, connections: Mapping[str, ConnectionView]) -> Story | None:
    """Return the story of a sync that needs somebody or waits; None for one that is fine."""
    sync = shown.sync
    if sync.hold:
        return _held(shown, sync.hold, connections.get(sync.hold.connection_id or ""))
    if sync.state == SyncState.FAILING and sync.last_run:
        return Story(
            shown.by_name(sync.last_run.summary or "The last run failed."),
            "It tries again at the next slot. Rows in Airtable stay as they are.",
            "See the run for the cause, or press Sync now to try at once.",
        )
    return None


def _held(shown: ShownSync, hold: HoldView, connection: ConnectionView | None) -> Story:
    caught_up = _caught_up(shown.sync.gap.slots_missed if shown.sync.gap else 0)
    kept = "It put this sync on hold. All rows in Airtable stay as they are."
    if hold.kind == HoldKind.CONNECTION:
        label = provider_label(str(connection.provider)) if connection else shown.label
        provider = str(connection.provider) if connection else str(shown.sync.source.provider)
        return Story(
            loss(hold.cause, provider),
            f"It stopped calling {label}. {kept}",
            f"Reconnect the same account. {caught_up}",
            connection,
        )
    if hold.kind == HoldKind.QUOTA:
        return Story(
            shown.by_name(hold.cause),
            kept,
            f"Nothing: it goes on once the quota is refilled. {caught_up}",
        )
    again = "It looks every 15 minutes whether it is there again."
    return Story(
        shown.by_name(hold.cause),
        f"{kept} {again}",
        f"Mend it at its place, or edit the sync. {caught_up}",
    )


def _caught_up(missed: int) -> str:
    if not missed:
        return "It has missed no slot so far."
    them = "slot missed so far is" if missed == 1 else f"{number(missed)} slots missed so far are"
    return f"The {them} then caught up in one run."
