"""Events of the topic `sync-events`, produced by scheduler."""

from typing import ClassVar

from pydantic import Field
from tablesync.contracts.event import StateEvent
from tablesync.contracts.specs import Gap, Hold

TOPIC = "sync-events"


class SyncHoldEvent(StateEvent):
    """Base of the events that tell whether a sync is held."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sync_id"

    sync_id: str
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
