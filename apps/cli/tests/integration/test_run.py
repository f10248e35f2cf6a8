"""`tablesync run`: a change is made once, and a run is seen to its end."""

import json
from typing import Any

import pytest
from cli_instruments import LOST, Command, StandIn, example
from tablesync.contracts.public_api.runs import RunProgress, RunView

pytestmark = pytest.mark.integration

ASK, RUN = ("POST", "/v1/syncs/syn_1/run"), ("GET", "/v1/runs/run_1")
ASKED = (202, {"run_id": "run_1"})


def a_run(**changes: Any) -> dict[str, Any]:
    return example(RunView, id="run_1", **changes)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once."""

    async def no_pause(_: float) -> None: ...

    monkeypatch.setattr("tablesync.cli.session.pause", no_pause)


def keys_of(services: StandIn) -> list[str | None]:
    return [key for path, key in services.keys if path == ASK[1]]


def test_p22_a_change_whose_answer_is_lost_is_sent_again_as_the_same(
    tablesync: Command, services: StandIn
) -> None:
    services.answers[ASK] = [LOST, LOST, ASKED]
    done = tablesync("run", "syn_1", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"run_id": "run_1"})
    assert (len(keys_of(services)), len(set(keys_of(services)))) == (3, 1)


def test_a_change_that_nobody_confirms_is_said_so(tablesync: Command, services: StandIn) -> None:
    services.answers[ASK] = [LOST]
    done = tablesync("run", "syn_1")
    assert done.returncode == 6
    assert "may have been made. Look before you repeat it." in done.stderr
    assert len(set(keys_of(services))) == 1


def test_a_run_is_waited_for_while_the_service_is_away(
    tablesync: Command, services: StandIn
) -> None:
    services.answers[ASK] = ASKED
    seen: list[Any] = [(200, a_run(status="running")), (503, {"detail": "busy"})]
    services.answers[RUN] = [*seen, (200, a_run(summary="40 records were written."))]
    progress = ("GET", f"{RUN[1]}/progress")
    services.answers[progress] = (200, example(RunProgress, run_id="run_1"))
    done = tablesync("run", "syn_1", "--wait")
    assert (done.returncode, done.stdout) == (0, "40 records were written.\n")
    assert [each[:2] for each in services.seen].count(progress) == 1


def test_a_run_that_came_to_nothing_is_no_success(tablesync: Command, services: StandIn) -> None:
    services.answers[ASK] = ASKED
    services.answers[RUN] = (200, a_run(status="failed", summary="It failed."))
    done = tablesync("run", "syn_1", "--wait", "--json")
    assert (done.returncode, json.loads(done.stdout)["summary"]) == (1, "It failed.")
    assert done.stderr.endswith("The run has failed.\n")


def test_a_held_sync_says_when_it_runs_again(tablesync: Command, services: StandIn) -> None:
    page = "https://tablesync.test/help/problems/sync-held"
    said = {"detail": "It runs again once its connection is reconnected.", "help": page}
    services.answers[ASK] = (409, said)
    done = tablesync("run", "syn_1")
    assert done.returncode == 1
    assert done.stderr.endswith(f" See {page}\n")
    assert "once its connection is reconnected" in done.stderr
