"""`tablesync status`: what it shows, and what it says when something is wrong."""

import json
import re
from typing import Any

import pytest
from cli_instruments import Command, StandIn, example
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.incidents import IncidentView, MailView
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncView

Json = dict[str, Any]
pytestmark = pytest.mark.integration

HOLD: Json = {
    "kind": "connection",
    "connection_id": "con_1",
    "cause": "app_uninstalled",
    "since": "2026-11-22T10:00:00.000Z",
}
CONNECTION = example(
    ConnectionView,
    id="con_1",
    name=None,
    account={"id": "7001", "name": "Acme Ευρώπη [red]", "email": None},
    status="revoked",
    cause="app_uninstalled",
    badge="Disconnected",
)
LAST_RUN = example(
    RunView,
    status="interrupted",
    counts={"read": 200, "written": 100, "unchanged": 0, "rejected": 1},
)
SYNC = example(
    SyncView,
    id="syn_1",
    name="連絡先 → Contacts",
    source={"connection_id": "con_1", "provider": "hubspot", "object": "contacts"},
    schedule={"every_seconds": 300},
    hold=HOLD,
    holds=[HOLD],
    gap={"from": "2026-11-22T10:05:00.000Z", "to": None, "slots_missed": 7, "interrupted": True},
    next_slot_at="2026-11-22T10:40:00.000Z",
    last_run=LAST_RUN,
)
INCIDENT = example(
    IncidentView,
    id="inc_1",
    connection_id="con_1",
    mails=[example(MailView, to="ada@acme.test")],
)
INCIDENTS = ("GET", "/v1/incidents?status=open")


@pytest.fixture
def lost(services: StandIn) -> StandIn:
    services.answers["GET", "/v1/connections"] = (200, {"items": [CONNECTION]})
    services.answers["GET", "/v1/syncs"] = (200, {"items": [SYNC]})
    services.answers[INCIDENTS] = (200, {"items": [INCIDENT]})
    return services


def test_it_shows_connections_syncs_and_incidents(tablesync: Command, lost: StandIn) -> None:
    done = tablesync("status")
    assert done.returncode == 0, done.stderr
    for shown in (
        "● Disconnected",
        "hubspot · Acme Ευρώπη [red]",
        "連絡先 → Contacts",
        "every 5 min",
        "The TableSync app was uninstalled at HubSpot.",
        "held: its connection is lost, since",
        "7 missed",
        "interrupted",
        "100 written, 0 unchanged, 1 rejected",
        "revocation to ada@acme.test",
        "https://tablesync.example/help/causes/app-uninstalled",
    ):
        assert shown in done.stdout
    assert {token for _, path, token in lost.seen if path != "/v1/tokens"} == {"Bearer short-lived"}


@pytest.mark.parametrize("columns", [80, 60])
def test_it_fits_a_narrow_terminal_and_every_id_can_be_copied_whole(
    tablesync: Command, lost: StandIn, columns: int
) -> None:
    ids = [f"{kind}_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03" for kind in ("con", "syn", "inc")]
    name = "Every deal that the northern sales team has closed in the year before this one"
    for path, item, id_ in zip(
        ("/v1/connections", "/v1/syncs", "/v1/incidents?status=open"),
        (CONNECTION, {**SYNC, "name": name}, INCIDENT),
        ids,
        strict=True,
    ):
        lost.answers["GET", path] = (200, {"items": [{**item, "id": id_}]})
    shown = tablesync("status", COLUMNS=str(columns)).stdout.splitlines()
    assert [each.strip() for each in shown if each.strip() in ids] == ids
    assert max(len(each) for each in shown if each.strip() not in ids) <= columns
    words = [word for each in shown for word in each.split()]
    assert set(name.split()) <= set(words), "no word is cut in two"


MAPPING_HOLD: Json = {**HOLD, "kind": "mapping", "cause": "Field “Stage” is gone."}
LOOKED_AT = (
    "what it needs is there again (looked at every 15 minutes, less often after tries in "
    "vain, and at once when its mapping is saved again)"
)


