"""What became of the slots of a sync (scheduler)."""

from enum import StrEnum

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Open
from tablesync.contracts.public_api.runs import CLOSED_GAP, RUN_ID
from tablesync.contracts.public_api.syncs import HOLD, HoldView
from tablesync.contracts.specs import (
    Gap,
    Moment,
)

_LEDGER: JsonDict = {
    "due": 299,
    "run": 296,
    "coalesced": 0,
    "skipped": 0,
    "held": 3,
    "paused": 0,
    "balanced": True,
    "as_of": "2026-11-22T10:19:59.999Z",
    "gaps": [{**CLOSED_GAP, "hold": HOLD, "catch_up_run_id": RUN_ID}],
}


class LedgerGap(Gap):
    """A gap, why there was one, and the run that caught it up."""

    hold: HoldView | None
    catch_up_run_id: str | None = None


class LedgerView(Answer):
    """What became of every slot of a sync that was due until `as_of`.

    The books agree if each of these slots is accounted for once; the ledger is balanced if they
    do and no slot has come due since that nobody has looked at for longer than a tick may take.
    """

    model_config = showing(_LEDGER)

    due: int
    run: int
    coalesced: int
    skipped: int
    held: int
    paused: int
    balanced: bool = Field(
        description="Whether each slot is accounted for once, and none waits for its account."
    )
    as_of: Moment = Field(description="Every slot until then is accounted for; it may be to come.")
    unaccounted: int = Field(
        default=0, description="Slots due since `as_of` that no tick has looked at yet."
    )
    gaps: list[LedgerGap]
    unread_gaps: int = Field(
        default=0, description="Gaps that are not listed: this version cannot read them."
    )


class SlotOutcome(StrEnum):
    """What became of a slot."""

    RUN = "run"
    COALESCED = "coalesced"
    SKIPPED = "skipped"
    HELD = "held"
    PAUSED = "paused"
    TO_COME = "to_come"
    FORGOTTEN = "forgotten"  # what it was is not kept for so long


class SlotsView(Answer):
    """A slot, or equal neighbours, and why they ran or did not."""

    model_config = showing(
        {
            "first": "2026-11-22T09:50:00.000Z",
            "last": "2026-11-22T10:10:00.000Z",
            "slots": 3,
            "outcome": "held",
            "reason": "HubSpot was disconnected: the TableSync app was uninstalled.",
            "run_id": None,
            "by": None,
        }
    )

    first: Moment
    last: Moment
    slots: int
    outcome: Open[SlotOutcome]
    reason: str
    run_id: str | None = Field(description="The run that a single slot became.")
    by: str | None = Field(default=None, description="The operator who had paused the sync.")
