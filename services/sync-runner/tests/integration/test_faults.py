"""Providers and networks that fail for a while: the run waits, and loses and doubles nothing."""

import pytest
from sync_runner_rig import WORKSPACE, Json, Rig, as_service
from tablesync.contracts import Provider
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.redaction import HIDDEN
from tablesync.test_kit import eventually


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("provider", [Provider.HUBSPOT, Provider.AIRTABLE])
async def test_a_provider_in_trouble_is_asked_again(
    rig: Rig, provider: Provider, status: int
) -> None:
    spec = await rig.spec("deals")
    await rig.sandbox.control(provider, "-", "break", status=status, count=2)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


ODD: dict[tuple[Provider, str], list[object]] = {
    (Provider.HUBSPOT, "/crm/properties"): [{"message": "maintenance"}, "<html>maintenance"],
    (Provider.HUBSPOT, "/crm/objects"): [
        {},
        {"results": [{"id": "1"}]},
        {"results": [{"id": "1", "properties": {"amount": []}}]},
        {"results": [], "paging": {"next": {}}},
    ],
    (Provider.AIRTABLE, "/v0/meta"): [{"tables": [{"id": "tblX"}]}, []],
    (Provider.AIRTABLE, "/v0/app"): [{}, {"records": []}, {"records": [{"fields": {}}]}],
}


@pytest.mark.parametrize(
    ("provider", "path", "body"),
    [(*where, body) for where, bodies in ODD.items() for body in bodies],
)
async def test_a_success_that_is_none_is_asked_for_again(
    rig: Rig, provider: Provider, path: str, body: object
) -> None:
    """A proxy's page, half an answer, another version's body: a moment later it is a good one."""
    spec = await rig.spec("deals")
    await rig.sandbox.control(
        provider, "-", "break", status=200, body=body, path_contains=path, count=1
    )
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


GOES_IN_A_CIRCLE = {"results": [], "paging": {"next": {"after": "1"}}}
GOES_BACK = {
    "total": 200,
    "results": [
        {"id": str(each), "properties": {"hs_lastmodifieddate": "1970-01-01T00:00:00Z"}}
        for each in range(200)
    ],
}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/crm/objects", GOES_IN_A_CIRCLE), ("/search", GOES_BACK)],
    ids=["list", "search"],
)
async def test_what_goes_on_where_it_has_been_fails_the_run_and_not_the_next(
    rig: Rig, path: str, body: Json
) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        if path == "/search":
            await rig.run(spec)
        await rig.sandbox.control(
            Provider.HUBSPOT, "-", "break", status=200, body=body, path_contains=path, count=2
        )
        endless = await rig.run(spec)
        row = await rig.run(spec)
    assert (endless["status"], endless["cause"]) == ("failed", "provider"), endless["summary"]
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


@pytest.mark.parametrize("told", [{}, {"hs_lastmodifieddate": "yesterday"}])
async def test_a_record_of_which_a_search_does_not_tell_when_it_changed_is_rejected_alone(
    rig: Rig, told: Json
) -> None:
    spec = await rig.spec("deals")
    body = {"total": 1, "results": [{"id": "1", "properties": told}]}
    async with rig.runner():
        await rig.run(spec)
        await rig.sandbox.control(
            Provider.HUBSPOT,
            "-",
            "break",
            status=200,
            body=body,
            path_contains="/search",
            count=2,  # it is asked for again
        )
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert "record 1 changed" in (await rig.rejections(row["_id"]))["1"]["reason"]
    assert not await rig.differences(spec)


async def test_a_search_that_tells_of_no_record_when_it_changed_fails_the_run_alone(
    rig: Rig,
) -> None:
    spec = await rig.spec("deals")
    records = [{"id": str(each), "properties": {}} for each in range(200)]
    async with rig.runner():
        await rig.run(spec)
        await rig.sandbox.control(
            Provider.HUBSPOT,
            "-",
            "break",
            status=200,
            body={"total": 200, "results": records},
            path_contains="/search",
            count=2,  # it is asked for again
        )
        row = await rig.run(spec)
        again = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert again["status"] == "succeeded", again["summary"]


CANARY = "CANARY7fK2mQ9xLw4Zt8Rb1Vy6Nc3Hd5Js0PgAe"
SAID = f"Bearer {CANARY} is bad, access_token={CANARY}, so is the token {CANARY}"


