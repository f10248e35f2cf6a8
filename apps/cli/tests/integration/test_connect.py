"""`tablesync connect` and `reconnect`: they tell where to click, and how it ended."""

import json
from typing import Any

import pytest
from cli_instruments import Command, StandIn, example
from tablesync.contracts.public_api.connections import AuthorizationView, ConnectionView

Json = dict[str, Any]
pytestmark = pytest.mark.integration

STARTED: Json = {"id": "aut_1", "start_url": "https://auth.test/oauth/airtable/start?a=aut_1"}
CONNECTION = example(
    ConnectionView,
    id="con_1",
    name=None,
    provider="airtable",
    account={"id": "usr1", "name": "ada@acme.test", "email": "ada@acme.test"},
    badge="Connected",
    findings=[],
)


@pytest.fixture
def airtable(services: StandIn) -> StandIn:
    """An auth-service at which an attempt to connect Airtable has succeeded."""
    services.answers["POST", "/v1/authorizations"] = (201, STARTED)
    services.answers["GET", "/v1/connections/con_1"] = (200, CONNECTION)
    attempt(services, "aut_1", "completed")
    return services


def attempt(services: StandIn, id_: str, status: str, **changes: Any) -> Json:
    said = example(
        AuthorizationView,
        id=id_,
        provider="airtable",
        status=status,
        connection_id="con_1" if status == "completed" else None,
    )
    said |= changes
    services.answers["GET", f"/v1/authorizations/{id_}"] = (200, said)
    return said


def test_an_account_is_connected(tablesync: Command, airtable: StandIn) -> None:
    done = tablesync("connect", "airtable")
    assert done.returncode == 0, done.stderr
    for shown in (STARTED["start_url"], "● Connected", "airtable · ada@acme.test", "con_1"):
        assert shown in done.stdout
    assert "once more" not in done.stdout


def test_what_is_refused_is_told_with_what_helps(tablesync: Command, services: StandIn) -> None:
    error = {
        "field": "provider",
        "message": "is not a known provider",
        "remedy": "Use one of: airtable, hubspot.",
    }
    problem = {"status": 422, "detail": "provider: is not a known provider", "errors": [error]}
    services.answers["POST", "/v1/authorizations"] = (422, problem)
    done = tablesync("connect", "foo")
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "provider: is not a known provider. Use one of: airtable, hubspot." in said


def test_a_shop_is_named_where_a_provider_asks_for_one(
    tablesync: Command, airtable: StandIn
) -> None:
    tablesync("connect", "shopify", "--shop", "acme.myshopify.com")
    tablesync("connect", "airtable")
    sent = [json.loads(body) for path, body in airtable.sent if path == "/v1/authorizations"]
    assert sent == [
        {"provider": "shopify", "shop": "acme.myshopify.com"},
        {"provider": "airtable"},
    ]


def test_a_shop_that_is_missing_is_told_with_what_helps(
    tablesync: Command, services: StandIn
) -> None:
    remedy = "Name the shop's domain, such as acme.myshopify.com."
    error = {"field": "shop", "message": "is missing", "remedy": remedy}
    problem = {"status": 422, "detail": "shop: is missing", "errors": [error]}
    services.answers["POST", "/v1/authorizations"] = (422, problem)
    done = tablesync("connect", "shopify")
    assert done.returncode != 0
    assert f"shop: is missing. {remedy}" in " ".join(done.stderr.split())


@pytest.mark.parametrize("ended", ["denied", "expired", "refused"])
def test_an_attempt_that_is_begun_anew_is_followed(
    tablesync: Command, airtable: StandIn, ended: str
) -> None:
    attempt(airtable, "aut_1", ended, continued_by="aut_2")
    attempt(airtable, "aut_2", ended, continued_by="aut_3")
    attempt(airtable, "aut_3", "completed")
    done = tablesync("connect", "airtable")
    assert done.returncode == 0, done.stderr
    assert "● Connected" in done.stdout


def test_a_base_left_out_is_named_with_what_helps(tablesync: Command, airtable: StandIn) -> None:
    message = (
        "Bases that syncs write to were left out on Airtable's page: Acme deals (app1), 1 sync"
    )
    attempt(airtable, "aut_1", "completed", finding={"kind": "bases_left_out", "message": message})
    done = tablesync("reconnect", "con_1")
    assert done.returncode == 0, done.stderr
    assert message in done.stdout
    assert "tablesync reconnect con_1" in done.stdout


def test_permissions_left_out_are_named_with_what_helps(
    tablesync: Command, airtable: StandIn
) -> None:
    finding = {"kind": "missing_scopes", "message": "The last consent left out: schema.bases:read."}
    lacking = {**CONNECTION, "badge": "Needs attention", "findings": [finding]}
    airtable.answers["GET", "/v1/connections/con_1"] = (200, lacking)
    done = tablesync("connect", "airtable")
    for shown in ("● Needs attention", finding["message"], "tablesync reconnect con_1"):
        assert shown in done.stdout


@pytest.mark.parametrize(
    ("ended", "finding", "told"),
    [
        ("denied", None, "Access was not allowed."),
        ("expired", None, "It was not finished in ten minutes."),
        (
            "refused",
            {"kind": "x", "message": "You signed in to Globex."},
            "You signed in to Globex.",
        ),
        ("a status of a later version", None, "It is a status of a later version."),
    ],
)
def test_what_came_to_nothing_says_why(
    tablesync: Command, airtable: StandIn, ended: str, finding: Json | None, told: str
) -> None:
    attempt(airtable, "aut_1", ended, finding=finding)
    done = tablesync("connect", "airtable", "--wait", "0")
    assert done.returncode == 1
    assert done.stderr == f"Not connected: {told}\n"


def test_json_is_what_the_service_said(tablesync: Command, airtable: StandIn) -> None:
    said = attempt(airtable, "aut_1", "completed")
    done = tablesync("connect", "airtable", "--json")
    assert json.loads(done.stdout) == said
    assert STARTED["start_url"] in done.stderr


def test_an_unknown_connection_is_not_reconnected(tablesync: Command, airtable: StandIn) -> None:
    done = tablesync("reconnect", "con_2")
    assert done.returncode == 4
    assert ("POST", "/v1/authorizations") not in [each[:2] for each in airtable.seen]
