"""Who may connect accounts no longer, having been removed or demoted, connects none."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from auth_service_rig import Json, Rig, stored
from tablesync.auth_service.identity.members import Members, Membership
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.test_kit import eventually, press

ALLOW: Json = {"user": "ada@acme.test", "account": "7001", "decision": "allow"}
DENY: Json = {**ALLOW, "decision": "deny"}

# Takes somebody's right to connect accounts away.
Loss = Callable[[Rig, Database], Awaitable[object]]


async def removed(rig: Rig, database: Database) -> None:
    await ask_admin(rig, "DELETE")


async def demoted(rig: Rig, database: Database) -> None:
    await ask_admin(rig, "PATCH", json={"role": "viewer"})


async def ask_admin(rig: Rig, method: str, **body: Any) -> None:
    admin = await rig.operator("admin")
    path = f"/v1/members/{rig.person('operator')['id']}"
    (await admin.request(method, path, **body)).raise_for_status()


async def removed_alone(rig: Rig, database: Database) -> None:
    """Remove the operator as if the attempt had been begun at that very moment."""
    await database["memberships"].delete_one(membership(rig))


async def demoted_alone(rig: Rig, database: Database) -> None:
    """Demote the operator likewise: nothing has ended the attempt."""
    await database["memberships"].update_one(membership(rig), {"$set": {"role": 1}})


def membership(rig: Rig) -> Json:
    return {"_id": f"{rig.workspace_id}/{rig.person('operator')['id']}"}


async def begin(rig: Rig) -> Json:
    operator = await rig.operator("operator")
    answer = await operator.post("/v1/authorizations", json={"provider": "hubspot"})
    attempt: Json = answer.raise_for_status().json()
    return attempt


async def come_back(rig: Rig, browser: httpx.AsyncClient, url: str, answer: Json) -> httpx.Response:
    """Press our button, have the provider answer, and return the page that follows."""
    await rig.sandbox.answer("hubspot", **answer)
    leaving = await press(browser, url)
    back = await browser.get(leaving.headers["location"])
    return await browser.get(back.headers["location"])


async def ended(rig: Rig) -> tuple[Json, httpx.AsyncClient, httpx.Response]:
    """Return an attempt that was denied, its browser, and the page that says so."""
    attempt, browser = await begin(rig), rig.client()
    return attempt, browser, await come_back(rig, browser, attempt["start_url"], DENY)


async def start_again(
    browser: httpx.AsyncClient, attempt: Json, page: httpx.Response
) -> httpx.Response:
    """Press the button of the page that tells how an attempt ended."""
    form = {"form_token": page.text.partition('name="form_token" value="')[2].partition('"')[0]}
    return await browser.post(attempt["start_url"].replace("/start?", "/again?"), data=form)


async def connections(rig: Rig) -> list[Json]:
    admin = await rig.operator("admin")
    found: list[Json] = (await admin.get("/v1/connections")).raise_for_status().json()["items"]
    return found


def is_over(page: httpx.Response) -> bool:
    return page.status_code == 410 and "<form" not in page.text


@pytest.mark.parametrize("loss", [removed, demoted])
async def test_p20_nobody_starts_again_who_may_not_connect_any_more(
    rig: Rig, database: Database, loss: Loss
) -> None:
    attempt, browser, denied = await ended(rig)

    await loss(rig, database)

    assert is_over(await start_again(browser, attempt, denied))
    assert "continued_by" not in await stored(database, "authorizations", attempt["id"])


@pytest.mark.parametrize("loss", [removed_alone, demoted_alone])
async def test_p20_what_was_started_again_is_not_found_again_by_who_may_not_connect_any_more(
    rig: Rig, database: Database, loss: Loss
) -> None:
    attempt, browser, denied = await ended(rig)
    anew = await start_again(browser, attempt, denied)
    assert anew.status_code == 303

    await loss(rig, database)

    assert is_over(await start_again(browser, attempt, denied))
    assert is_over(await browser.get(anew.headers["location"]))


@pytest.mark.parametrize("loss", [removed_alone, demoted_alone])
async def test_p20_a_button_pressed_by_hand_asks_who_wants_to_connect_as_its_page_does(
    rig: Rig, database: Database, loss: Loss
) -> None:
    attempt, browser, secret = await begin(rig), rig.client(), "x" * 43
    await loss(rig, database)
    before = await stored(database, "authorizations", attempt["id"])

    shown = await browser.get(attempt["start_url"])
    pressed = await browser.post(
        attempt["start_url"],
        data={"form_token": hashlib.sha256(f"form_token:{secret}".encode()).hexdigest()},
        headers={"Cookie": f"tablesync_{attempt['id']}={secret}"},
    )

    assert is_over(shown)
    assert is_over(pressed)
    assert await stored(database, "authorizations", attempt["id"]) == before


@pytest.mark.parametrize("loss", [removed_alone, demoted_alone])
async def test_p20_a_code_under_exchange_connects_nothing_for_who_may_not_any_more(
    rig: Rig, database: Database, loss: Loss
) -> None:
    attempt = await begin(rig)
    await rig.sandbox.control("hubspot", "-", "latency", ms=1_500)
    browser = rig.client()
    arriving = asyncio.create_task(come_back(rig, browser, attempt["start_url"], ALLOW))

    async def is_claimed() -> bool:
        found = await stored(database, "authorizations", attempt["id"])
        return "answered_state" in found

    await eventually(is_claimed)
    await loss(rig, database)

    page = await arriving
    assert page.status_code == 400
    assert "is connected" not in page.text
    await rig.sandbox.control("hubspot", "-", "latency", ms=0)
    assert await connections(rig) == []
    assert is_over(await start_again(browser, attempt, page))


@pytest.mark.parametrize("loss", [removed, demoted])
async def test_p20_a_removal_while_a_grant_is_stored_comes_before_it(
    rig: Rig, database: Database, monkeypatch: pytest.MonkeyPatch, loss: Loss
) -> None:
    attempt, unchanged = await begin(rig), Members.act

    async def act(
        members: Members, unit: UnitOfWork, workspace_id: str, operator_id: str
    ) -> Membership | None:
        monkeypatch.setattr(Members, "act", unchanged)
        assert await members.find(workspace_id, operator_id, unit.session)
        await loss(rig, database)
        return await unchanged(members, unit, workspace_id, operator_id)

    monkeypatch.setattr(Members, "act", act)
    page = await come_back(rig, rig.client(), attempt["start_url"], ALLOW)

    assert Members.act is unchanged, "who asked was asked for"
    assert page.status_code == 400
    assert await connections(rig) == []


async def lost(rig: Rig) -> tuple[Json, Json]:
    """Return a connection of the operator's that was lost, and the attempt that had made it."""
    attempt = await begin(rig)
    await come_back(rig, rig.client(), attempt["start_url"], ALLOW)
    (connection,) = await connections(rig)
    await rig.sandbox.control("hubspot", "7001", "uninstall")
    assert (await rig.report(connection["id"], 1))["verdict"] == "revoked"
    return attempt, connection


