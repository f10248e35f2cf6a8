"""Reconnect links: looking consumes nothing, a successful reconnect spends them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from tablesync.test_kit import free_port


async def lost(auth: Any) -> dict[str, Any]:
    connection: dict[str, Any] = await auth.connect("hubspot")
    await auth.sandbox.control("hubspot", "7001", "uninstall")
    ruling = await auth.report(connection["id"], connection["grant_version"])
    assert ruling["verdict"] == "revoked"
    return connection


async def test_looking_at_a_link_consumes_nothing(auth: Any) -> None:
    connection = await lost(auth)
    url = await auth.link(connection["id"])

    for _ in range(5):
        page = await auth.client().get(url)
        assert page.status_code == 200
    assert "Reconnect HubSpot" in page.text
    assert connection["account"]["name"] in page.text
    assert "uninstalled" in page.text
    assert "cannot be shown just now" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    targets = f"'self' {origin(auth.sandbox.url)} https://*.hubspot.com"
    assert f"form-action {targets};" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


async def test_p07_a_link_reconnects_and_is_spent(auth: Any) -> None:
    connection = await lost(auth)
    url = await auth.link(connection["id"])
    browser = auth.client(follow_redirects=True)
    await auth.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")

    page = await browser.post(url)

    assert "HubSpot is connected" in page.text
    after = await auth.connection(connection["id"])
    assert (after["status"], after["owner_id"]) == ("connected", connection["owner_id"])
    for again in (await browser.get(url), await browser.post(url)):
        assert again.status_code == 410
        assert "connected again" in again.text


async def test_p06_a_link_accepts_no_other_account_and_stays_usable(auth: Any) -> None:
    connection = await lost(auth)
    url = await auth.link(connection["id"])
    browser = auth.client(follow_redirects=True)
    await auth.sandbox.answer("hubspot", user="ada@acme.test", account="7002", decision="allow")

    page = await browser.post(url)

    assert "another HubSpot account" in page.text
    assert (await auth.connection(connection["id"]))["status"] == "revoked"
    assert (await browser.get(url)).status_code == 200


async def test_a_link_ends_after_seven_days(auth: Any, database: Any) -> None:
    connection = await lost(auth)
    url = await auth.link(connection["id"])
    row = await database["reconnect_links"].find_one({"connection_id": connection["id"]})
    assert timedelta(days=6, hours=23) < row["expires_at"] - datetime.now(UTC)
    assert url.rpartition("/")[2] not in str(row)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["reconnect_links"].update_one(
        {"_id": row["_id"]}, {"$set": {"expires_at": past}}
    )

    for answer in (await auth.client().get(url), await auth.client().post(url)):
        assert answer.status_code == 410
        assert "expired" in answer.text


async def test_an_unknown_link_is_not_found(auth: Any) -> None:
    assert (await auth.client().get("/reconnect/nonsense")).status_code == 404
    assert (await auth.client().post("/reconnect/nonsense")).status_code == 404


async def test_only_notifier_makes_links(auth: Any) -> None:
    path = "/internal/v1/connections/con_x/reconnect-links"
    body = {"workspace_id": auth.workspace_id}

    assert (await auth.service("sync-runner").post(path, json=body)).status_code == 403
    assert (await auth.service("notifier").post(path, json=body)).status_code == 404


@pytest.mark.parametrize("held", [{"slots_missed": 3, "from": "2026-01-01T00:00:00.000Z"}, None])
async def test_the_page_shows_the_affected_syncs(start: Any, held: Any) -> None:
    port = free_port()
    sync = {"sync_id": "syn_1", "name": "Contacts <b>", "status": "held", "hold": {}, "gap": held}
    runner = await serve_scheduler(port, {"items": [sync]})
    auth = await start(SCHEDULER_URL=f"http://127.0.0.1:{port}")
    connection = await lost(auth)

    page = await auth.client().get(await auth.link(connection["id"]))

    assert "1 sync uses this connection" in page.text
    assert "Contacts &lt;b&gt;" in page.text
    assert ("waiting, 3 missed" in page.text) == (held is not None)
    await runner.cleanup()


async def serve_scheduler(port: int, body: dict[str, Any]) -> web.AppRunner:
    """Serve the one route of the scheduler that the page asks."""
    app = web.Application()

    async def affected(request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("Bearer ")
        return web.json_response(body)

    app.router.add_get("/internal/v1/connections/{id}/affected-syncs", affected)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
