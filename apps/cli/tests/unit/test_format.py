"""How times, schedules and counts are put."""

from datetime import UTC, datetime

import pytest
from tablesync.cli.format import STATES, ago, counts, every, plain, state
from tablesync.contracts import RunCounts, RunStatus, SyncStatus

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (None, "–"),
        ("2026-11-22T12:00:00.000Z", "now"),
        ("2026-11-22T11:58:30.000Z", "1 min ago"),
        ("2026-11-22T12:00:30.000Z", "in 30 s"),
        ("2026-11-19T11:00:00.000Z", "3 d ago"),
    ],
)
def test_ago(moment: str | None, said: str) -> None:
    assert ago(datetime.fromisoformat(moment) if moment else None, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "every 1 s"), (90, "every 90 s"), (300, "every 5 min"), (7200, "every 2 h")],
)
def test_every(seconds: int, said: str) -> None:
    assert every(seconds) == said


def test_rejected_records_are_said_only_where_there_are_some() -> None:
    assert counts(RunCounts(written=1200, unchanged=3)) == "1,200 written, 3 unchanged"
    assert counts(RunCounts(rejected=1)).endswith("1 rejected")


def test_a_zero_is_said_and_nothing_is_a_dash() -> None:
    assert [plain(each).plain for each in (0, None, "")] == ["0", "–", "–"]


def test_names_from_outside_bring_no_markup_and_no_control_codes() -> None:
    assert plain("[red]x[/red]").plain == "[red]x[/red]"
    assert plain("a\x1b[31mb\x07\x9b1mc").plain == "a [31mb 1mc"


def test_every_status_has_its_colour() -> None:
    assert {*RunStatus, *SyncStatus} == set(STATES)
    assert state("dreaming").plain == "dreaming"


def test_what_others_have_named_cannot_turn_a_terminals_line() -> None:
    assert plain("a\u202eb\u2066 \x1b[31m\u200bc").plain == "ab [31mc"
