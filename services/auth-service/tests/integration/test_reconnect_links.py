"""Reconnect links: looking consumes nothing, a successful reconnect spends them."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from auth_service_rig import Rig, Start
from fastapi.responses import JSONResponse, Response
from tablesync.contracts import new_id
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import press
from tablesync.test_kit.stand_ins import SchedulerStandIn, affected_sync


async def lost(rig: Rig) -> dict[str, Any]:
    connection: dict[str, Any] = await rig.connect("hubspot")
    await rig.sandbox.control("hubspot", "7001", "uninstall")
    ruling = await rig.report(connection["id"], connection["grant_version"])
    assert ruling["verdict"] == "revoked"
    return connection


async def test_looking_at_a_link_consumes_nothing(rig: Rig) -> None:
    connection = await lost(rig)
    url = await rig.link(connection["id"])

    for _ in range(5):
        page = await rig.client().get(url)
        assert page.status_code == 200
    assert "Reconnect HubSpot" in page.text
    assert connection["account"]["name"] in page.text
    assert "uninstalled" in page.text
    assert "cannot be shown just now" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    targets = f"'self' {origin(rig.sandbox.url)} https://*.hubspot.com"
    assert f"form-action {targets};" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


async def test_p07_a_link_reconnects_and_is_spent(rig: Rig) -> None:
    connection = await lost(rig)
    url = await rig.link(connection["id"])
    browser = rig.client(follow_redirects=True)
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")

    page = await press(browser, url)

    assert "HubSpot is connected" in page.text
    after = await rig.connection(connection["id"])
    assert (after["status"], after["owner_id"]) == ("connected", connection["owner_id"])
    for again in (await browser.get(url), await browser.post(url)):
        assert again.status_code == 410
        assert "connected again" in again.text


async def test_p06_a_link_accepts_no_other_account_and_stays_usable(rig: Rig) -> None:
    connection = await lost(rig)
    url = await rig.link(connection["id"])
    browser = rig.client(follow_redirects=True)
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7002", decision="allow")

    page = await press(browser, url)

    assert "another HubSpot account" in page.text
    assert (await rig.connection(connection["id"]))["status"] == "revoked"
    assert (await browser.get(url)).status_code == 200


async def test_a_link_ends_after_seven_days(rig: Rig, database: Database) -> None:
    connection = await lost(rig)
    url = await rig.link(connection["id"])
    row = await database["reconnect_links"].find_one({"connection_id": connection["id"]})
    assert row
    assert timedelta(days=6, hours=23) < row["expires_at"] - datetime.now(UTC)
    assert url.rpartition("/")[2] not in str(row)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["reconnect_links"].update_one(
        {"_id": row["_id"]}, {"$set": {"expires_at": past}}
    )

    for answer in (await rig.client().get(url), await rig.client().post(url)):
        assert answer.status_code == 410
        assert "expired" in answer.text


@pytest.mark.parametrize("seen", ["no page", "another link's page"])
async def test_p05_a_form_of_another_origin_begins_nothing(
    rig: Rig, database: Database, seen: str
) -> None:
    connection = await lost(rig)
    url, other = [await rig.link(connection["id"]) for _ in range(2)]
    browser, ours = rig.client(), {"workspace_id": rig.workspace_id, "by_link": True}
    form = {}
    if seen != "no page":
        page = (await browser.get(other)).text
        form = {"form_token": page.partition('name="form_token" value="')[2].partition('"')[0]}

    forged = await browser.post(url, data=form, headers={"Origin": "https://evil.test"})

    assert forged.status_code == 403
    assert "press the button on our own page" in forged.text
    assert '<a href="">Open our page</a>' in forged.text, "there is a way to go on"
    assert await database["authorizations"].count_documents(ours) == 0
    assert (await press(browser, url)).status_code == 303
    assert await database["authorizations"].count_documents(ours) == 1


async def test_p07_a_page_that_is_open_in_two_tabs_has_a_button_in_both(rig: Rig) -> None:
    connection = await lost(rig)
    url, browser = await rig.link(connection["id"]), rig.client()

    tabs = [await browser.get(url) for _ in range(2)]
    tokens = [each.text.partition('name="form_token" value="')[2][:64] for each in tabs]

    for token in tokens:
        assert (await browser.post(url, data={"form_token": token})).status_code == 303


async def test_an_unknown_link_is_not_found(rig: Rig) -> None:
    assert (await rig.client().get("/reconnect/nonsense")).status_code == 404
    assert (await rig.client().post("/reconnect/nonsense")).status_code == 404


async def test_only_notifier_makes_links(rig: Rig) -> None:
    path = "/internal/v1/connections/con_x/reconnect-links"
    body = {"workspace_id": rig.workspace_id}

    assert (await rig.service("sync-runner").post(path, json=body)).status_code == 403
    assert (await rig.service("notifier").post(path, json=body)).status_code == 404


async def test_p20_nobody_is_sent_a_link_who_may_not_connect_accounts(
    rig: Rig, database: Database
) -> None:
    connection = await lost(rig)
    path = f"/internal/v1/connections/{connection['id']}/reconnect-links"
    notifier, viewer_id = rig.service("notifier"), rig.person("viewer")["id"]
    for recipient_id in (viewer_id, "op_unknown"):
        body = {"workspace_id": rig.workspace_id, "recipient_id": recipient_id}
        assert (await notifier.post(path, json=body)).status_code == 404

    owned_by_viewer = {"$set": {"owner_id": viewer_id}}
    await database["connections"].update_one({"_id": connection["id"]}, owned_by_viewer)
    recipients = f"/internal/v1/connections/{connection['id']}/recipients"
    asked = {"workspace_id": rig.workspace_id}
    told = (await notifier.get(recipients, params=asked)).json()["items"]

    assert [each["role"] for each in told] == ["admin"]


@pytest_asyncio.fixture
async def scheduler(service_keys: ServiceKeys) -> AsyncIterator[SchedulerStandIn]:
    async with SchedulerStandIn(service_keys.trusted_keys_file) as stand_in:
        yield stand_in


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages wait for a scheduler that shares a busy machine with them."""
    monkeypatch.setattr("tablesync.auth_service.clients.scheduler.DEADLINE_SECONDS", 60.0)


