"""Events of the topic `sync-requests`, produced by scheduler."""

import operator
from typing import ClassVar

from pydantic import Field
from tablesync.contracts.event import Event
from tablesync.contracts.specs import Gap, Moment, SyncSpec, Trigger

TOPIC = "sync-requests"


class RunRequest(Event):
    """What is wanted of one run."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sync_id"

    sync_id: str
    run_id: str


class SyncRequested(RunRequest):
    """A sync is due: carries the whole spec, so that the runner asks nobody."""

    type: ClassVar[str] = "tablesync.sync.requested.v1"

    trigger: Trigger
    slot: Moment | None = Field(default=None, description="The due time; absent when manual.")
    spec: SyncSpec
    gap: Gap | None = Field(default=None, description="What a catch-up has to cover.")
    check_everything: bool = Field(
        default=False,
        exclude_if=operator.not_,
        description="Compare every record and every row, and not only what changed.",
    )


class RunCancelRequested(RunRequest):
    """An operator wants a run to stop."""

    type: ClassVar[str] = "tablesync.run.cancel-requested.v1"

    requested_by: str
