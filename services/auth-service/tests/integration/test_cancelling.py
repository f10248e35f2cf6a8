"""Attempts that go on are seen by the workspace; one that is cancelled changes nothing more."""

import asyncio

import pytest
from auth_service_attempts import begin, come_back, leave, outcome
from auth_service_rig import PORTAL, Json, Rig, pages_of, stored
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import eventually, press

TOKEN_PATH = "/token"


async def cancel(rig: Rig, attempt: Json, role: str = "operator", **headers: str) -> Json:
    operator = await rig.operator(role)
    answer = await operator.post(f"/v1/authorizations/{attempt['id']}/cancel", headers=headers)
    return {"code": answer.status_code, **answer.json()}


async def pending(rig: Rig, role: str) -> list[Json]:
    pages = await pages_of(await rig.operator(role), "/v1/authorizations?status=pending", limit=1)
    return [each for page in pages for each in page]


async def exchanges(rig: Rig) -> int:
    requests = (await rig.sandbox.log(provider="hubspot"))["requests"]
    return sum(each["path"].endswith(TOKEN_PATH) for each in requests)


async def test_what_goes_on_is_told_with_who_asked_and_where_it_goes_on(rig: Rig) -> None:
    connection = await rig.connect("hubspot", PORTAL)
    unbegun = await begin(rig, "hubspot", connection_id=connection["id"])
    begun = await begin(rig, "airtable")
    await leave(rig, begun)
    admin = rig.person("admin")

    one, two = await pending(rig, "operator")

    assert (one["id"], one["connection_id"]) == (unbegun["id"], connection["id"])
    assert (one["status"], one["start_url"]) == ("pending", unbegun["start_url"])
    assert one["asked_by"] == {"id": admin["id"], "name": admin["name"]}
    assert one["asked_at"] < one["expires_at"] <= two["expires_at"]
    # Its id is all that it takes to go on with one that no browser has begun.
    (seen,) = await pending(rig, "viewer")
    assert seen == {**two, "start_url": None}


async def test_p20_others_see_and_cancel_nothing(rig: Rig, other_rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")

    assert await pending(other_rig, "admin") == []
    assert (await cancel(other_rig, attempt))["code"] == 404
    assert (await cancel(rig, attempt, "viewer"))["code"] == 403
    assert (await outcome(rig, attempt))["status"] == "pending"


async def test_p21_other_lists_than_of_what_goes_on_are_refused(rig: Rig) -> None:
    answer = await (await rig.operator()).get("/v1/authorizations", params={"status": "denied"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "status"


async def test_p22_a_cancelled_attempt_goes_on_nowhere(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser, callback = await come_back(rig, attempt, "hubspot")
    key = {"Idempotency-Key": "once"}

    cancelled = await cancel(rig, attempt, **key)

    assert (cancelled["status"], cancelled["start_url"]) == ("cancelled", None)
    assert await cancel(rig, attempt, **key) == cancelled
    assert await cancel(rig, attempt) == cancelled
    for address in (callback, attempt["start_url"]):
        assert "This sign-in was cancelled" in (await browser.get(address)).text
        assert (await rig.client().get(address)).status_code in (400, 410)
    assert await exchanges(rig) == 0
    assert await pending(rig, "admin") == []


async def test_p05_what_is_cancelled_before_it_began_begins_nowhere(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    browser = rig.client()
    page = await browser.get(attempt["start_url"])
    await cancel(rig, attempt)

    form = {"form_token": page.text.partition('name="form_token" value="')[2].partition('"')[0]}
    assert (await browser.post(attempt["start_url"], data=form)).status_code == 410


@pytest.mark.parametrize("status", [200, 500])
async def test_p06_an_exchange_under_way_changes_nothing_once_it_is_cancelled(
    rig: Rig, database: Database, status: int
) -> None:
    """Whether its answer brings tokens or trouble: both come after the cancelling."""
    connection = await rig.connect("hubspot", PORTAL)
    grant = await stored(database, "grants", connection["id"])
    attempt = await begin(rig, "hubspot", connection_id=connection["id"])
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account=PORTAL, decision="allow")
    browser, page = await leave(rig, attempt)
    callback = (await browser.get(page)).headers["location"]
    if status != 200:
        await rig.sandbox.control(
            "hubspot", "-", "break", path_contains=TOKEN_PATH, status=status, count=1
        )
    await rig.sandbox.control("hubspot", "-", "latency", ms=30_000)
    arriving = asyncio.create_task(browser.get(callback))

    async def is_waited_for() -> bool:
        return bool((await rig.sandbox.control("hubspot", "-", "delayed"))["requests"])

    await eventually(is_waited_for)
    assert (await cancel(rig, attempt))["status"] == "cancelled"
    await rig.sandbox.control("hubspot", "-", "latency", ms=0)
    await rig.sandbox.control("hubspot", "-", "hurry")

    assert "This sign-in was cancelled" in (await arriving).text
    assert (await outcome(rig, attempt))["status"] == "cancelled"
    assert await stored(database, "grants", connection["id"]) == grant
    assert await rig.connection(connection["id"]) == connection


async def test_what_has_connected_cannot_be_cancelled(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot")
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account=PORTAL, decision="allow")
    await press(rig.client(follow_redirects=True), attempt["start_url"])

    refused = await cancel(rig, attempt)

    assert (refused["code"], refused["type"]) == (
        409,
        "urn:tablesync:problem:authorization-completed",
    )
    assert refused["connection_id"] == (await outcome(rig, attempt))["connection_id"]