@pytest.mark.parametrize("loss", [removed, demoted, removed_alone, demoted_alone])
async def test_p20_a_mails_link_ends_with_the_right_of_whom_it_was_sent_to(
    rig: Rig, database: Database, loss: Loss
) -> None:
    _, connection = await lost(rig)
    link = await rig.link(connection["id"], "operator")
    browser = rig.client()
    seen = await browser.get(link)
    form = {"form_token": seen.text.partition('name="form_token" value="')[2][:64]}

    await loss(rig, database)

    for page in (await browser.get(link), await browser.post(link, data=form)):
        assert is_over(page)
        assert rig.bootstrap["workspace"]["name"] not in page.text
        assert connection["account"]["name"] not in page.text
    ours = {"workspace_id": rig.workspace_id, "by_link": True}
    assert await database["authorizations"].count_documents(ours) == 0
    assert (await rig.client().get(await rig.link(connection["id"], "admin"))).status_code == 200


@pytest.mark.parametrize("loss", [removed, demoted, removed_alone, demoted_alone])
async def test_p20_what_a_mails_link_began_connects_nothing_once_its_reader_may_not(
    rig: Rig, database: Database, loss: Loss
) -> None:
    _, connection = await lost(rig)
    browser = rig.client()
    leaving = await press(browser, await rig.link(connection["id"], "operator"))
    await rig.sandbox.answer("hubspot", **ALLOW)
    back = await browser.get(leaving.headers["location"])

    await loss(rig, database)

    page = await browser.get(back.headers["location"])
    assert page.status_code == 400
    assert "cannot be continued" in page.text
    (after,) = await connections(rig)
    assert after["status"] == "revoked"


async def test_p20_a_link_that_ended_does_not_come_back_with_its_reader(
    rig: Rig, database: Database
) -> None:
    _, connection = await lost(rig)
    link = await rig.link(connection["id"], "operator")
    await demoted(rig, database)
    await ask_admin(rig, "PATCH", json={"role": "operator"})

    assert is_over(await rig.client().get(link))
    assert (await rig.client().get(await rig.link(connection["id"], "operator"))).is_success


@pytest.mark.parametrize("reader", [None, "admin"])
async def test_a_mails_link_starts_again_whoever_owned_the_connection(
    rig: Rig, database: Database, reader: str | None
) -> None:
    attempt, connection = await lost(rig)
    link = await rig.link(connection["id"], reader)
    await removed(rig, database)
    browser = rig.client()
    denied = await come_back(rig, browser, link, DENY)
    by_link = await database["authorizations"].find_one(
        {"workspace_id": rig.workspace_id, "by_link": True}
    )
    assert by_link
    start = attempt["start_url"].replace(attempt["id"], by_link["_id"])

    anew = await start_again(browser, {"start_url": start}, denied)

    assert anew.status_code == 303
    done = await come_back(rig, browser, anew.headers["location"], ALLOW)
    assert "HubSpot is connected" in done.text
