"""What became of an outage once its connection is back (scheduler)."""

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer
from tablesync.contracts.public_api.runs import CLOSED_GAP, RunView
from tablesync.contracts.public_api.syncs import HUBSPOT, SYNC_ID
from tablesync.contracts.specs import (
    Gap,
    Moment,
    RunCounts,
)

_OUTAGE: JsonDict = {
    "lost_at": "2026-11-22T09:52:41.803Z",
    "back_at": "2026-11-22T10:20:03.117Z",
    "cause": "app_uninstalled",
    "slots_missed": 3,
    "syncs": 1,
}


class ReceiptLine(Answer):
    """What one sync missed, and what its catch-up brought."""

    sync_id: str
    name: str | None = Field(description="Null for one that is deleted by now.")
    gap: Gap
    run: RunView | None = Field(description="Its catch-up; null where nothing was owed.")


class Receipt(Answer):
    """What became of an outage: what was missed and what was caught up, and nothing deleted."""

    model_config = showing(
        {
            "connection_id": HUBSPOT,
            **_OUTAGE,
            "done": 1,
            "counts": {"read": 1200, "written": 40, "unchanged": 1160, "rejected": 0},
            "lines": [{"sync_id": SYNC_ID, "name": "Contacts", "gap": CLOSED_GAP, "run": None}],
        }
    )

    connection_id: str
    lost_at: Moment
    cause: str
    back_at: Moment | None
    slots_missed: int
    syncs: int
    done: int = Field(description="How many catch-ups have ended, in whichever way.")
    failed: int = Field(
        default=0, description="How many of these failed, were cancelled or were stopped."
    )
    counts: RunCounts
    lines: tuple[ReceiptLine, ...] = Field(description="500 at most, by name.")
    more: int = Field(default=0, description="How many syncs more have no line here.")
    failures: tuple[ReceiptLine, ...] = Field(
        default=(), description="Those that are counted in `failed`, by name; 100 at most."
    )


class ReceiptSummary(Answer):
    """One outage of a connection in the list of them."""

    model_config = showing(_OUTAGE)

    lost_at: Moment
    back_at: Moment | None
    cause: str
    slots_missed: int
    syncs: int
