"""A browser whose attempt has ended goes back to where it was asked for, to known origins alone."""

from typing import Any

import httpx
import pytest
from auth_service_attempts import begin, come_back, outcome
from auth_service_rig import OTHER_PORTAL, PORTAL, Json, Rig
from tablesync.test_kit import press

# As the shared auth-service lists it.
DASHBOARD = "https://dashboard.test"
BACK = f"{DASHBOARD}/w/ws_1/connected?from=card"
ADA: Json = {"user": "ada@acme.test", "account": PORTAL, "decision": "allow"}
UNKNOWN = (
    "https://elsewhere.test/",
    "https://dashboard.test.elsewhere.test/",
    "https://dashboard.test@elsewhere.test/",
    "https://dashboard.test\\@elsewhere.test/",
    "https://dashboard.test:8443/",
    "http://dashboard.test/",
    "//dashboard.test/",
    "/w/ws_1",
    "javascript:alert(1)//https://dashboard.test/",
    " https://dashboard.test/",
)
ODD = (
    f"{DASHBOARD}/a#b",
    f"{DASHBOARD}/\r\nSet-Cookie: a=b",
    f"{DASHBOARD}/\\elsewhere.test",
    f"{DASHBOARD}/é",
)


async def arrive(
    rig: Rig, attempt: Json, answer: Json, provider: str = "hubspot"
) -> httpx.Response:
    """Go through an attempt; return the answer to the callback."""
    await rig.sandbox.answer(provider, **answer)
    browser = rig.client()
    leaving = await press(browser, attempt["start_url"])
    back = await browser.get(leaving.headers["location"])
    return await browser.get(back.headers["location"])


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (ADA, "completed"),
        ({**ADA, "account": OTHER_PORTAL}, "refused"),
        ({**ADA, "decision": "deny"}, "denied"),
    ],
)
async def test_whatever_came_of_it_the_browser_goes_back_with_the_attempts_id(
    rig: Rig, answer: Json, status: str
) -> None:
    connection = await rig.connect("hubspot", PORTAL)
    attempt = await begin(rig, "hubspot", connection_id=connection["id"], return_to=BACK)

    arrived = await arrive(rig, attempt, answer)

    assert arrived.status_code == 303
    assert arrived.headers["location"] == f"{BACK}&authorization={attempt['id']}"
    assert arrived.headers["referrer-policy"] == "no-referrer"
    assert (await outcome(rig, attempt))["status"] == status


async def test_what_was_cancelled_goes_back_in_its_own_browser_alone(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot", return_to=f"{DASHBOARD}/done")
    browser, callback = await come_back(rig, attempt, "hubspot")
    operator = await rig.operator()
    await operator.post(f"/v1/authorizations/{attempt['id']}/cancel")

    for address in (callback, attempt["start_url"]):
        assert (await rig.client().get(address)).status_code in (400, 410)
        back = await browser.get(address)
        assert back.headers["location"] == f"{DASHBOARD}/done?authorization={attempt['id']}"


async def test_our_page_lets_its_button_lead_there(rig: Rig) -> None:
    attempt = await begin(rig, "hubspot", return_to=BACK)
    page = await rig.client().get(attempt["start_url"])
    (targets,) = (
        each
        for each in page.headers["content-security-policy"].split("; ")
        if each.startswith("form-action")
    )
    assert targets.split()[-1] == DASHBOARD


@pytest.mark.parametrize("return_to", [*UNKNOWN, *ODD])
async def test_p21_no_other_address_is_taken(rig: Rig, return_to: str) -> None:
    error = await refused(rig, return_to)
    assert error["message"].endswith("sent") == (return_to in UNKNOWN)


async def refused(rig: Rig, return_to: str) -> dict[str, Any]:
    operator = await rig.operator()
    body = {"provider": "hubspot", "return_to": return_to}
    answer = await operator.post("/v1/authorizations", json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "return_to"
    return dict(error)
