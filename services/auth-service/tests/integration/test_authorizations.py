"""Authorizations: state, verifier and browser come together once, or nothing happens."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from auth_service_attempts import PROVIDERS, begin, come_back, leave, outcome
from auth_service_rig import Rig, stored
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import press


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_p05_state_and_verifier_are_independent_and_the_verifier_stays_here(
    rig: Rig, database: Database, provider: str
) -> None:
    attempts = [await begin(rig, provider) for _ in range(5)]
    pages = [query_of((await leave(rig, each))[1]) for each in attempts]
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


async def test_p05_a_callback_is_taken_once_and_its_page_can_be_loaded_again(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")

    pages = [await browser.get(callback) for _ in range(2)]
    pages.append(await browser.get(attempt["start_url"]))

    assert [each.status_code for each in pages] == [200, 200, 200]
    assert all("HubSpot is connected" in each.text for each in pages)
    connection = await rig.connection((await outcome(rig, attempt))["connection_id"])
    assert connection["grant_version"] == 1
    log = await rig.sandbox.log(provider="hubspot")
    assert sum(each["path"].endswith("/token") for each in log["requests"]) == 1
    for elsewhere in (callback, attempt["start_url"]):
        assert (await rig.client().get(elsewhere)).status_code in (400, 410)


async def test_looking_with_head_is_answered_and_binds_nothing(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    looked = await rig.client().head(attempt["start_url"])
    assert looked.status_code == 200
    browser, callback = await come_back(rig, attempt, "hubspot")
    assert (await browser.get(callback)).status_code == 200


async def test_p05_another_browser_cannot_finish(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")

    for cookies in ({}, {f"tablesync_{attempt['id']}": "a secret of its own"}):
        stranger = await rig.client(cookies=cookies).get(callback)
        assert stranger.status_code == 400

    assert (await outcome(rig, attempt))["status"] == "pending"
    assert (await browser.get(callback)).status_code == 200


async def test_p05_one_browser_holds_two_attempts_apart(rig: Rig) -> None:
    one, two = await begin(rig, "hubspot"), await begin(rig, "hubspot")
    browser = rig.client()
    pages = [(await press(browser, each["start_url"])).headers["location"] for each in (one, two)]
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")

    for page in pages:
        callback = (await browser.get(page)).headers["location"]
        assert (await browser.get(callback)).status_code == 200

    assert {(await outcome(rig, each))["status"] for each in (one, two)} == {"completed"}


async def test_p05_an_attempt_ends_after_ten_minutes(rig: Rig, database: Database) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    row = await stored(database, "authorizations", attempt["id"])
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=10)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["authorizations"].update_one(
        {"_id": attempt["id"]}, {"$set": {"expires_at": past}}
    )

    assert (await browser.get(callback)).status_code == 400
    assert (await browser.get(attempt["start_url"])).status_code == 410
    assert (await outcome(rig, attempt))["status"] == "expired"


async def test_p05_mix_ups_fail(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    query = query_of(callback)
    cookies = {each.name: each.value for each in browser.cookies.jar}

    elsewhere = await browser.get(
        "/oauth/airtable/callback", params=query, headers={"Cookie": cookie_header(cookies)}
    )
    wrong_issuer = await browser.get(callback, params={**query, "iss": "https://evil.example"})
    unknown_state = await browser.get(callback, params={**query, "state": "x" * 43})

    assert {each.status_code for each in (elsewhere, wrong_issuer, unknown_state)} == {400}
    assert (await outcome(rig, attempt))["status"] == "pending"
    issuer = f"{rig.sandbox.url}/hubspot"
    assert (await browser.get(callback, params={**query, "iss": issuer})).status_code == 200


def cookie_header(cookies: dict[str, str | None]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def test_p05_starting_anew_voids_the_earlier_state(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    await press(browser, attempt["start_url"])

    assert "Go on in the other tab" in (await browser.get(callback)).text
    assert (await outcome(rig, attempt))["status"] == "pending"
    asked = (await rig.sandbox.log(provider="hubspot"))["requests"]
    assert not [each for each in asked if each["path"].endswith("/token")], "its code was not sent"


async def test_p05_the_binding_cookie_is_out_of_reach_of_scripts(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser = rig.client()

    for answer in (
        await browser.get(attempt["start_url"]),
        await press(browser, attempt["start_url"]),
    ):
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"tablesync_{attempt['id']}=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/oauth/hubspot;" in cookie
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("field", ["provider", "connection_id"])
async def test_p21_what_is_no_text_is_refused_by_its_field(rig: Rig, field: str) -> None:
    content = json.dumps({"provider": "hubspot", field: "\ud800"})
    answer = await (await rig.operator()).post(
        "/v1/authorizations", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field


async def test_a_connection_of_another_provider_is_named(rig: Rig) -> None:
    connection = await rig.connect("hubspot")
    operator = await rig.operator()

    answer = await operator.post(
        "/v1/authorizations", json={"provider": "airtable", "connection_id": connection["id"]}
    )
    unknown = await operator.post(
        "/v1/authorizations", json={"provider": "airtable", "connection_id": "con_unknown"}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "provider"
    assert unknown.status_code == 404


async def test_unknown_providers_and_attempts_get_a_page(rig: Rig) -> None:
    browser = rig.client()

    assert (await browser.get("/oauth/salesforce/start?authorization=x")).status_code == 404
    assert (await browser.get("/oauth/salesforce/callback?state=x")).status_code == 404
    assert (await browser.get("/oauth/hubspot/start?authorization=x")).status_code == 410
    bare = await browser.get("/oauth/hubspot/callback")
    assert bare.status_code == 400
    assert "default-src 'none'" in bare.headers["content-security-policy"]


async def test_p22_the_same_key_gives_the_same_answer(rig: Rig) -> None:
    operator = await rig.operator("operator")
    headers = {"Idempotency-Key": "once"}

    first = await operator.post("/v1/authorizations", json={"provider": "hubspot"}, headers=headers)
    second = await operator.post(
        "/v1/authorizations", json={"provider": "hubspot"}, headers=headers
    )
    other = await operator.post(
        "/v1/authorizations", json={"provider": "airtable"}, headers=headers
    )

    assert first.json() == second.json()
    assert other.status_code == 422


async def test_an_unknown_provider_is_named_with_the_remedy(rig: Rig) -> None:
    operator = await rig.operator()

    answer = await operator.post("/v1/authorizations", json={"provider": "salesforce"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "provider",
            "message": "is not a known provider",
            "remedy": "Use one of: hubspot, airtable.",
        }
    ]
