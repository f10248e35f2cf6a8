"""Changes of many syncs at once (scheduler)."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked, Open, Text
from tablesync.contracts.public_api.syncs import FILTER, SYNC_ID, SyncFilter

_BULK: JsonDict = {
    "id": "blk_01997f2e-2b10-7c44-9a53-6e7f8a9b0c07",
    "action": "pause",
    "status": "done",
    "total": 24,
    "done": 23,
    "unchanged": 0,
    "failed": [
        {
            "sync_id": SYNC_ID,
            "name": "Contacts",
            "type": "urn:tablesync:problem:sync-held",
            "message": "It waits for its connection.",
        }
    ],
    "failed_total": 1,
}


BULK_IDS = 500


class BulkAction(StrEnum):
    """What can be done to many syncs at once."""

    PAUSE = "pause"
    RESUME = "resume"
    RUN = "run"
    DELETE = "delete"


class NewBulkChange(Asked):
    """What to do to which syncs: to those named, or to all that fit."""

    model_config = showing({"action": "pause", "matching": FILTER, "seen": 24})

    action: BulkAction
    sync_ids: list[Text] | None = Field(default=None, min_length=1, max_length=BULK_IDS)
    matching: SyncFilter | None = None
    seen: int | None = Field(
        default=None,
        ge=0,
        description="How many matched when this was decided: if others do by now, nothing is done.",
    )

    @model_validator(mode="after")
    def _one(self) -> "NewBulkChange":
        if (self.sync_ids is None) == (self.matching is None):
            remedy = {"remedy": "Send either sync_ids or matching."}
            raise PydanticCustomError("one_of", "has to say which syncs, in one way", remedy)
        return self


class FailedChange(Answer):
    """A sync to which it could not be done, and why."""

    sync_id: str
    name: str | None
    type: str = Field(description="The problem's type.")
    message: str


class BulkChangeView(Answer):
    """What has become of a change to many syncs."""

    model_config = showing(_BULK)

    id: str
    action: Open[BulkAction]
    status: Literal["running", "done"] | str = Field(union_mode="left_to_right")
    total: int
    done: int
    unchanged: int = Field(description="They were so already.")
    failed: tuple[FailedChange, ...] = Field(description="The first of them, 100 at most.")
    failed_total: int
