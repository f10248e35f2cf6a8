"""What comes of an attempt to connect, what its page says then, and what stays as it was."""

import asyncio
from datetime import UTC, datetime, timedelta

import bson
import httpx
import pytest
from auth_service_attempts import PROVIDERS, begin, come_back, leave, outcome
from auth_service_rig import Rig, Start, stored
from tablesync.auth_service.connections import Connection, Connections
from tablesync.contracts import new_id
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl, eventually, press


async def test_a_page_that_is_loaded_again_says_what_is_true_now(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    await browser.get(callback)
    connection_id = (await outcome(rig, attempt))["connection_id"]
    gone = await (await rig.operator()).post(f"/v1/connections/{connection_id}/disconnect")
    assert gone.is_success

    page = await browser.get(callback)

    assert page.status_code == 200
    assert "was connected, and is not any more" in page.text


async def test_what_was_denied_is_begun_anew_by_a_button(rig: Rig) -> None:
    attempt = await begin(rig, "airtable")
    browser = rig.client()
    page = (await press(browser, attempt["start_url"])).headers["location"]
    await rig.sandbox.answer("airtable", user="ada@acme.test", decision="deny")
    denied = await browser.get((await browser.get(page)).headers["location"])
    assert "Access was not allowed" in denied.text

    forged = await browser.post(again_url(attempt), data={"form_token": "guessed"})
    anew = await browser.post(again_url(attempt), data={"form_token": form_token_in(denied.text)})

    assert forged.status_code == 403
    assert anew.status_code == 303
    await rig.sandbox.answer("airtable", user="ada@acme.test", decision="allow")
    page = (await press(browser, anew.headers["location"])).headers["location"]
    connected = await browser.get((await browser.get(page)).headers["location"])
    assert "Airtable is connected" in connected.text
    told = await outcome(rig, attempt)
    assert told["status"] == "denied"
    following = await outcome(rig, {"id": told["continued_by"]})
    assert (following["status"], "continued_by" in following) == ("completed", False)


async def two_tabs(rig: Rig, attempt: dict[str, str]) -> tuple[httpx.AsyncClient, list[str]]:
    """Press the button in two tabs of a browser; return it and the callbacks of both."""
    browser = rig.client()
    leaving = [await press(browser, attempt["start_url"]) for _ in range(2)]
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    back = [await browser.get(each.headers["location"]) for each in leaving]
    return browser, [each.headers["location"] for each in back]


async def exchanges(rig: Rig) -> int:
    log = await rig.sandbox.log(provider="hubspot")
    return sum(each["path"].endswith("/token") for each in log["requests"])


async def test_p05_of_two_tabs_the_earlier_says_how_it_goes_on_in_the_later(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, (earlier, later) = await two_tabs(rig, attempt)

    first = await browser.get(earlier)
    exchanged_by_first = await exchanges(rig)
    second = await browser.get(later)
    first_again = await browser.get(earlier)
    stranger = await rig.client().get(earlier)

    assert first.status_code == 200
    assert "Go on in the other tab" in first.text
    assert "Start again" in first.text
    assert exchanged_by_first == 0
    for page in (second, first_again):
        assert page.status_code == 200
        assert "HubSpot is connected" in page.text
    assert await exchanges(rig) == 1
    assert (stranger.status_code, "HubSpot is connected" in stranger.text) == (400, False)


async def test_p05_the_earlier_of_two_tabs_can_start_again(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, (earlier, later) = await two_tabs(rig, attempt)

    anew = await press(browser, earlier)
    leaving = await press(browser, anew.headers["location"])
    overtaken = await browser.get(later)
    back = await browser.get(leaving.headers["location"])

    assert "Go on in the other tab" in overtaken.text
    assert "HubSpot is connected" in (await browser.get(back.headers["location"])).text
    assert (await outcome(rig, attempt))["status"] == "completed"


async def test_p05_no_attempt_remembers_more_than_ten_tabs(rig: Rig, database: Database) -> None:
    attempt = await begin(rig, "hubspot")
    browser, (earliest, _) = await two_tabs(rig, attempt)
    for _ in range(11):
        last = await press(browser, attempt["start_url"])

    found = await stored(database, "authorizations", attempt["id"])
    forgotten = await browser.get(earliest)
    callback = (await browser.get(last.headers["location"])).headers["location"]

    assert len(found["superseded_states"]) == 10
    assert forgotten.status_code == 400
    assert "HubSpot is connected" in (await browser.get(callback)).text


async def about_to_arrive(rig: Rig) -> tuple[dict[str, str], httpx.AsyncClient, str]:
    """Return an attempt that HubSpot has allowed and whose code it is slow to exchange."""
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    await rig.sandbox.control("hubspot", "-", "latency", ms=1_500)
    return attempt, browser, callback


async def claimed(database: Database, attempt: dict[str, str]) -> None:
    """Wait until the answer to an attempt is being taken in."""

    async def is_claimed() -> bool:
        return "answered_state" in await stored(database, "authorizations", attempt["id"])

    await eventually(is_claimed)


async def test_p05_a_press_while_a_code_is_exchanged_leaves_its_outcome_be(
    rig: Rig, database: Database
) -> None:
    attempt, browser, callback = await about_to_arrive(rig)
    arriving = asyncio.create_task(browser.get(callback))
    await claimed(database, attempt)
    assert (await press(browser, attempt["start_url"])).status_code == 303
    twice = await browser.get(callback)

    for page in (await arriving, twice):
        assert "HubSpot is connected" in page.text
    assert await exchanges(rig) == 1


async def test_p05_a_callback_that_comes_to_two_processes_is_exchanged_by_one(
    rig: Rig, start: Start, database: Database
) -> None:
    other = await start()
    attempt, browser, callback = await about_to_arrive(rig)
    arriving = asyncio.create_task(browser.get(callback))
    await claimed(database, attempt)
    waiting = await browser.get(callback.replace(rig.url, other.url))

    assert "is being connected" in waiting.text
    assert "HubSpot is connected" in (await arriving).text
    assert await exchanges(rig) == 1


async def test_a_result_that_this_browser_does_not_know_any_more_is_not_called_a_failure(
    rig: Rig,
) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    assert "HubSpot is connected" in (await browser.get(callback)).text
    browser.cookies.clear()

    for address in (callback, attempt["start_url"]):
        page = await browser.get(address)
        assert "This page cannot be shown here any more" in page.text
        assert "It may well have worked" in page.text
        assert "Not connected" not in page.text


@pytest.mark.parametrize("by", ["callback", "start"])
async def test_what_took_too_long_is_begun_anew_where_it_ended(
    rig: Rig, database: Database, by: str
) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["authorizations"].update_one(
        {"_id": attempt["id"]}, {"$set": {"expires_at": past}}
    )
    address = callback if by == "callback" else attempt["start_url"]
    late = await browser.get(address)
    assert "took too long" in late.text

    anew = await press(browser, address)
    twice = await press(browser, address)

    assert anew.headers["location"] == twice.headers["location"]
    told = await outcome(rig, attempt)
    assert told["status"] == "expired"
    assert anew.headers["location"].endswith(told["continued_by"])
    assert (await press(browser, anew.headers["location"])).status_code == 303
    elsewhere = await rig.client().get(address)
    assert "took too long" not in elsewhere.text, "it is another browser's"


async def test_a_page_says_what_its_attempt_has_changed(rig: Rig) -> None:
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    first = await rig.authorize("hubspot")
    renewed = await rig.authorize("hubspot", first["connection_id"])
    token = (await rig.token(first["connection_id"])).json()
    await rig.sandbox.control("hubspot", "7001", "uninstall")
    ruling = await rig.report(first["connection_id"], token["grant_version"])
    assert ruling["verdict"] == "revoked"
    regained = await rig.authorize("hubspot", first["connection_id"])

    assert "choose it in a sync" in first["page"].text
    assert "nothing had to wait" in renewed["page"].text
    assert "Syncs that waited for this connection alone carry on" in regained["page"].text
    assert "Syncs that waited" not in first["page"].text + renewed["page"].text


async def test_permissions_that_were_left_out_are_asked_for_once_more(rig: Rig) -> None:
    answer = {"user": "ada@acme.test", "account": "7001", "decision": "allow"}
    connection = await rig.connect("hubspot")
    scopes = [each for each in connection["scopes"] if "deals" not in each]
    attempt = await begin(rig, "hubspot", connection_id=connection["id"])
    browser = rig.client(follow_redirects=True)
    await rig.sandbox.answer("hubspot", scopes=scopes, **answer)
    lacking = await press(browser, attempt["start_url"])
    assert "Needs attention" in lacking.text
    assert connection["missing_scopes"] == []

    asked = await press(browser, str(lacking.url))
    await rig.sandbox.answer("hubspot", **answer)
    whole = await press(browser, str(asked.url))

    assert "HubSpot is connected" in whole.text
    assert (await rig.connection(connection["id"]))["missing_scopes"] == []
    again = await browser.get(lacking.url)
    assert "Needs attention" not in again.text


def again_url(attempt: dict[str, str]) -> str:
    return attempt["start_url"].replace("/start?", "/again?")


def form_token_in(page: str) -> str:
    return page.partition('name="form_token" value="')[2].partition('"')[0]


async def stored_grant(database: Database, connection_id: str) -> bytes:
    return bson.encode(await stored(database, "grants", connection_id))


async def test_p06_another_account_changes_nothing(rig: Rig, database: Database) -> None:
    connection = await rig.connect("hubspot", "7001")
    before = await stored_grant(database, connection["id"])
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7002", decision="allow")

    refused = await rig.authorize("hubspot", connection["id"])

    assert refused["status"] == "refused"
    assert refused["finding"]["kind"] == "another_account"
    assert refused["finding"]["expected"]["id"] == "7001"
    assert refused["finding"]["found"]["id"] == "7002"
    for side in ("expected", "found"):
        name = refused["finding"][side]["name"]
        assert name in refused["finding"]["message"]
        assert name in refused["page"].text
    assert await stored_grant(database, connection["id"]) == before
    assert await rig.connection(connection["id"]) == connection


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_p06_denial_changes_nothing(rig: Rig, database: Database, provider: str) -> None:
    connection = await rig.connect(provider)
    before = await stored_grant(database, connection["id"])
    await rig.sandbox.answer(provider, user="ada@acme.test", decision="deny")

    denied = await rig.authorize(provider, connection["id"])

    assert denied["status"] == "denied"
    assert "Nothing was changed" in denied["page"].text
    assert await stored_grant(database, connection["id"]) == before
    assert await rig.connection(connection["id"]) == connection


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
async def test_p06_a_provider_that_cannot_serve_has_not_said_no(rig: Rig, error: str) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")

    page = await browser.get(callback.replace("code=", f"error={error}&was="))

    assert "did not answer" in page.text
    after = await outcome(rig, attempt)
    assert (after["status"], after["finding"]["kind"]) == ("refused", "provider_unavailable")


async def test_p06_a_closed_popup_changes_nothing(rig: Rig, database: Database) -> None:
    connection = await rig.connect("hubspot")
    before = await stored_grant(database, connection["id"])

    attempt = await begin(rig, "hubspot", connection_id=connection["id"])
    await leave(rig, attempt)

    assert (await outcome(rig, attempt))["status"] == "pending"
    assert await stored_grant(database, connection["id"]) == before


async def test_p06_a_provider_that_fails_in_between_changes_nothing(
    rig: Rig, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    before = await stored_grant(database, connection["id"])
    await rig.sandbox.control("hubspot", "-", "break", status=503, path_contains="/token")

    refused = await rig.authorize("hubspot", connection["id"])

    assert refused["status"] == "refused"
    assert refused["finding"]["kind"] == "provider_unavailable"
    assert await stored_grant(database, connection["id"]) == before


async def test_p06_missing_scopes_are_stored_and_shown(rig: Rig) -> None:
    connection = await rig.connect("hubspot")
    scopes = [each for each in connection["scopes"] if "deals" not in each]
    await rig.sandbox.answer(
        "hubspot", user="ada@acme.test", account="7001", decision="allow", scopes=scopes
    )

    completed = await rig.authorize("hubspot", connection["id"])

    assert completed["status"] == "completed"
    after = await rig.connection(connection["id"])
    assert after["status"] == "connected"
    assert after["badge"] == "Needs attention"
    assert set(after["missing_scopes"]) == set(connection["scopes"]) - set(scopes)
    assert after["findings"][0]["kind"] == "missing_scopes"
    assert "not allowed to read deals and see which" in after["findings"][0]["message"]
    assert "reconnect HubSpot and allow it" in after["findings"][0]["message"]


async def test_p07_connecting_a_known_account_restores_its_connection(
    rig: Rig, database: Database
) -> None:
    connection = await rig.connect("airtable")
    operator = await rig.operator("operator")
    path = f"/v1/connections/{connection['id']}/disconnect"
    gone = (await operator.post(path)).raise_for_status().json()
    assert (gone["status"], gone["cause"], gone["badge"]) == (
        "disconnected",
        "operator",
        "Disconnected by you",
    )
    assert await database["grants"].find_one({"_id": connection["id"]}) is None
    assert (await rig.token(connection["id"])).status_code == 409

    again = await rig.connect("airtable")

    assert again["id"] == connection["id"]
    assert again["status"] == "connected"
    assert again["grant_version"] == connection["grant_version"] + 1


async def test_disconnecting_ends_the_grant_at_the_provider_unless_others_have_it(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    await database["connections"].update_many(
        {"workspace_id": {"$ne": rig.workspace_id}}, {"$set": {"status": "revoked"}}
    )
    mine = await stored(database, "connections", connection["id"])
    theirs = {**mine, "_id": new_id("con"), "workspace_id": new_id("ws")}
    operator = await rig.operator()
    path = f"/v1/connections/{connection['id']}/disconnect"

    async def ended() -> bool:
        requests = (await sandbox.log(provider="hubspot"))["requests"]
        return any(each["path"].endswith("/token/revoke") for each in requests)

    connections, account = Connections(database), Connection.from_document(mine)
    first = await operator.post(path)
    assert not await connections.account_in_use(account)
    await eventually(ended)
    await database["connections"].insert_one(theirs)
    assert await connections.account_in_use(account)
    again = await operator.post(path)

    assert first.json() == again.json()
    assert first.json()["findings"][0]["kind"] == "app_stays"
