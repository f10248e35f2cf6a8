"""The page before the provider's: it says who asks for what, and only its button binds."""

import asyncio
from typing import Any

import httpx
import pytest
from auth_service_rig import Json, Rig, stored
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import press


async def begin(rig: Rig, provider: str = "hubspot", **body: Any) -> Json:
    """Ask for an attempt as the workspace's operator."""
    operator = await rig.operator("operator")
    answer = await operator.post("/v1/authorizations", json={"provider": provider, **body})
    attempt: Json = answer.raise_for_status().json()
    return attempt


def leads_to_provider(rig: Rig, answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith(rig.sandbox.url)


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
async def test_p05_a_start_link_says_for_which_workspace_and_who_asks(
    rig: Rig, provider: str
) -> None:
    attempt = await begin(rig, provider)

    page = await rig.client().get(attempt["start_url"])

    asker = rig.person("operator")
    assert page.status_code == 200
    for text in (rig.bootstrap["workspace"]["name"], asker["name"], asker["email"]):
        assert text in page.text
    chosen_there = {"hubspot": "which portal to use", "airtable": "which bases"}
    assert chosen_there[provider] in page.text
    origin = "/".join(rig.sandbox.url.split("/")[:3])
    assert f"form-action 'self' {origin}" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_p05_who_looks_at_a_start_link_binds_and_consumes_nothing(
    rig: Rig, database: Database
) -> None:
    attempt = await begin(rig)
    before = await stored(database, "authorizations", attempt["id"])

    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        await rig.client().request(method, attempt["start_url"])

    assert await stored(database, "authorizations", attempt["id"]) == before
    assert leads_to_provider(rig, await press(rig.client(), attempt["start_url"]))


async def test_p05_a_second_browser_is_refused_and_the_first_goes_on(
    rig: Rig, database: Database
) -> None:
    attempt = await begin(rig)
    first, second = rig.client(), rig.client()
    await second.get(attempt["start_url"])
    leaving = await press(first, attempt["start_url"])
    bound = await stored(database, "authorizations", attempt["id"])

    answers = [await second.get(attempt["start_url"]), await second.post(attempt["start_url"])]

    assert [each.status_code for each in answers] == [409, 409]
    assert all("opened in another browser" in each.text for each in answers)
    assert await stored(database, "authorizations", attempt["id"]) == bound
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    callback = (await first.get(leaving.headers["location"])).headers["location"]
    assert (await second.get(callback)).status_code == 400
    done = await first.get(callback)
    assert "HubSpot is connected" in done.text


async def test_p05_of_browsers_that_press_at_once_one_goes_on(rig: Rig) -> None:
    attempt = await begin(rig)

    pressed = await asyncio.gather(*(press(rig.client(), attempt["start_url"]) for _ in range(8)))

    assert sum(leads_to_provider(rig, each) for each in pressed) == 1
    assert sum(each.status_code == 409 for each in pressed) == 7


@pytest.mark.parametrize("missing", ["cookie", "token", "right token"])
async def test_p05_a_button_that_was_not_pressed_on_our_page_binds_nothing(
    rig: Rig, database: Database, missing: str
) -> None:
    attempt = await begin(rig)
    browser, other = rig.client(), rig.client()
    page, others = [await each.get(attempt["start_url"]) for each in (browser, other)]
    form = {"form_token": page.text.partition('name="form_token" value="')[2].partition('"')[0]}
    before = await stored(database, "authorizations", attempt["id"])
    sent: Json = {
        "cookie": {"data": form, "headers": {"Cookie": ""}},
        "token": {},
        "right token": {"data": {"form_token": others.text.partition('value="')[2][:64]}},
    }

    refused = await browser.post(attempt["start_url"], **sent[missing])

    assert refused.status_code == 403
    assert "press the button" in refused.text
    assert await stored(database, "authorizations", attempt["id"]) == before
    assert leads_to_provider(rig, await browser.post(attempt["start_url"], data=form))


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=b"] * 50), b"form_token=\xe2\x82"])
async def test_p21_a_form_that_is_none_is_refused(rig: Rig, body: bytes) -> None:
    attempt = await begin(rig)
    browser = rig.client()
    await browser.get(attempt["start_url"])

    assert (await browser.post(attempt["start_url"], content=body)).status_code == 403


async def test_p05_an_attempt_that_is_over_has_no_button(rig: Rig) -> None:
    attempt = await begin(rig)
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    browser = rig.client(follow_redirects=True)
    await press(browser, attempt["start_url"])

    for again in (
        await browser.get(attempt["start_url"]),
        await browser.post(attempt["start_url"]),
    ):
        assert again.status_code == 200
        assert "HubSpot is connected" in again.text
        assert "<form" not in again.text
    elsewhere = await rig.client().get(attempt["start_url"])
    assert elsewhere.status_code == 410
    assert "<form" not in elsewhere.text
    assert (await browser.post("/oauth/salesforce/start")).status_code == 404


async def test_the_result_names_workspace_and_account(rig: Rig) -> None:
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    attempt = await begin(rig)

    page = await press(rig.client(follow_redirects=True), attempt["start_url"])

    (connection,) = (await (await rig.operator()).get("/v1/connections")).json()["items"]
    assert rig.bootstrap["workspace"]["name"] in page.text
    assert connection["account"]["name"] in page.text


async def test_a_reconnect_that_was_asked_for_names_its_account(rig: Rig) -> None:
    connection = await rig.connect("hubspot")
    attempt = await begin(rig, connection_id=connection["id"])

    page = await rig.client().get(attempt["start_url"])

    assert connection["account"]["name"] in page.text
    assert "the same one as before" in page.text


async def test_a_mails_link_shows_one_page_and_leads_on_from_it(rig: Rig) -> None:
    connection = await rig.connect("hubspot")
    url = await rig.link(connection["id"])
    browser = rig.client()

    page = await browser.get(url)
    leaving = await press(browser, url)

    assert rig.bootstrap["workspace"]["name"] in page.text
    assert leads_to_provider(rig, leaving)
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    callback = (await browser.get(leaving.headers["location"])).headers["location"]
    assert "HubSpot is connected" in (await browser.get(callback)).text
