"""How far something is: no end is foretold that has passed, and no list ends without a word."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from tablesync.contracts.public_api.catalog import DryRun
from tablesync.contracts.public_api.runs import RunProgress, RunView
from tablesync.dashboard.shown.making.dry_runs import ShownDryRun
from tablesync.dashboard.shown.runs import ShownRun
from tablesync.dashboard.shown.times import Clock

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
LINES = (
    (500, "500 of about 1\u202f000 records"),
    (1_000, "1\u202f000 of about 1\u202f000 records"),
    (1_500, "1\u202f500 records read, more than estimated (about 1\u202f000)"),
)


def a_run(read: int, total: int | None = 1_000) -> ShownRun:
    begun = CLOCK.now - timedelta(seconds=100)
    run = like(RunView, status="running", started_at=begun, ended_at=None)
    progress = like(RunProgress, total=total, counts={"read": read})
    return ShownRun(run, None, CLOCK, progress)


@pytest.mark.parametrize(("read", "line"), LINES)
def test_a_count_that_has_passed_its_estimate_says_so(read: int, line: str) -> None:
    share = {500: " (50 %)", 1_000: " (100 %)"}.get(read, "")
    assert a_run(read).line == line + share
    dry = ShownDryRun(like(DryRun, status="running", total=1_000, counts={"read": read}))
    assert dry.line == line


def test_an_end_is_foretold_only_while_it_is_to_come() -> None:
    assert a_run(500).ready.startswith("ready about ")
    assert [a_run(each).ready for each in (0, 1_000, 1_500)] == ["", "", ""]
    assert a_run(7, total=None).ready == ""
    assert a_run(7, total=None).line == "7 records read"


@pytest.mark.parametrize(("read", "is_known"), [(500, True), (1_500, False)])
def test_a_bar_that_would_be_full_too_early_tells_no_share(read: int, is_known: bool) -> None:
    assert a_run(read).is_within_estimate is is_known
    dry = ShownDryRun(like(DryRun, status="running", total=1_000, counts={"read": read}))
    assert dry.is_within_estimate is is_known
