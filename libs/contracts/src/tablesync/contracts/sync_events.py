"""Events of the topic `sync-events`, produced by scheduler."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from tablesync.contracts.event import StateEvent
from tablesync.contracts.specs import Gap, Hold, Moment, Overlap, SlotRule, SyncSpec, SyncStatus

TOPIC = "sync-events"


class SyncEvent(StateEvent):
    """A state of one sync."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sync_id"

    sync_id: str


class SyncHoldEvent(SyncEvent):
    """Base of the events that tell whether a sync is held."""

    name: str
    hold: Hold
    gap: Gap


class SyncHeld(SyncHoldEvent):
    """TableSync stopped the sync for a named cause; its gap is open."""

    type: ClassVar[str] = "tablesync.sync.held.v1"


class SyncReleased(SyncHoldEvent):
    """The hold is over; one catch-up covers the gap, unless nothing was missed."""

    type: ClassVar[str] = "tablesync.sync.released.v1"

    catch_up_run_id: str | None = Field(default=None)


class ChangedSyncStatus(StrEnum):
    """What a sync is after a change: as an operator sees it, or gone for good."""

    ACTIVE = SyncStatus.ACTIVE.value
    PAUSED = SyncStatus.PAUSED.value
    HELD = SyncStatus.HELD.value
    DELETED = "deleted"  # its id is never used again


class SyncChanged(SyncEvent):
    """An operator created, edited, paused, resumed or deleted the sync.

    A hold or release that the same change brought about has its own event, with its own sequence.
    """

    type: ClassVar[str] = "tablesync.sync.changed.v1"

    status: ChangedSyncStatus
    paused: bool
    hold: Hold | None = Field(default=None, description="What it is held for, paused or not.")
    gap: Gap | None = Field(default=None, description="The open gap, while it is held.")
    spec: SyncSpec
    schedule: SlotRule
    overlap: Overlap
    owner_id: str = Field(description="The operator who created it and is mailed about it.")
    created_at: Moment
