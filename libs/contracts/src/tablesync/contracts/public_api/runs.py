"""Runs: their history at scheduler, their records and their progress at sync-runner."""

from typing import Literal

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Open
from tablesync.contracts.specs import (
    Findings,
    Gap,
    Moment,
    RunCounts,
    RunFailureCause,
    RunStatus,
    Trigger,
    is_none,
)

SYNC_ID = "syn_01997f2c-0e1b-7d24-b3a5-7c4e9a1d5f04"
RUN_ID = "run_01997f2d-5f6a-7e35-84c6-9d5fab2e6a05"
CLOSED_GAP: JsonDict = {
    "from": "2026-11-22T09:50:00.000Z",
    "to": "2026-11-22T10:20:03.117Z",
    "slots_missed": 3,
    "interrupted": True,
}
_RUN: JsonDict = {
    "id": RUN_ID,
    "sync_id": SYNC_ID,
    "sync_name": "Contacts",
    "trigger": "catch_up",
    "slot": None,
    "status": "succeeded",
    "counts": {"read": 1200, "written": 40, "unchanged": 1160, "rejected": 0},
    "cause": None,
    "summary": "40 records were written.",
    "gap": CLOSED_GAP,
    "requested_at": "2026-11-22T10:20:03.117Z",
    "requested_by": None,
    "started_at": "2026-11-22T10:20:03.560Z",
    "ended_at": "2026-11-22T10:20:31.204Z",
    "coalesced_slots": 0,
    "check_everything": False,
    "found": None,
}
_CHECK: JsonDict = {
    **_RUN,
    "trigger": "manual",
    "requested_by": "op_01997f2a-3c55-7b02-8f10-2a9d4c7e1b02",
    "counts": {"read": 1204, "written": 6, "unchanged": 1198, "rejected": 0},
    "summary": "Checked 1,204 records: 3 rows were missing and written again, "
    "2 were changed by hand and corrected, 1 is gone at the source.",
    "gap": None,
    "check_everything": True,
    "found": {
        "checked": 1204,
        "missing": 3,
        "altered": 2,
        "outdated": 0,
        "gone": 1,
        "returned": 0,
    },
}
INTERRUPTED_RUN: JsonDict = {
    **_RUN,
    "trigger": "schedule",
    "slot": "2026-11-22T09:50:00.000Z",
    "status": "interrupted",
    "counts": {"read": 700, "written": 690, "unchanged": 10, "rejected": 0},
    "cause": "connection",
    "summary": "Access to the account was lost.",
    "gap": None,
    "requested_at": "2026-11-22T09:50:00.102Z",
    "started_at": "2026-11-22T09:50:00.214Z",
    "ended_at": "2026-11-22T09:52:42.010Z",
}


class RunView(Answer):
    """A run in the history."""

    model_config = showing(_RUN, INTERRUPTED_RUN, _CHECK)

    id: str
    sync_id: str
    sync_name: str | None = Field(
        default=None, description="In lists: what its sync is called, unless that is deleted."
    )
    trigger: Open[Trigger]
    slot: Moment | None
    status: Open[RunStatus]
    counts: RunCounts
    cause: Open[RunFailureCause] | None
    summary: str | None
    gap: Gap | None
    requested_at: Moment
    requested_by: str | None = Field(
        default=None, description="The operator who asked for it; null for a schedule's."
    )
    started_at: Moment | None
    ended_at: Moment | None
    coalesced_slots: int
    check_everything: bool = Field(
        description="Whether every record and every row was compared, and not only what changed."
    )
    found: Findings | None = Field(description="What such a check has found and mended.")


class RequestedRun(Answer):
    """A run that was asked for."""

    model_config = showing({"run_id": RUN_ID})

    run_id: str


class CancelledRun(Answer):
    """A run that was asked to stop."""

    model_config = showing({"run_id": RUN_ID, "status": "cancelling"})

    run_id: str
    status: Literal["cancelling", "cancelled"]


class RunProgress(Answer):
    """How far a run has come, as its runner last noted."""

    model_config = showing(
        {
            "run_id": RUN_ID,
            "sync_id": SYNC_ID,
            "status": "running",
            "phase": "writing",
            "counts": {"read": 700, "written": 690, "unchanged": 10, "rejected": 0},
            "total": 1200,
            "at": "2026-11-22T09:50:07.010Z",
        }
    )

    run_id: str
    sync_id: str
    status: Open[RunStatus]
    phase: str | None = Field(description="What it is doing; null for one that is not running.")
    counts: RunCounts
    total: int | None = Field(description="About how many records it will read, once known.")
    at: Moment | None = Field(description="When that was noted, by the database's clock.")


class RejectionView(Answer):
    """A record that a run could not write, and why, for people."""

    model_config = showing(
        {
            "source_id": "48211907",
            "reason": "field \"Amount\" (currency): 'a lot' is not a number",
            "field": "Amount",
            "value": "a lot",
            "remedy": "Map it to a text field.",
            "at": "2026-11-22T09:52:41.803Z",
        }
    )

    source_id: str = Field(description="The record's id at its source.")
    reason: str
    field: str | None = Field(description="The Airtable field that is to blame, if one is.")
    value: str | None = Field(
        default=None, exclude_if=is_none, description="What that field could not take, cut short."
    )
    remedy: str | None = Field(default=None, exclude_if=is_none)
    at: Moment = Field(description="UTC, by the database's clock.")
