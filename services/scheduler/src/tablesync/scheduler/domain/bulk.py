"""A change to many syncs at once: a job that goes on where it was, and the report of it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from tablesync.contracts.public_api.bulk_changes import BulkAction

NAMED_FAILURES = 100


class Failure(BaseModel):
    """A sync to which it could not be done: the problem's type, and why."""

    sync_id: str
    name: str | None
    type: str
    message: str


class BulkChange(BaseModel):
    """What is to be done to how many syncs, and what has become of it so far."""

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(alias="_id")
    workspace_id: str
    action: BulkAction
    operator_id: str
    connection_id: str | None = Field(
        default=None, description="Of a change to all syncs of a connection."
    )
    total: int
    done: int = 0
    unchanged: int = 0
    failed: list[Failure] = []
    failed_total: int = 0
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None = None

    @property
    def status(self) -> str:
        """Whether it is still under way."""
        return "done" if self.ended_at else "running"

    def count(self, *, has_changed: bool) -> None:
        """Note one more sync to which it was done, or which was so already."""
        if has_changed:
            self.done += 1
        else:
            self.unchanged += 1

    def fail(self, sync_id: str, name: str | None, type_: str, message: str) -> None:
        """Note one more sync to which it could not be done; the first ones are named."""
        self.failed_total += 1
        if len(self.failed) < NAMED_FAILURES:
            self.failed.append(Failure(sync_id=sync_id, name=name, type=type_, message=message))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "BulkChange":
        """Read a stored change."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Return the stored form; `open` is there for the index of what is under way."""
        fields = self.model_dump(by_alias=True)
        if self.ended_at is None:
            fields["open"] = True
        return fields
