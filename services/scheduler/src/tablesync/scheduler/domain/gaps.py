"""Gaps: the intervals in which a held sync missed slots, each to be backfilled by one catch-up."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from tablesync.contracts import Gap, Hold


class OpenGap(BaseModel):
    """What the next catch-up owes."""

    from_: datetime
    slots: int = 0
    interrupted: bool = False

    @property
    def owed(self) -> bool:
        """Whether anything was missed at all."""
        return self.slots > 0 or self.interrupted

    def extend(self, since: datetime, slots: int, *, interrupted: bool) -> None:
        """Take in what else was missed."""
        self.from_ = min(self.from_, since)
        self.slots += slots
        self.interrupted = self.interrupted or interrupted

    def gap(self, to: datetime | None = None) -> Gap:
        """Return the public form."""
        return Gap(from_=self.from_, to=to, slots_missed=self.slots, interrupted=self.interrupted)


class ClosedGap(BaseModel):
    """A gap that is over, kept for the ledger."""

    model_config = ConfigDict(frozen=True)

    sync_id: str
    workspace_id: str
    gap: Gap
    hold: Hold | None
    catch_up_run_id: str | None

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "ClosedGap":
        """Read a stored gap."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Return the stored form."""
        return self.model_dump(by_alias=True)
