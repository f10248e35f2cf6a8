"""Events of the topic `sync-requests`, produced by scheduler."""

from typing import ClassVar

from pydantic import Field
from tablesync.contracts.event import Event
from tablesync.contracts.specs import Gap, Moment, SyncSpec, Trigger

TOPIC = "sync-requests"


class SyncRequested(Event):
    """A sync is due: carries the whole spec, so that the runner asks nobody."""

    type: ClassVar[str] = "tablesync.sync.requested.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sync_id"

    sync_id: str
    run_id: str
    trigger: Trigger
    slot: Moment | None = Field(default=None, description="The due time; absent when manual.")
    spec: SyncSpec
    gap: Gap | None = Field(default=None, description="What a catch-up has to cover.")


class RunCancelRequested(Event):
    """An operator wants a run to stop."""

    type: ClassVar[str] = "tablesync.run.cancel-requested.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sync_id"

    sync_id: str
    run_id: str
    requested_by: str
