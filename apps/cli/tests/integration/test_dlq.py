"""`tablesync dlq` against stand-ins: whose letter it is, and every way that it can go wrong."""

import json
from typing import Any

import pytest
from cli_instruments import Command, StandIn

pytestmark = pytest.mark.integration


def letter(topic: str, letter_id: int, **changes: Any) -> dict[str, Any]:
    found = {
        "topic": topic,
        "id": letter_id,
        "partition": 0,
        "offset": 41,
        "reason": "MalformedEventError: [bold]missing header",
        "parked_at": "2026-11-22T10:00:00.000Z",
        "cut_from_bytes": None,
        "key": "con_1",
        "type": None,
        "replayed_at": None,
    }
    return {**found, **changes}


def have(services: StandIn, items: list[dict[str, Any]], replayed: str = "false") -> None:
    """Have pages of one letter, then one whose letters were all replayed, then the last."""
    path = f"/v1/dlq?replayed={replayed}"
    pages = [*([each] for each in items), [], []]
    for at, page in enumerate(pages):
        rest = f"run-events/{at + 1}" if at + 1 < len(pages) else None
        asked = path + (f"&from=run-events%2F{at}" if at else "")
        services.answers["GET", asked] = (200, {"items": page, "next": rest})


@pytest.fixture
def parked(services: StandIn) -> StandIn:
    """Every service answers at one address here, so each letter is seen as each one's."""
    found = [letter("run-events", 3), letter("run-events", 4, replayed_at="2026-11-22T10:00:00Z")]
    have(services, found[:1])
    have(services, found, replayed="true")
    whole = {**found[0], "headers": {"ce_id": "x"}, "value": "{\u202e", "encoding": "utf-8"}
    services.answers["GET", "/v1/dlq/run-events/3"] = (200, whole)
    replayed = (200, {"replayed_at": "2026-11-22T11:00:00.000Z"})
    services.answers["POST", "/v1/dlq/run-events/3/replay"] = replayed
    return services


def test_list_names_the_reason(tablesync: Command, parked: StandIn) -> None:
    done = tablesync("dlq", "list", "--service", "notifier")
    assert done.returncode == 0, done.stderr
    assert "[bold]missing header" in done.stdout


def test_list_says_of_a_letter_that_it_was_cut(tablesync: Command, services: StandIn) -> None:
    have(services, [letter("run-events", 3, cut_from_bytes=8_388_812)])
    assert "(cut from 8,388,812 bytes)" in tablesync("dlq", "list").stdout


def test_list_as_json_names_the_service(tablesync: Command, parked: StandIn) -> None:
    items = json.loads(tablesync("dlq", "list", "--json").stdout)["items"]
    assert {each["service"] for each in items} == {"scheduler", "sync-runner", "notifier"}


def test_nothing_parked_is_said_so(tablesync: Command, services: StandIn) -> None:
    have(services, [])
    assert tablesync("dlq", "list").stdout == "Nothing is parked that waits for a replay.\n"


def test_list_leaves_out_what_was_replayed_unless_asked(
    tablesync: Command, parked: StandIn
) -> None:
    def listed(*options: str) -> list[int]:
        done = tablesync("dlq", "list", "--json", "--service", "notifier", *options)
        return [each["id"] for each in json.loads(done.stdout)["items"]]

    assert listed() == [3]
    assert listed("--replayed") == [3, 4]


@pytest.mark.parametrize(("limit", "listed", "more"), [(2, 2, True), (3, 3, False)])
def test_list_says_when_there_are_more(
    tablesync: Command, services: StandIn, limit: int, listed: int, more: bool
) -> None:
    have(services, [letter("run-events", each) for each in range(3)])
    done = tablesync("dlq", "list", "--json", "--service", "notifier", "--limit", str(limit))
    assert len(json.loads(done.stdout)["items"]) == listed
    assert ("There are more than these 2: --limit shows more." in done.stderr) == more


def test_show_gives_the_whole_letter(tablesync: Command, parked: StandIn) -> None:
    asked = ("dlq", "show", "run-events", "3", "--service", "notifier")
    done = tablesync(*asked)
    assert json.loads(done.stdout)["headers"] == {"ce_id": "x"}
    assert tablesync(*asked, "--json").stdout == done.stdout


