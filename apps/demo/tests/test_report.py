"""The report fails for each thing that did not hold, and names it."""

from pathlib import Path
from typing import Any

import pytest
from tablesync.demo.report import Mails, Report

pytestmark = pytest.mark.unit

HELD = Report(
    broker="kafka",
    records={"contacts": 2000, "companies": 800, "deals": 500},
    edited=1200,
    tables_equal=True,
    rejected=0,
    revoked_to_held_ms=120.0,
    revoked_to_last_call_ms=30.0,
    reconnected_to_first_request_ms=700.0,
    missed_slots=6,
    catch_up_runs=3,
    catch_up_runs_by_sync={"contacts": 1, "companies": 1, "deals": 1},
    mails=Mails(revocation=1, recovery=1),
    rate_violations=0,
    duplicates=0,
    interrupted_runs=1,
    failed_runs=0,
    other_portal_refused=True,
    seconds=120.0,
)


def test_a_story_that_held_has_no_failures() -> None:
    assert HELD.failures() == []


@pytest.mark.parametrize(
    "change",
    [
        {"tables_equal": False},
        {"rejected": 1},
        {"edited": 1199},
        {"revoked_to_held_ms": 1000.1},
        {"revoked_to_held_ms": -1.0},
        {"revoked_to_last_call_ms": 1500.0},
        {"interrupted_runs": 0},
        {"missed_slots": 0},
        {"catch_up_runs_by_sync": {"contacts": 1, "companies": 2, "deals": 1}},
        {"mails": Mails(revocation=2, recovery=1)},
        {"mails": Mails(revocation=1, recovery=0)},
        {"mails": Mails(revocation=1, recovery=1, other=1)},
        {"failed_runs": 1},
        {"rate_violations": 1},
        {"duplicates": 1},
        {"other_portal_refused": False},
    ],
)
def test_each_thing_that_did_not_hold_is_a_failure(change: dict[str, Any]) -> None:
    assert len(HELD.model_copy(update=change).failures()) == 1


def test_the_report_is_written_as_json(tmp_path: Path) -> None:
    HELD.write(tmp_path / "demo" / "report.json")
    assert Report.model_validate_json((tmp_path / "demo" / "report.json").read_text()) == HELD