@pytest.mark.parametrize(
    ("status", "holds", "next_run"),
    [
        ("active", [], r"next run: \d+ d ago"),
        ("paused", [], "paused .* next run: once somebody resumes it"),
        ("held", [HOLD], "next run: once its connection is reconnected"),
        ("held", [MAPPING_HOLD], f"next run: once {re.escape(LOOKED_AT)}"),
        (
            "held",
            [{**MAPPING_HOLD, "kind": "resource", "lacks": ["crm.objects.deals.read"]}],
            "next run: once its connection is reconnected with all of that allowed",
        ),
        ("held", [HOLD, HOLD], "next run: once both its connections are reconnected"),
        (
            "paused",
            [HOLD],
            "paused and held: its connection is lost, since .* "
            "next run: once somebody resumes it and its connection is reconnected",
        ),
        ("held", [{**HOLD, "kind": "moon"}], "next run: once what holds it is over"),
    ],
)
def test_a_next_run_is_promised_to_nothing_that_is_stopped(
    tablesync: Command, lost: StandIn, status: str, holds: list[Json], next_run: str
) -> None:
    shown = {"hold": next(iter(holds), None), "holds": holds, "gap": None}
    lost.answers["GET", "/v1/syncs"] = (200, {"items": [{**SYNC, **shown, "status": status}]})
    said = " ".join(re.sub("last run: .*", "", tablesync("status").stdout).split())
    assert re.search(f"{next_run} syn_1", said), said


def test_what_was_left_out_is_said_of_its_connection(tablesync: Command, lost: StandIn) -> None:
    lacking = "TableSync was not allowed to read deals at HubSpot."
    connection = {
        **CONNECTION,
        "status": "connected",
        "cause": None,
        "badge": "Needs attention",
        "findings": [{"kind": "missing_scopes", "message": lacking}],
    }
    lost.answers["GET", "/v1/connections"] = (200, {"items": [connection]})
    assert lacking in " ".join(tablesync("status").stdout.split())


def test_a_gap_without_slots_is_a_run_cut_short(tablesync: Command, lost: StandIn) -> None:
    gap = {**SYNC["gap"], "slots_missed": 0}
    lost.answers["GET", "/v1/syncs"] = (200, {"items": [{**SYNC, "gap": gap}]})
    assert "run cut short" in tablesync("status").stdout


def test_json_is_what_the_services_said(tablesync: Command, lost: StandIn) -> None:
    done = tablesync("status", "--json")
    assert json.loads(done.stdout) == {
        "connections": [CONNECTION],
        "syncs": [SYNC],
        "incidents": [INCIDENT],
        "problems": [],
    }


def test_lists_are_read_to_their_last_page(tablesync: Command, lost: StandIn) -> None:
    pages = {
        ("/v1/connections", "?"): (CONNECTION, "con_2"),
        ("/v1/syncs", "?"): (SYNC, "syn_2"),
        ("/v1/incidents?status=open", "&"): (INCIDENT, "inc_2"),
    }
    for (path, joint), (item, other) in pages.items():
        lost.answers["GET", path] = (200, {"items": [item], "next_cursor": "a b"})
        last = {"items": [{**item, "id": other}], "next_cursor": None}
        lost.answers["GET", f"{path}{joint}cursor=a+b"] = (200, last)
    said = json.loads(tablesync("status", "--json").stdout)
    ids = {name: [each["id"] for each in said[name]] for name in said if name != "problems"}
    assert ids == {
        "connections": ["con_1", "con_2"],
        "syncs": ["syn_1", "syn_2"],
        "incidents": ["inc_1", "inc_2"],
    }