async def page_of_lost(start: Start, scheduler: SchedulerStandIn, missed: int = 0) -> str:
    """Read the page of a connection that was lost, and that one sync needs."""
    rig = await start(SCHEDULER_URL=scheduler.url)
    connection = await lost(rig)
    scheduler.know(
        affected_sync(new_id("syn"), name="Contacts <b>"),
        workspace_id=rig.workspace_id,
        connection_ids=(connection["id"],),
    )
    scheduler.hold(connection["id"])
    scheduler.miss(connection["id"], missed)
    return (await rig.client().get(await rig.link(connection["id"]))).text


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("missed", [3, 0])
async def test_the_page_shows_the_affected_syncs(
    start: Start, scheduler: SchedulerStandIn, missed: int
) -> None:
    page = await page_of_lost(start, scheduler, missed)

    assert "1 sync uses this connection" in page
    assert "Contacts &lt;b&gt;" in page
    assert "waiting" in page
    assert (f"waiting, {missed} missed" in page) == (missed > 0)


@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=500),
        Response("<html>"),
        JSONResponse(["no", "list"]),
        JSONResponse({"items": None}),
    ],
)
async def test_the_page_works_without_an_answer_that_can_be_read(
    start: Start, scheduler: SchedulerStandIn, answer: Response
) -> None:
    scheduler.answer_with("/affected-syncs", answer)

    assert "cannot be shown just now" in await page_of_lost(start, scheduler)


async def test_the_page_waits_two_seconds_for_the_scheduler(
    start: Start, scheduler: SchedulerStandIn
) -> None:
    scheduler.delay_seconds = 60.0
    began = time.monotonic()

    page = await page_of_lost(start, scheduler)

    assert "cannot be shown just now" in page
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("patient")
async def test_the_page_leaves_out_a_sync_that_this_version_cannot_read(
    start: Start, scheduler: SchedulerStandIn
) -> None:
    known = affected_sync("syn_1", name="Known").model_dump(mode="json")
    scheduler.answer_with("/affected-syncs", JSONResponse({"items": [known, {"id": "new"}]}))

    page = await page_of_lost(start, scheduler)

    assert "1 sync uses this connection" in page
    assert "Known" in page
