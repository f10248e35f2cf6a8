"""The limits and their penalties."""

import asyncio

import httpx
import pytest
import pytest_asyncio
from tablesync.test_kit import SandboxControl

LIMITED = {
    "errors": [
        {"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Please try again later"}
    ]
}


@pytest_asyncio.fixture
async def limited(sandbox: SandboxControl, http: httpx.AsyncClient) -> httpx.AsyncClient:
    for provider in ("airtable", "hubspot"):
        await sandbox.control(provider, "-", "limits", enabled=True, refill=False)
    return http


async def bearer(sandbox: SandboxControl, provider: str, account: str) -> dict[str, str]:
    return {"authorization": f"Bearer {(await sandbox.mint(provider, account))['access_token']}"}


async def test_a_base_takes_five_at_once_then_locks_for_its_penalty(
    limited: httpx.AsyncClient, sandbox: SandboxControl
):
    headers = await bearer(sandbox, "airtable", "ada@acme.test")
    bases = [base["id"] for base in (await sandbox.bases())["bases"]]
    url = f"/airtable/v0/{bases[0]}/Contacts"
    answers = await asyncio.gather(*(limited.get(url, headers=headers) for _ in range(8)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 5
    assert statuses.count(429) == 3
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json() == LIMITED
    assert "retry-after" not in refused.headers
    other = await limited.get(f"/airtable/v0/{bases[1]}/Companies", headers=headers)
    assert other.status_code == 200
    counters = (await sandbox.counters())["airtable"]
    assert counters["rate_violations"] == 3
    assert counters["by_base"][bases[0]]["violations"] == 3
    assert counters["by_base"][bases[1]]["violations"] == 0


async def test_a_user_takes_fifty_over_all_tokens(
    limited: httpx.AsyncClient, sandbox: SandboxControl
):
    one = await bearer(sandbox, "airtable", "ada@acme.test")
    two = await bearer(sandbox, "airtable", "ada@acme.test")
    calls = [
        limited.get("/airtable/v0/meta/whoami", headers=headers)
        for headers in (one, two)
        for _ in range(60)
    ]
    statuses = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert (statuses.count(200), statuses.count(429)) == (50, 70)


async def test_search_takes_five_a_second_without_headers(
    limited: httpx.AsyncClient, sandbox: SandboxControl
):
    headers = await bearer(sandbox, "hubspot", "7001")
    url = "/hubspot/crm/v3/objects/contacts/search"
    answers = await asyncio.gather(
        *(limited.post(url, json={"limit": 1}, headers=headers) for _ in range(7))
    )
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (5, 2)
    assert not any("ratelimit" in name.lower() for answer in answers for name in answer.headers)
    refused = next(answer for answer in answers if answer.status_code == 429).json()
    assert refused["message"] == "You have reached your secondly limit."
    assert (refused["errorType"], refused["policyName"]) == ("RATE_LIMIT", "SECONDLY")
    assert refused["groupName"].startswith("publicapi:crm:search:oauth:")


async def test_other_calls_take_110_in_ten_seconds_with_headers(
    limited: httpx.AsyncClient, sandbox: SandboxControl
):
    headers = await bearer(sandbox, "hubspot", "7001")
    answers = [
        await limited.get("/hubspot/crm/objects/2026-09/deals?limit=1", headers=headers)
        for _ in range(112)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * 110 + [429] * 2
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "110"
    assert answers[0].headers["X-HubSpot-RateLimit-Remaining"] == "109"
    assert answers[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    refused = answers[-1].json()
    assert refused["message"] == "You have reached your ten_secondly_rolling limit."
    assert refused["policyName"] == "TEN_SECONDLY_ROLLING"
    other = await bearer(sandbox, "hubspot", "7002")
    assert (await limited.get("/hubspot/crm/v3/owners", headers=other)).status_code == 200
    assert (await sandbox.counters())["hubspot"]["rate_violations"] == 2


async def test_limits_are_told_with_errors_too_and_not_at_all_while_they_are_off(
    limited: httpx.AsyncClient, sandbox: SandboxControl
):
    headers = await bearer(sandbox, "hubspot", "7001")
    for number, path in enumerate(("objects/contacts/1", "objects/contacts?limit=0"), 1):
        refused = await limited.get(f"/hubspot/crm/v3/{path}", headers=headers)
        assert not refused.is_success
        assert refused.headers["X-HubSpot-RateLimit-Remaining"] == str(110 - number)
    await sandbox.control("hubspot", "-", "limits", enabled=False)
    free = await limited.get("/hubspot/crm/v3/owners", headers=headers)
    assert not any(name.lower().startswith("x-hubspot-ratelimit") for name in free.headers)


@pytest.mark.parametrize(
    ("provider", "account", "path"),
    [
        ("airtable", "ada@acme.test", "/airtable/v0/meta/whoami"),
        ("hubspot", "7001", "/hubspot/crm/v3/owners"),
    ],
)
async def test_throttling_on_demand(
    http: httpx.AsyncClient, sandbox: SandboxControl, provider: str, account: str, path: str
):
    headers = await bearer(sandbox, provider, account)
    await sandbox.control(provider, account, "throttle", seconds=60)
    assert (await http.get(path, headers=headers)).status_code == 429
    await sandbox.control(provider, account, "unbreak")
    assert (await http.get(path, headers=headers)).status_code == 200
    assert (await sandbox.counters())[provider]["rate_violations"] == 0