def test_p29_what_a_service_cannot_read_is_named_beside_the_rest(
    tablesync: Command, lost: StandIn
) -> None:
    page = {"items": [SYNC], "next_cursor": None, "unread_ids": ["syn_2"]}
    lost.answers["GET", "/v1/syncs"] = (200, page)
    done = tablesync("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "syn_2 cannot be read." in done.stdout
    assert "連絡先 → Contacts" in done.stdout
    assert json.loads(tablesync("status", "--json").stdout)["unread"] == ["syn_2"]


def test_what_a_newer_service_names_is_shown_as_it_is(tablesync: Command, lost: StandIn) -> None:
    strange = {**SYNC, "status": "dreaming", "hold": None, "holds": [], "more": 1}
    lost.answers["GET", "/v1/syncs"] = (200, {"items": [strange], "total": 1})
    assert "dreaming" in tablesync("status").stdout


def test_an_answer_that_cannot_be_read_is_said_so(tablesync: Command, lost: StandIn) -> None:
    lost.answers["GET", "/v1/syncs"] = (200, {"items": [{"id": "syn_1"}, SYNC]})
    lost.answers["GET", "/v1/incidents?status=open"] = (200, [])
    done = tablesync("status")
    assert done.returncode == 5
    assert "連絡先 → Contacts" in done.stdout
    assert "syn_1 cannot be read." in done.stdout
    assert "notifier sent a list that this version cannot read" in done.stdout


def test_an_empty_workspace_is_no_error(tablesync: Command, services: StandIn) -> None:
    for path in ("/v1/connections", "/v1/syncs", "/v1/incidents?status=open"):
        services.answers["GET", path] = (200, {"items": []})
    done = tablesync("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No connections yet." in done.stdout


def test_without_a_token_it_says_where_to_get_one(tablesync: Command) -> None:
    done = tablesync("status", TABLESYNC_API_TOKEN=None)
    assert done.returncode == 2
    assert "TABLESYNC_API_TOKEN" in done.stderr


def test_a_refused_token_is_said_so_and_never_printed(
    tablesync: Command, services: StandIn
) -> None:
    services.answers["POST", "/v1/tokens"] = (401, {"detail": "no"})
    done = tablesync("status")
    assert done.returncode == 3
    assert "does not accept the API token" in done.stderr
    assert "api-token" not in done.stdout + done.stderr


def test_auth_service_away_ends_it(tablesync: Command) -> None:
    done = tablesync("status", AUTH_SERVICE_URL="http://127.0.0.1:9")
    assert done.returncode == 5
    assert "auth-service does not answer at http://127.0.0.1:9" in done.stderr


def test_another_service_away_takes_only_its_own_part_with_it(
    tablesync: Command, lost: StandIn
) -> None:
    lost.answers["GET", "/v1/syncs"] = (503, "<html>busy</html>")
    done = tablesync("status", NOTIFIER_URL="http://127.0.0.1:9")
    assert done.returncode == 5
    assert "Acme Ευρώπη" in done.stdout
    assert "scheduler cannot answer now (503)" in done.stdout
    assert "notifier does not answer" in done.stdout


def test_an_expired_short_lived_token_is_renewed_once(tablesync: Command, lost: StandIn) -> None:
    lost.answers["GET", "/v1/syncs"] = (401, {"detail": "expired"})
    done = tablesync("status")
    assert done.returncode == 3
    assert sum(path == "/v1/tokens" for _, path, _ in lost.seen) == 2


def test_watching_goes_on_until_it_is_interrupted(
    tablesync: Command, lost: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look finds auth-service away, the next one finds everything; then Ctrl-C."""
    good = lost.answers["GET", "/v1/connections"]
    lost.answers["GET", "/v1/connections"] = (503, {"detail": "busy"})
    looks = iter([None, KeyboardInterrupt])

    async def look_again(_: float) -> None:
        lost.answers["GET", "/v1/connections"] = good
        if ended := next(looks):
            raise ended

    monkeypatch.setattr("tablesync.cli.session.pause", look_again)
    done = tablesync("status", "--watch", FORCE_COLOR="1", TERM="xterm", LINES="60")
    assert done.returncode == 0
    assert "auth-service cannot answer now (503): busy" in done.stdout
    assert "● Disconnected" in done.stdout


def test_watching_for_a_program_prints_one_object_for_each_look(
    tablesync: Command, lost: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said beside it goes to stderr: a service that is away ends nothing."""
    looks = 0

    async def interrupted(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            lost.answers["GET", "/v1/connections"] = (503, {"detail": "away"})
        if looks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("tablesync.cli.session.pause", interrupted)
    once = json.loads(tablesync("status", "--json").stdout)
    done = tablesync("status", "--watch", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [once, once]
    assert "auth-service" in done.stderr
    assert done.returncode == 0
