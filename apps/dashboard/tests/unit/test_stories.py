"""What a sync that waits says: what happened, what can be done, and when it runs again."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.shown.story import story_of
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.shown.times import Clock

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EXAMPLE: Any = SyncView.model_json_schema()["examples"][0]
HOLD = {"kind": "resource", "connection_id": "con_1", "cause": "The base is full.", "since": NOW}


def waiting(slots_missed: int) -> ShownSync:
    gap = {"from": NOW, "to": None, "slots_missed": slots_missed, "interrupted": False}
    told = {**EXAMPLE, "hold": HOLD, "holds": [HOLD], "gap": gap, "next_slot_at": None}
    return ShownSync(SyncView.model_validate(told), Clock(NOW, ZoneInfo("UTC")))


@pytest.mark.parametrize(
    ("missed", "told"),
    [
        (0, "It has missed no slot so far."),
        (1, "The slot missed so far is then caught up in one run."),
        (12, "The 12 slots missed so far are then caught up in one run."),
    ],
)
def test_what_is_caught_up_is_told_by_what_was_missed(missed: int, told: str) -> None:
    story = story_of(waiting(missed), {})
    assert story
    assert story.can_do.endswith(told)


def test_a_list_says_briefly_what_a_sync_waits_for() -> None:
    shown = waiting(1)
    assert shown.next_run == "once what it needs is there again"
    assert shown.runs_again.startswith(f"{shown.next_run} (looked at every 15 minutes")


def test_a_sync_names_the_lost_account_where_its_provider_has_several() -> None:
    sync = SyncView.model_validate(EXAMPLE)
    clock = Clock(NOW, ZoneInfo("UTC"))
    assert sync.hold
    assert ShownSync(sync, clock).cause.startswith("HubSpot is disconnected")
    of_two = ShownSync(sync, clock, {sync.hold.connection_id or "": "globex.test"})
    assert of_two.cause.startswith("HubSpot, globex.test is disconnected")
    assert of_two.version != ShownSync(sync, clock).version