@pytest.mark.parametrize(
    ("provider", "status", "body"),
    [
        (Provider.HUBSPOT, 400, {"status": "error", "message": SAID}),
        (Provider.HUBSPOT, 403, {"status": "error", "message": SAID}),
        (Provider.AIRTABLE, 403, {"error": {"type": "INVALID_PERMISSIONS", "message": SAID}}),
        (Provider.AIRTABLE, 422, {"error": {"type": "INVALID_VALUE", "message": SAID}}),
        (Provider.AIRTABLE, 400, {"error": SAID}),
    ],
)
async def test_p18_what_a_provider_repeats_of_a_token_is_stored_and_told_nowhere(
    rig: Rig, provider: Provider, status: int, body: Json
) -> None:
    spec = await rig.spec("deals")
    data = "/objects/" if provider is Provider.HUBSPOT else f"/v0/{spec.destination.base_id}"
    await rig.sandbox.control(provider, "-", "break", status=status, body=body, path_contains=data)
    async with rig.runner():
        row = await rig.run(spec)
    stored = [  # events too, in the outbox
        document
        for name in await rig.database.list_collection_names()
        async for document in rig.database[name].find()
    ]
    assert HIDDEN in repr(row) + repr(await rig.rejections(row["_id"]))
    assert {"runs", "outbox"} <= set(await rig.database.list_collection_names())
    assert CANARY not in repr(stored)


# What is known by its looks alone, as in a message that says no name for it, or by its name.
LOOKS = [
    "patAbC123def45678.0123456789abcdef0123456789abcdef",
    "shpat_0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef-us21",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "na1-11111111-2222-3333-4444-555555555555",
    '"token":"abcdef123456"',
    "Bearer: zyx987wvu654",
    "authorization code 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    "key=k123456789",
]
TOLD_OFF = f"No deal dealname_2 for {', '.join(LOOKS)}."
USED_UP = {"errors": [{"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": TOLD_OFF}]}


@pytest.mark.parametrize(
    "refusal",
    [
        (Provider.HUBSPOT, 400, {"message": TOLD_OFF}),
        (Provider.HUBSPOT, 403, {"message": TOLD_OFF}),
        (Provider.HUBSPOT, 429, {"message": TOLD_OFF, "policyName": "DAILY"}),
        (Provider.AIRTABLE, 403, {"error": {"type": "NOT_FOUND", "message": TOLD_OFF}}),
        (Provider.AIRTABLE, 404, {"error": TOLD_OFF}),
        (Provider.AIRTABLE, 422, {"error": {"type": "INVALID_VALUE", "message": TOLD_OFF}}),
        (Provider.AIRTABLE, 422, {"error": {"type": TOLD_OFF}}),
        (Provider.AIRTABLE, 429, USED_UP),
    ],
)
async def test_p18_secrets_are_known_by_their_looks_and_the_words_beside_them_stay(
    rig: Rig,
    capsys: pytest.CaptureFixture[str],
    refusal: tuple[Provider, int, Json],
) -> None:
    provider, status, body = refusal
    spec = await rig.spec("deals")
    data = "/objects/" if provider is Provider.HUBSPOT else f"/v0/{spec.destination.base_id}"
    await rig.sandbox.control(provider, "-", "break", status=status, body=body, path_contains=data)
    async with rig.runner():
        row = await rig.run(spec)
    stored = [
        document
        for name in await rig.database.list_collection_names()
        async for document in rig.database[name].find()
    ]
    told = repr(row) + repr(await rig.rejections(row["_id"]))
    assert f"No deal dealname_2 for {HIDDEN}" in told
    everywhere = repr(stored) + capsys.readouterr().out
    assert not [each for each in LOOKS if each in everywhere]


async def test_p18_a_catalogue_tells_no_secret_that_a_provider_repeats(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    body = {"message": f"{SAID}; {TOLD_OFF}"}
    await rig.sandbox.control("hubspot", "-", "break", status=403, body=body, path_contains="/crm/")
    path = "/internal/v1/catalog/con_hubspot/objects/deals/properties"
    async with rig.http("api") as http:
        auth = as_service(service_keys, "scheduler")
        answer = await http.get(path, params={"workspace_id": WORKSPACE}, auth=auth)
    assert HIDDEN in answer.text
    assert not [each for each in (CANARY, *LOOKS) if each in answer.text]


async def test_answers_that_come_too_late_double_nothing(rig: Rig) -> None:
    await rig.fill(60)
    spec = await rig.spec("deals")
    async with rig.runner(runner_lease_seconds=3, runner_request_seconds=1):
        await rig.slow_down(Provider.AIRTABLE, 1_500)  # a request has 1 s
        run_id = await rig.enqueue(spec)

        async def given_up() -> bool:
            seen = await rig.sandbox.log(provider="airtable")
            return len(seen["requests"]) >= 2

        await eventually(given_up)
        await rig.slow_down(Provider.AIRTABLE, 0)
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["duplicates"] == counters["upsert_duplicates"] == 0


async def test_a_scope_that_is_missing_fails_the_run_alone(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.at_hubspot("rescope", scopes=["oauth", "crm.objects.contacts.read"])
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert "required scopes" in row["summary"]
    assert not rig.auth.reports


async def test_a_base_that_is_no_longer_granted_fails_the_run_alone(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.sandbox.control("airtable", "ada@acme.test", "grant-bases", bases=[])
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert spec.destination.base_id in row["summary"]
    assert not rig.auth.reports
