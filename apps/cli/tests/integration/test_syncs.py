"""`tablesync syncs`, `runs`, `pause`, `resume` and `delete`: narrowed lists, and changes of one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cli_instruments import LOST, Command, StandIn, example
from tablesync.contracts.public_api.syncs import SyncView

pytestmark = pytest.mark.integration

SYNC = "/v1/syncs/syn_1"
EMPTY: Any = (200, {"items": [], "next_cursor": None})
A_SYNC = (200, example(SyncView, id="syn_1", name="Contacts"))

Asked = Callable[[str], dict[str, str]]


@pytest.fixture
def asked(services: StandIn, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Answer every list with an empty one; return with what a list was asked for."""
    known = services.answers

    def answer_to(request: tuple[str, str]) -> Any:
        return known.get(request, EMPTY)

    monkeypatch.setattr(services, "answer_to", answer_to)

    def query(path: str) -> dict[str, str]:
        (found,) = [url for _, url, _ in services.seen if urlsplit(url).path == path]
        return dict(parse_qsl(urlsplit(found).query))

    return query


def test_syncs_are_narrowed_as_the_api_narrows_them(tablesync: Command, asked: Asked) -> None:
    base, table = "appAcme0000000001", "tblAcme0000000001"
    narrowed = ("--search", "deals", "--state", "failing", "--connection", "con_1")
    done = tablesync("syncs", "--json", *narrowed, "--base", base, "--table", table)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"items": []})
    assert asked("/v1/syncs") == {
        "q": "deals",
        "state": "failing",
        "connection_id": "con_1",
        "base_id": base,
        "table_id": table,
    }


def test_runs_are_narrowed_as_the_api_narrows_them(tablesync: Command, asked: Asked) -> None:
    narrowed = ("--sync", "syn_1", "--connection", "con_1", "--status", "failed")
    times = ("--since", "2026-03-01T09:00:00Z", "--until", "2026-03-02")
    done = tablesync("runs", "--json", *narrowed, "--trigger", "catch_up", *times)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"items": []})
    told = asked("/v1/runs")
    assert datetime.fromisoformat(told.pop("from")) == datetime(2026, 3, 1, 9, tzinfo=UTC)
    here = datetime(2026, 3, 2).astimezone()
    assert datetime.fromisoformat(told.pop("to")) == here
    assert told == {
        "sync_id": "syn_1",
        "connection_id": "con_1",
        "status": "failed",
        "trigger": "catch_up",
        "limit": "20",
    }


@pytest.mark.parametrize(
    "narrowed", [("syncs", "--state", "sad"), ("runs", "--status", "sad"), ("runs", "--since", "x")]
)
def test_a_filter_that_nobody_knows_widens_no_list(
    tablesync: Command, services: StandIn, narrowed: tuple[str, ...]
) -> None:
    assert tablesync(*narrowed).returncode == 2
    assert not services.seen


@pytest.mark.parametrize(("verb", "said"), [("pause", "paused"), ("resume", "resumed")])
def test_p22_a_sync_is_paused_and_resumed_once(
    tablesync: Command,
    services: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    said: str,
) -> None:
    monkeypatch.setattr("tablesync.cli.session.RETRY_SECONDS", 0)
    services.answers["POST", f"{SYNC}/{verb}"] = [LOST, A_SYNC]
    done = tablesync(verb, "syn_1")
    assert (done.returncode, done.stdout) == (0, f"“Contacts” was {said}.\n")
    assert len({key for path, key in services.keys if path.startswith(SYNC)}) == 1
    assert json.loads(tablesync(verb, "syn_1", "--json").stdout)["id"] == "syn_1"


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_a_sync_is_deleted_by_whoever_says_so(
    tablesync: Command, services: StandIn, typed: str, code: int
) -> None:
    services.answers["GET", SYNC], services.answers["DELETE", SYNC] = A_SYNC, (204, "")
    done = tablesync("delete", "syn_1", stdin=typed)
    assert done.returncode == code
    assert "Delete “Contacts”?" in done.stderr
    assert (("DELETE", SYNC) in [each[:2] for each in services.seen]) == (code == 0)


def test_a_script_deletes_a_sync_without_being_asked(tablesync: Command, services: StandIn) -> None:
    services.answers["DELETE", SYNC] = (204, "")
    done = tablesync("delete", "syn_1", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"deleted": "syn_1"})


def test_a_sync_that_is_not_there_is_not_paused(tablesync: Command) -> None:
    assert tablesync("pause", "syn_9").returncode == 4
