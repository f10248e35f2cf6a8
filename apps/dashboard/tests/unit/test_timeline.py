"""What a connection's timeline draws and tells: gaps with what they missed, catch-ups, each end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.public_api.receipts import ReceiptSummary
from tablesync.contracts.public_api.runs import RunView
from tablesync.dashboard.shown.connection_history import drawn_of
from tablesync.dashboard.shown.timeline import Timeline
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.rendering import Rendering

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
LOST, BACK = NOW - timedelta(hours=5), NOW - timedelta(hours=3)
CLOCK = Clock(NOW, ZoneInfo("UTC"))
A_RUN: Any = RunView.model_config.get("json_schema_extra")
A_CONNECTION: Any = ConnectionView.model_config.get("json_schema_extra")
RUN, CONNECTION = A_RUN["examples"][0], ConnectionView.model_validate(A_CONNECTION["examples"][0])
MINUTE = timedelta(minutes=1)


def a_run(begun: datetime, **more: object) -> RunView:
    given = {"trigger": "schedule", "gap": None, "started_at": begun, "ended_at": begun + MINUTE}
    return RunView.model_validate({**RUN, **given, **more})


def a_catch_up(begun: datetime, since: datetime) -> RunView:
    gap = {"from": since, "to": begun, "slots_missed": 3}
    return a_run(begun, trigger="catch_up", gap=gap)


def drawn(
    *runs: RunView,
    missed: int = 3,
    older: datetime | None = None,
    also: Sequence[ConnectionEntry] = (),
) -> Timeline:
    """Draw a connection that was lost for two hours."""
    entries = [
        ConnectionEntry(at=at, kind=kind, cause=None, by=None)
        for at, kind in ((NOW - timedelta(days=6), "established"), (LOST, "revoked"))
    ]
    entries.append(ConnectionEntry(at=BACK, kind="reconnected", cause=None, by=None))
    outage = {"lost_at": LOST, "back_at": BACK, "cause": "grant_revoked", "syncs": 1}
    receipts = [ReceiptSummary.model_validate({**outage, "slots_missed": missed})]
    return drawn_of(
        CONNECTION, [*entries, *also], runs, receipts, CLOCK, lambda run_id: run_id, older=older
    )


def test_a_gap_tells_and_draws_what_it_missed() -> None:
    shown = drawn()
    assert shown.told[1] == "today, 09:00–11:00: gap, 3 slots missed."
    (mark,) = [each for each in shown.marks if each.mark == "missed"]
    assert mark.title == "3 slots missed, today, 09:00–11:00"
    (gap,) = [each for each in shown.bands if each.band == "gap"]
    assert gap.x <= mark.x <= gap.x + gap.width


def test_a_loss_and_a_disconnect_behind_it_are_one_gap() -> None:
    between = ConnectionEntry(at=LOST + 10 * MINUTE, kind="disconnected", cause=None, by=None)
    shown = drawn(also=[between])
    assert shown.told[1:] == [
        "today, 09:00–11:00: gap, 3 slots missed.",
        "since today, 11:00: connected, 0 runs.",
    ]


def test_a_gap_that_goes_on_is_told_so_and_ends_at_now_however_short_it_is() -> None:
    lost = ConnectionEntry(at=NOW - MINUTE, kind="revoked", cause=None, by=None)
    shown = drawn(also=[lost])
    assert shown.told[-1] == "since today, 13:59: gap, 0 slots missed."
    gap = shown.bands[-1]
    assert gap.band == "gap"
    assert gap.x + gap.width == shown.now


def test_a_gap_that_missed_nothing_has_no_mark() -> None:
    shown = drawn(missed=0)
    assert shown.told[1] == "today, 09:00–11:00: gap, 0 slots missed."
    assert not shown.marks


def test_what_is_caught_up_after_a_gap_is_a_stretch_of_its_own() -> None:
    shown = drawn(a_catch_up(BACK, LOST), a_catch_up(BACK + 9 * MINUTE, LOST), a_run(NOW - MINUTE))
    assert [each.band for each in shown.bands] == ["up", "gap", "catch", "up"]
    assert shown.told[2:] == [
        "today, 11:00–11:10: catching up, 2 runs.",
        "since today, 11:10: connected, 1 run.",
    ]


def test_a_catch_up_of_something_else_does_not_stretch_it() -> None:
    shown = drawn(a_catch_up(NOW - 30 * MINUTE, BACK + MINUTE))
    assert [each.band for each in shown.bands] == ["up", "gap", "up"]


@pytest.mark.parametrize(
    ("status", "words"),
    [("held", "Held run"), ("interrupted", "Stopped run"), ("cancelled", "Cancelled run")],
)
def test_a_run_that_brought_not_all_is_told_from_one_that_did(status: str, words: str) -> None:
    (mark,) = drawn(a_run(NOW - MINUTE, status=status), missed=0).marks
    assert (mark.mark, mark.title) == ("stopped", f"{words}, today, 13:59")


def test_a_run_that_was_held_before_it_began_is_drawn() -> None:
    held = a_run(NOW, status="held", started_at=None, requested_at=NOW - MINUTE)
    assert [each.mark for each in drawn(held, missed=0).marks] == ["stopped"]


def test_runs_that_are_too_many_to_be_drawn_are_told() -> None:
    shown = drawn(a_run(NOW - MINUTE), missed=0, older=NOW - MINUTE)
    assert shown.told[-1] == "Runs before today, 13:59 are not drawn: they are in its history."


def test_where_the_drawn_runs_begin_is_drawn_and_told_beside_it() -> None:
    shown = drawn(a_run(NOW - timedelta(hours=1)), older=NOW - timedelta(days=1))
    assert shown.runs_from
    assert shown.bands[0].x < shown.runs_from.x < shown.bands[-1].x
    part = Rendering("test").part("parts/timeline.html", "drawing", shown, "connection")
    above, _, _ = part.partition("<details")
    assert "Older runs are not drawn" in above
    assert "are not drawn: they are in its history." in above
    assert drawn(older=NOW - timedelta(days=8)).runs_from is None
