"""The control API: faults, armed actions, counters, log and truth."""

import asyncio
import time

import httpx
import pytest
from pyairtable import Api
from tablesync.test_kit import SandboxControl, eventually

CONTACTS = "/hubspot/crm/v3/objects/contacts"


async def bearer(sandbox: SandboxControl, account: str = "7001") -> dict[str, str]:
    return {"authorization": f"Bearer {(await sandbox.mint('hubspot', account))['access_token']}"}


async def test_unknown_names_are_answered_with_the_known_ones(http: httpx.AsyncClient):
    for path, known in (
        ("/_control/nobody/-/revoke", "hubspot"),
        ("/_control/hubspot/7003/revoke", "7001"),
        ("/_control/hubspot/7001/dance", "uninstall"),
    ):
        answer = await http.post(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert known in answer.json()["detail"]
    wrong = await http.post("/_control/hubspot/7001/edit", json={"object": "contacts"})
    assert wrong.status_code == 422


async def test_the_app_is_uninstalled_after_the_second_page(
    http: httpx.AsyncClient, sandbox: SandboxControl
):
    headers = await bearer(sandbox)
    await sandbox.control(
        "hubspot", "7001", "hold-page", object="contacts", after_pages=2, action="uninstall"
    )
    statuses = [(await http.get(CONTACTS, headers=headers)).status_code]
    statuses.append(
        (await http.get(CONTACTS.replace("contacts", "deals"), headers=headers)).status_code
    )
    statuses.append((await http.post(f"{CONTACTS}/search", json={}, headers=headers)).status_code)
    statuses.append((await http.get(CONTACTS, headers=headers)).status_code)
    assert statuses == [200, 200, 200, 401]
    seen = (await sandbox.counters())["hubspot"]
    assert seen["pages"] == {"contacts": 2, "deals": 1}
    (grant,) = seen["grants"].values()
    assert grant["account"] == "7001"
    assert grant["data_calls"] == 4
    assert grant["first_call_at"] <= grant["last_ok_at"] <= grant["first_401_at"]
    assert grant["last_call_at"] <= grant["first_401_at"]


async def test_any_action_can_be_armed_by_path(http: httpx.AsyncClient, sandbox: SandboxControl):
    headers = await bearer(sandbox)
    after = {"path_contains": "/owners", "responses": 2}
    await sandbox.control(
        "hubspot", "7001", "arm", after=after, action="throttle", body={"seconds": 9}
    )
    statuses = [
        (await http.get("/hubspot/crm/v3/owners", headers=headers)).status_code for _ in range(3)
    ]
    assert statuses == [200, 200, 429]


async def test_breaks_are_counted_and_mended(http: httpx.AsyncClient, sandbox: SandboxControl):
    headers = await bearer(sandbox)
    await sandbox.control("hubspot", "7001", "break", status=502, count=2, path_contains="contacts")
    statuses = [(await http.get(CONTACTS, headers=headers)).status_code for _ in range(3)]
    assert statuses == [502, 502, 200]
    await sandbox.control("hubspot", "-", "break", status=477)
    moving = await http.get(CONTACTS, headers=headers)
    assert (moving.status_code, moving.headers["retry-after"]) == (477, "60")
    await sandbox.control("hubspot", "-", "unbreak")
    assert (await http.get(CONTACTS, headers=headers)).status_code == 200


async def test_what_is_asked_twice_under_one_key_is_done_once(
    http: httpx.AsyncClient, sandbox: SandboxControl
):
    url, headers = "/_control/hubspot/7001/break", {"Idempotency-Key": "a double click"}
    clicks = [await http.post(url, json={"count": 1}, headers=headers) for _ in range(2)]
    assert clicks[0].json() == clicks[1].json()
    assert (await sandbox.control("hubspot", "7001", "unbreak"))["removed"] == 1


async def test_airtables_503_may_be_retried(airtable: Api, http, sandbox: SandboxControl):
    await sandbox.control("airtable", "-", "break", status=503, count=1)
    answer = await http.get("/airtable/v0/meta/whoami")
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "RETRIABLE_ERROR"


async def test_a_dropped_connection_gives_no_answer(
    http: httpx.AsyncClient, sandbox: SandboxControl
):
    await sandbox.control("hubspot", "-", "break", status=0, count=1)
    with pytest.raises(httpx.TransportError):
        await http.get(CONTACTS)


async def test_latency_delays_one_account_only(http: httpx.AsyncClient, sandbox: SandboxControl):
    slow, fast = await bearer(sandbox), await bearer(sandbox, "7002")
    await sandbox.control("hubspot", "7001", "latency", ms=400)

    async def duration(headers: dict[str, str]) -> float:
        begun = time.monotonic()
        await http.get("/hubspot/crm/v3/owners", headers=headers)
        return time.monotonic() - begun

    slowed, unaffected = await asyncio.gather(duration(slow), duration(fast))
    assert slowed >= 0.4
    assert unaffected < slowed


async def test_who_waits_for_a_late_answer_can_have_it_now(
    http: httpx.AsyncClient, sandbox: SandboxControl
):
    headers = await bearer(sandbox)
    await sandbox.control("hubspot", "-", "latency", ms=60_000)
    late = asyncio.create_task(http.get("/hubspot/crm/v3/owners", headers=headers))

    async def waits() -> bool:
        return await sandbox.control("hubspot", "-", "delayed") == {"requests": 1}

    await eventually(waits)
    assert await sandbox.control("hubspot", "-", "hurry") == {"requests": 1}
    async with asyncio.timeout(30):
        assert (await late).is_success
    assert await sandbox.control("hubspot", "-", "hurry") == {"requests": 0}


async def test_the_log_keeps_what_was_asked(http: httpx.AsyncClient, sandbox: SandboxControl):
    headers = await bearer(sandbox)
    before = time.time() * 1000
    await http.get(f"{CONTACTS}?limit=1", headers=headers)
    (row,) = (await sandbox.log(provider="hubspot", since=before - 1))["requests"]
    assert (row["method"], row["path"], row["status"]) == ("GET", CONTACTS, 200)
    assert row["account"] == "7001"
    assert row["grant"].startswith("hubspot-")


async def test_truth_is_readable_past_every_limit(airtable: Api, sandbox: SandboxControl):
    contacts = await sandbox.records("hubspot", "7001", object="contacts")
    assert len(contacts) == 300
    assert contacts[0]["properties"]["hs_object_id"] == contacts[0]["id"]
    base = (await sandbox.bases())["bases"][0]
    table = base["tables"][0]
    airtable.table(base["id"], table["id"]).create({"HubSpot ID": "1"})
    rows = await sandbox.records("airtable", "-", base=base["id"], table=table["id"])
    assert [row["fields"] for row in rows] == [{"HubSpot ID": "1"}]


async def test_a_base_is_created_and_its_fields_change(airtable: Api, sandbox: SandboxControl):
    fields = [{"name": "Key", "type": "singleLineText"}, {"name": "N", "type": "number",
                                                          "options": {"precision": 0}}]  # fmt: skip
    base = await sandbox.control(
        "airtable", "ada@acme.test", "create-base", name="New",
        tables=[{"name": "T", "fields": fields}],
    )  # fmt: skip
    place = {"base": base["id"], "table": "T"}
    field = {"name": "Extra", "type": "checkbox",
             "options": {"icon": "check", "color": "greenBright"}}  # fmt: skip
    added = await sandbox.control("airtable", "-", "add-field", **place, field=field)
    await sandbox.control("airtable", "-", "rename-field", **place, field=added["id"], name="More")
    await sandbox.control("airtable", "-", "delete-field", **place, field="N")
    schema = airtable.table(base["id"], "T").schema()
    assert [entry.name for entry in schema.fields] == ["Key", "More"]
    await sandbox.control("airtable", "-", "delete-table", **place)
    assert airtable.base(base["id"]).tables() == []


async def test_a_reset_brings_the_seed_back(airtable: Api, sandbox: SandboxControl):
    before = await sandbox.records("hubspot", "7001", object="deals")
    await sandbox.control("hubspot", "7001", "edit", object="deals", count=5)
    await sandbox.control("hubspot", "7001", "create", object="deals", count=5)
    bases = [base["id"] for base in (await sandbox.bases())["bases"]]
    await sandbox.reset()
    assert await sandbox.records("hubspot", "7001", object="deals") == before
    assert [base["id"] for base in (await sandbox.bases())["bases"]] == bases
    counters = await sandbox.counters()
    assert counters["hubspot"]["requests"] == 0


async def test_creating_records_of_ones_own(sandbox: SandboxControl):
    wanted = [{"email": "new@acme.test", "hs_email_optout": True, "num_associated_deals": 3}]
    made = await sandbox.control("hubspot", "7001", "create", object="contacts", records=wanted)
    records = {r["id"]: r for r in await sandbox.records("hubspot", "7001", object="contacts")}
    properties = records[made["created"][0]]["properties"]
    assert properties["hs_email_optout"] == "true"
    assert properties["num_associated_deals"] == "3"
