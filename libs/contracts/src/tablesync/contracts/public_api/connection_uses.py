"""What syncs make of the connections that they use (scheduler)."""

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer
from tablesync.contracts.public_api.syncs import HUBSPOT, OPEN_GAP
from tablesync.contracts.specs import (
    Gap,
    Moment,
    RunCounts,
)

_USE: JsonDict = {
    "connection_id": HUBSPOT,
    "syncs": 20,
    "states": {"waiting": 3, "fine": 17},
    "paused_with_it": 0,
    "lacks": [],
    "gap": OPEN_GAP,
    "last_success_at": "2026-11-22T09:40:07.412Z",
    "next_slot_at": "2026-11-22T10:30:00.000Z",
    "catch_up": None,
}


class CatchUpProgress(Answer):
    """How far the catch-ups of a connection are that has been reconnected."""

    total: int = Field(description="How many syncs have one.")
    done: int = Field(description="How many of them have ended, in whichever way.")
    failed: int = Field(
        default=0, description="How many of these failed, were cancelled or were stopped."
    )
    gap: Gap = Field(description="From the first gap's beginning to the last one's end.")
    counts: RunCounts
    run_ids: tuple[str, ...] = Field(description="Those that are under way, 100 at most.")


class ConnectionUse(Answer):
    """What stands on a card beside the connection itself."""

    model_config = showing(_USE)

    connection_id: str
    syncs: int
    states: dict[str, int] = Field(description="How many syncs by their `state`.")
    paused_with_it: int = Field(description="How many were paused all at once, and would resume.")
    lacks: tuple[str, ...] = Field(
        default=(),
        description="What was left out when its account was connected and syncs wait for, each in "
        "a sentence; ten at most.",
    )
    gap: Gap | None = Field(description="What all its waiting syncs have missed so far.")
    last_success_at: Moment | None
    next_slot_at: Moment | None
    catch_up: CatchUpProgress | None = Field(description="Of the last reconnect, until all ended.")


class ConnectionUses(Answer):
    """How the connections of a workspace are used: all that any sync uses."""

    model_config = showing({"items": [_USE]})

    items: tuple[ConnectionUse, ...]