def test_replay_goes_to_the_service_that_parked_it(tablesync: Command, parked: StandIn) -> None:
    done = tablesync("dlq", "replay", "run-events", "3", "--service", "notifier")
    assert done.returncode == 0, done.stderr
    assert "notifier has handled run-events 3" in done.stdout


def test_a_letter_that_several_parked_needs_the_service(
    tablesync: Command, parked: StandIn
) -> None:
    done = tablesync("dlq", "replay", "run-events", "3")
    assert done.returncode == 1
    assert "say --service" in done.stderr
    assert not [path for method, path, _ in parked.seen if path.endswith("/replay")]


def test_replay_all_passes_over_what_was_replayed(tablesync: Command, parked: StandIn) -> None:
    done = tablesync("dlq", "replay", "--all", "--service", "notifier")
    assert (done.returncode, done.stdout) == (0, "Replayed 1, failed 0.\n")


def test_p13_a_replay_is_told_to_scripts(tablesync: Command, parked: StandIn) -> None:
    one = ("dlq", "replay", "run-events", "3", "--service", "notifier", "--json")
    assert json.loads(tablesync(*one).stdout) == {
        "service": "notifier",
        "replayed_at": "2026-11-22T11:00:00.000Z",
    }
    done = tablesync("dlq", "replay", "--all", "--service", "notifier", "--json")
    assert json.loads(done.stdout) == {"replayed": 1, "failed": []}


def test_replay_all_counts_what_it_did_before_the_service_went_away(
    tablesync: Command, parked: StandIn
) -> None:
    parked.answers["GET", "/v1/dlq?replayed=false&from=run-events%2F1"] = (503, {"detail": "busy"})
    done = tablesync("dlq", "replay", "--all", "--service", "notifier")
    assert (done.returncode, done.stdout) == (5, "Replayed 1, failed 0.\n")


def test_a_replay_that_fails_again_says_why(tablesync: Command, parked: StandIn) -> None:
    refusal = (409, {"detail": "It failed again: KeyError: [x]"})
    parked.answers["POST", "/v1/dlq/run-events/3/replay"] = refusal
    one = tablesync("dlq", "replay", "run-events", "3", "--service", "notifier")
    every = tablesync("dlq", "replay", "--all", "--service", "notifier")
    assert (one.returncode, every.returncode) == (1, 1)
    assert "It failed again: KeyError: [x]" in one.stderr
    assert "It failed again: KeyError: [x]" in every.stdout


@pytest.mark.parametrize("answer", [{}, {"replayed_at": None}, ["2026-11-22T11:00:00.000Z"]])
def test_a_replay_that_cannot_be_read_is_said_so(
    tablesync: Command, parked: StandIn, answer: Any
) -> None:
    parked.answers["POST", "/v1/dlq/run-events/3/replay"] = (200, answer)
    done = tablesync("dlq", "replay", "run-events", "3", "--service", "notifier")
    assert done.returncode == 5
    assert "notifier sent no Replayed that this version can read" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "run-events", "99", "--service", "notifier"), 4, "no such thing"),
        (("show", "run-events", "99"), 4, "No service has parked run-events 99"),
        (("list", "--service", "mongod"), 2, "mongod parks nothing"),
        (("show", "run-events", "x"), 2, "Invalid value"),
        (("list", "--limit", "0"), 2, "Invalid value"),
        (("replay",), 2, "--all"),
        (("replay", "run-events"), 2, "id"),
        (("replay", "run-events", "3", "--all"), 2, "--all"),
    ],
)
def test_what_is_wrong_is_said(
    tablesync: Command, parked: StandIn, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = tablesync("dlq", *arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_an_operator_without_the_right_is_told(tablesync: Command, services: StandIn) -> None:
    services.answers["GET", "/v1/dlq?replayed=false"] = (
        403,
        {"detail": "This is for those who run TableSync."},
    )
    done = tablesync("dlq", "list")
    assert done.returncode == 3
    assert "does not allow this" in done.stderr
