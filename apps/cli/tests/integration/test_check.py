"""`tablesync check`: everything is checked on request, and what it has found is told."""

import json
from typing import Any

import pytest
from cli_instruments import Command, StandIn, example
from tablesync.contracts.public_api.runs import RunView

Json = dict[str, Any]
pytestmark = pytest.mark.integration

SUMMARY = "Checked 1,204 records: 3 rows were missing and written again."
ENDED: Json = example(RunView, id="run_1", summary=SUMMARY)
ASKED = ("POST", "/v1/syncs/syn_1/check")
RUN = ("GET", "/v1/runs/run_1")


@pytest.fixture
def scheduler(services: StandIn) -> StandIn:
    services.answers[ASKED] = (202, {"run_id": "run_1"})
    services.answers[RUN] = (200, ENDED)
    return services


def test_p28_a_check_is_asked_for_and_named(tablesync: Command, scheduler: StandIn) -> None:
    done = tablesync("check", "syn_1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Everything is being checked by run_1.\n"
    assert json.loads(tablesync("check", "syn_1", "--json").stdout) == {"run_id": "run_1"}
    assert RUN not in [each[:2] for each in scheduler.seen]


def test_p28_what_a_check_has_found_is_told_once_it_is_over(
    tablesync: Command, scheduler: StandIn
) -> None:
    done = tablesync("check", "syn_1", "--wait", "5")
    assert (done.returncode, done.stdout) == (0, f"{SUMMARY}\n")
    assert json.loads(tablesync("check", "syn_1", "--wait", "5", "--json").stdout) == ENDED


def test_p28_a_check_that_failed_is_none(tablesync: Command, scheduler: StandIn) -> None:
    scheduler.answers[RUN] = (200, {**ENDED, "status": "failed", "summary": "It failed."})
    done = tablesync("check", "syn_1", "--wait", "5")
    assert done.returncode == 1
    assert "It failed." in done.stdout
    assert done.stderr == "Not everything was checked: the run has failed.\n"


def test_p28_a_check_that_takes_longer_goes_on(tablesync: Command, scheduler: StandIn) -> None:
    scheduler.answers[RUN] = (200, {**ENDED, "status": "running", "summary": None})
    done = tablesync("check", "syn_1", "--wait", "0.1")
    assert done.returncode != 0
    assert done.stderr == "run_1 has not ended within 0.1 s; it goes on.\n"


def test_p28_a_held_sync_says_why_it_is_not_checked(tablesync: Command, services: StandIn) -> None:
    detail = "The sync is held (mapping: Field “Stage” is gone.). It runs again once it is there."
    services.answers[ASKED] = (409, {"detail": detail})
    done = tablesync("check", "syn_1")
    assert done.returncode != 0
    assert detail in done.stderr
