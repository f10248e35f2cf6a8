"""Authorizations: state, verifier and browser come together once, or nothing happens."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bson
import httpx
import pytest
from tablesync.auth_service.connections import Connection, Connections
from tablesync.contracts import new_id
from tablesync.test_kit import eventually

PROVIDERS = ("hubspot", "airtable")


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def begin(auth: Any, provider: str, **body: Any) -> dict[str, str]:
    operator = await auth.operator()
    answer = await operator.post("/v1/authorizations", json={"provider": provider, **body})
    return answer.raise_for_status().json()  # type: ignore[no-any-return]


async def outcome(auth: Any, attempt: dict[str, str]) -> dict[str, Any]:
    answer = await (await auth.operator()).get(f"/v1/authorizations/{attempt['id']}")
    return answer.raise_for_status().json()  # type: ignore[no-any-return]


async def leave(auth: Any, attempt: dict[str, str]) -> tuple[httpx.AsyncClient, str]:
    """Go to the provider's page; give the browser and the page's address."""
    browser = auth.client()
    answer = await browser.get(attempt["start_url"])
    assert answer.status_code == 302
    return browser, answer.headers["location"]


async def come_back(auth: Any, attempt: dict[str, str], provider: str) -> tuple[Any, str]:
    """Let the sandbox allow; give the browser and the callback it is sent to."""
    browser, page = await leave(auth, attempt)
    user = {"user": "ada@acme.test", "decision": "allow"}
    await auth.sandbox.answer(provider, **user)
    answer = await browser.get(page)
    assert answer.status_code in (302, 303), answer.text
    return browser, answer.headers["location"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_p05_state_and_verifier_are_independent_and_the_verifier_stays_here(
    auth: Any, database: Any, provider: str
) -> None:
    attempts = [await begin(auth, provider) for _ in range(5)]
    pages = [query_of((await leave(auth, each))[1]) for each in attempts]
    states = [page["state"] for page in pages]

    assert len(set(states)) == 5
    assert min(len(state) for state in states) >= 43
    assert {page["code_challenge_method"] for page in pages} == {"S256"}
    assert len({page["code_challenge"] for page in pages}) == 5
    for page in pages:
        # A challenge made of the state would give the verifier away (RFC 7636).
        digest = hashlib.sha256(page["state"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert challenge != page["code_challenge"]
        assert "code_verifier" not in page
    stored = str(await database["authorizations"].find({}).to_list(None))
    assert not [state for state in states if state in stored]


async def test_p05_a_callback_is_taken_once(auth: Any) -> None:
    attempt = await begin(auth, "hubspot")
    browser, callback = await come_back(auth, attempt, "hubspot")

    first = await browser.get(callback)
    again = await browser.get(callback)

    assert first.status_code == 200
    assert again.status_code == 400
    assert (await outcome(auth, attempt))["status"] == "completed"


async def test_p05_another_browser_cannot_finish(auth: Any) -> None:
    attempt = await begin(auth, "hubspot")
    browser, callback = await come_back(auth, attempt, "hubspot")

    stranger = await auth.client().get(callback)

    assert stranger.status_code == 400
    assert (await outcome(auth, attempt))["status"] == "pending"
    assert (await browser.get(callback)).status_code == 200


async def test_p05_one_browser_holds_two_attempts_apart(auth: Any) -> None:
    one, two = await begin(auth, "hubspot"), await begin(auth, "hubspot")
    browser = auth.client()
    pages = [(await browser.get(each["start_url"])).headers["location"] for each in (one, two)]
    await auth.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")

    for page in pages:
        callback = (await browser.get(page)).headers["location"]
        assert (await browser.get(callback)).status_code == 200

    assert {(await outcome(auth, each))["status"] for each in (one, two)} == {"completed"}


async def test_p05_an_attempt_ends_after_ten_minutes(auth: Any, database: Any) -> None:
    attempt = await begin(auth, "hubspot")
    browser, callback = await come_back(auth, attempt, "hubspot")
    row = await database["authorizations"].find_one({"_id": attempt["id"]})
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=10)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["authorizations"].update_one(
        {"_id": attempt["id"]}, {"$set": {"expires_at": past}}
    )

    assert (await browser.get(callback)).status_code == 400
    assert (await browser.get(attempt["start_url"])).status_code == 410
    assert (await outcome(auth, attempt))["status"] == "expired"


async def test_p05_mix_ups_fail(auth: Any) -> None:
    attempt = await begin(auth, "hubspot")
    browser, callback = await come_back(auth, attempt, "hubspot")
    query = query_of(callback)
    cookies = {each.name: each.value for each in browser.cookies.jar}

    elsewhere = await browser.get(
        "/oauth/airtable/callback", params=query, headers={"Cookie": cookie_header(cookies)}
    )
    wrong_issuer = await browser.get(callback, params={**query, "iss": "https://evil.example"})
    unknown_state = await browser.get(callback, params={**query, "state": "x" * 43})

    assert {each.status_code for each in (elsewhere, wrong_issuer, unknown_state)} == {400}
    assert (await outcome(auth, attempt))["status"] == "pending"
    issuer = f"{auth.sandbox.url}/hubspot"
    assert (await browser.get(callback, params={**query, "iss": issuer})).status_code == 200


def cookie_header(cookies: dict[str, str | None]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def test_p05_starting_anew_voids_the_earlier_state(auth: Any) -> None:
    attempt = await begin(auth, "hubspot")
    browser, callback = await come_back(auth, attempt, "hubspot")
    await browser.get(attempt["start_url"])

    assert (await browser.get(callback)).status_code == 400


async def test_p05_the_binding_cookie_is_out_of_reach_of_scripts(auth: Any) -> None:
    attempt = await begin(auth, "hubspot")
    answer = await auth.client().get(attempt["start_url"])

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"tablesync_{attempt['id']}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/oauth/hubspot/callback" in cookie
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


async def stored_grant(database: Any, connection_id: str) -> bytes:
    return bson.encode(await database["grants"].find_one({"_id": connection_id}))


async def test_p06_another_account_changes_nothing(auth: Any, database: Any) -> None:
    connection = await auth.connect("hubspot", "7001")
    before = await stored_grant(database, connection["id"])
    await auth.sandbox.answer("hubspot", user="ada@acme.test", account="7002", decision="allow")

    refused = await auth.authorize("hubspot", connection["id"])

    assert refused["status"] == "refused"
    assert refused["finding"]["kind"] == "another_account"
    assert refused["finding"]["expected"]["id"] == "7001"
    assert refused["finding"]["found"]["id"] == "7002"
    for side in ("expected", "found"):
        name = refused["finding"][side]["name"]
        assert name in refused["finding"]["message"]
        assert name in refused["page"].text
    assert await stored_grant(database, connection["id"]) == before
    assert await auth.connection(connection["id"]) == connection


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_p06_denial_changes_nothing(auth: Any, database: Any, provider: str) -> None:
    connection = await auth.connect(provider)
    before = await stored_grant(database, connection["id"])
    await auth.sandbox.answer(provider, user="ada@acme.test", decision="deny")

    denied = await auth.authorize(provider, connection["id"])

    assert denied["status"] == "denied"
    assert "Nothing was changed" in denied["page"].text
    assert await stored_grant(database, connection["id"]) == before
    assert await auth.connection(connection["id"]) == connection


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
async def test_p06_a_provider_that_cannot_serve_has_not_said_no(auth: Any, error: str) -> None:
    attempt = await begin(auth, "hubspot")
    browser, callback = await come_back(auth, attempt, "hubspot")

    page = await browser.get(callback.replace("code=", f"error={error}&was="))

    assert "did not answer" in page.text
    after = await outcome(auth, attempt)
    assert (after["status"], after["finding"]["kind"]) == ("refused", "provider_unavailable")


@pytest.mark.parametrize("field", ["provider", "connection_id"])
async def test_p21_what_is_no_text_is_refused_by_its_field(auth: Any, field: str) -> None:
    content = json.dumps({"provider": "hubspot", field: "\ud800"})
    answer = await (await auth.operator()).post(
        "/v1/authorizations", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field


async def test_p06_a_closed_popup_changes_nothing(auth: Any, database: Any) -> None:
    connection = await auth.connect("hubspot")
    before = await stored_grant(database, connection["id"])

    attempt = await begin(auth, "hubspot", connection_id=connection["id"])
    await leave(auth, attempt)

    assert (await outcome(auth, attempt))["status"] == "pending"
    assert await stored_grant(database, connection["id"]) == before


async def test_p06_a_provider_that_fails_in_between_changes_nothing(
    auth: Any, database: Any
) -> None:
    connection = await auth.connect("hubspot")
    before = await stored_grant(database, connection["id"])
    await auth.sandbox.control("hubspot", "-", "break", status=503, path_contains="/token")

    refused = await auth.authorize("hubspot", connection["id"])

    assert refused["status"] == "refused"
    assert refused["finding"]["kind"] == "provider_unavailable"
    assert await stored_grant(database, connection["id"]) == before


async def test_p06_missing_scopes_are_stored_and_shown(auth: Any) -> None:
    connection = await auth.connect("hubspot")
    scopes = [each for each in connection["scopes"] if "deals" not in each]
    await auth.sandbox.answer(
        "hubspot", user="ada@acme.test", account="7001", decision="allow", scopes=scopes
    )

    completed = await auth.authorize("hubspot", connection["id"])

    assert completed["status"] == "completed"
    after = await auth.connection(connection["id"])
    assert after["status"] == "connected"
    assert after["badge"] == "Needs attention"
    assert set(after["missing_scopes"]) == set(connection["scopes"]) - set(scopes)
    assert after["findings"][0]["kind"] == "missing_scopes"


async def test_p07_connecting_a_known_account_restores_its_connection(
    auth: Any, database: Any
) -> None:
    connection = await auth.connect("airtable")
    operator = await auth.operator("operator")
    path = f"/v1/connections/{connection['id']}/disconnect"
    gone = (await operator.post(path)).raise_for_status().json()
    assert (gone["status"], gone["cause"], gone["badge"]) == (
        "disconnected",
        "operator",
        "Disconnected by you",
    )
    assert await database["grants"].find_one({"_id": connection["id"]}) is None
    assert (await auth.token(connection["id"])).status_code == 409

    again = await auth.connect("airtable")

    assert again["id"] == connection["id"]
    assert again["status"] == "connected"
    assert again["grant_version"] == connection["grant_version"] + 1


async def test_disconnecting_ends_the_grant_at_the_provider_unless_others_have_it(
    auth: Any, sandbox: Any, database: Any
) -> None:
    connection = await auth.connect("hubspot")
    await database["connections"].update_many(
        {"workspace_id": {"$ne": auth.workspace_id}}, {"$set": {"status": "revoked"}}
    )
    mine = await database["connections"].find_one({"_id": connection["id"]})
    theirs = {**mine, "_id": new_id("con"), "workspace_id": new_id("ws")}
    operator = await auth.operator()
    path = f"/v1/connections/{connection['id']}/disconnect"

    await database["connections"].insert_one(theirs)
    assert await Connections(database).shared(Connection.from_document(mine))
    await database["connections"].delete_one({"_id": theirs["_id"]})
    first = await operator.post(path)
    again = await operator.post(path)

    assert first.json() == again.json()
    assert first.json()["findings"][0]["kind"] == "app_stays"

    async def ended() -> bool:
        requests = (await sandbox.log(provider="hubspot"))["requests"]
        return any(each["path"].endswith("/token/revoke") for each in requests)

    await eventually(ended)


async def test_a_connection_of_another_provider_is_named(auth: Any) -> None:
    connection = await auth.connect("hubspot")
    operator = await auth.operator()

    answer = await operator.post(
        "/v1/authorizations", json={"provider": "airtable", "connection_id": connection["id"]}
    )
    unknown = await operator.post(
        "/v1/authorizations", json={"provider": "airtable", "connection_id": "con_unknown"}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "provider"
    assert unknown.status_code == 404


async def test_unknown_providers_and_attempts_get_a_page(auth: Any) -> None:
    browser = auth.client()

    assert (await browser.get("/oauth/salesforce/start?authorization=x")).status_code == 404
    assert (await browser.get("/oauth/salesforce/callback?state=x")).status_code == 404
    assert (await browser.get("/oauth/hubspot/start?authorization=x")).status_code == 410
    bare = await browser.get("/oauth/hubspot/callback")
    assert bare.status_code == 400
    assert "default-src 'none'" in bare.headers["content-security-policy"]
