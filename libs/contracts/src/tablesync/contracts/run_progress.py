"""Events of the topic `run-progress`, produced by sync-runner: lossy, kept one hour."""

from typing import ClassVar, Literal

from tablesync.contracts.event import Event
from tablesync.contracts.specs import RunCounts

TOPIC = "run-progress"


class RunProgressed(Event):
    """How far a run has come; only the latest one matters."""

    type: ClassVar[str] = "tablesync.run.progressed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "run_id"

    sync_id: str
    run_id: str
    phase: Literal["reading", "writing", "waiting_for_budget", "finishing"]
    counts: RunCounts
    total: int | None = None
