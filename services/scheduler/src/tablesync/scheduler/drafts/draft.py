"""A draft of a sync: whose it is, its version, and what was made of it."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

# Who has begun to make a sync comes back to it within two weeks, or not at all.
KEEP_DAYS = 14


class Draft(BaseModel):
    """What one person has chosen of a sync; nobody else sees it, and nothing reads its contents."""

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(alias="_id")
    workspace_id: str
    operator_id: str
    version: int = 1
    title: str
    contents: str
    created_at: datetime
    changed_at: datetime
    sync_id: str | None = Field(default=None, description="What was made of it.")

    @property
    def expires_at(self) -> datetime:
        """When it is forgotten, unless it is changed before."""
        return self.changed_at + timedelta(days=KEEP_DAYS)

    def is_at(self, version: int) -> bool:
        """Whether it is what somebody saw at this version, and can still be changed."""
        return self.sync_id is None and self.version == version

    def change(self, title: str, contents: str, now: datetime) -> None:
        """Take what was chosen since."""
        self.title, self.contents = title, contents
        self._touch(now)

    def finish(self, sync_id: str, now: datetime) -> None:
        """Remember what was made of it, and no more: a page that is late is led there."""
        self.sync_id, self.contents = sync_id, ""
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.version += 1
        self.changed_at = now

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Draft":
        """Read a stored draft."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Return the stored form."""
        return self.model_dump(by_alias=True)
