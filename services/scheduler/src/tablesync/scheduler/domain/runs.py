"""A run as the scheduler knows it: what was asked for, and what became of it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from tablesync.contracts import Findings, Gap, RunCounts, RunFailureCause, RunStatus, Trigger


class Run(BaseModel):
    """One line of the run history.

    `slot` is the due time that a scheduled run stands for, `coalesced_slots` counts the earlier
    ones that it stands for as well, `gap` is what a catch-up covers.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(alias="_id")
    workspace_id: str
    sync_id: str
    connection_ids: list[str] = Field(
        default=[], description="Of its sync; empty for what earlier versions have asked for."
    )
    trigger: Trigger
    slot: datetime | None = None
    coalesced_slots: int = 0
    gap: Gap | None = None
    check_everything: bool = False
    status: RunStatus = RunStatus.REQUESTED
    counts: RunCounts = RunCounts()
    found: Findings | None = None
    cause: RunFailureCause | None = None
    summary: str | None = None
    requested_at: datetime
    requested_by: str | None = None
    cancel_requested_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    checked_at: datetime
    times_unknown: int = Field(
        default=0, description="How often sync-runner did not know of it although it was sent."
    )
    presumed: bool = Field(default=False, description="Ended here because nobody knew of it.")

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end, as reported and not merely presumed."""
        return self.status.ended and not self.presumed

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Run":
        """Read a stored run."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Return the stored form; `open` and a present `slot` are there for partial indexes."""
        fields = self.model_dump(by_alias=True)
        if self.slot is None:
            del fields["slot"]
        if not self.connection_ids:
            del fields["connection_ids"]
        if not self.status.ended:
            fields["open"] = True
        return fields
