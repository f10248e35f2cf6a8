"""A base that syncs write to and a consent leaves out is named, and never keeps anybody waiting."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from auth_service_rig import Json, Rig, Start
from fastapi.responses import JSONResponse
from tablesync.contracts import new_id
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl, press
from tablesync.test_kit.stand_ins import SchedulerStandIn, affected_sync

CONTACTS, DEALS = "Acme contacts", "Acme deals"


@pytest_asyncio.fixture
async def scheduler(service_keys: ServiceKeys) -> AsyncIterator[SchedulerStandIn]:
    async with SchedulerStandIn(service_keys.trusted_keys_file) as stand_in:
        yield stand_in


@pytest_asyncio.fixture
async def rig(start: Start, scheduler: SchedulerStandIn) -> Rig:
    return await start(SCHEDULER_URL=scheduler.url, AUTH_LOOK_SECONDS="10")


@pytest_asyncio.fixture
async def airtable(rig: Rig, scheduler: SchedulerStandIn) -> Json:
    """A connection over which one sync writes to a base, and seven to another."""
    connection = await rig.connect("airtable")
    ids = await base_ids(rig)
    for name, base in (("Contacts", CONTACTS), *((f"Deals {n}", DEALS) for n in range(7))):
        scheduler.know(
            affected_sync(new_id("syn"), name=name),
            workspace_id=rig.workspace_id,
            connection_ids=("con_hubspot", connection["id"]),
            base=(ids[base], base),
        )
    return connection


async def base_ids(rig: Rig) -> dict[str, str]:
    return {each["name"]: each["id"] for each in (await rig.sandbox.bases())["bases"]}


async def reconnect(rig: Rig, connection: Json, bases: Sequence[str], **answer: object) -> Json:
    """Reconnect, and choose these bases on Airtable's page."""
    ids = await base_ids(rig)
    choice = {"bases": [ids[each] for each in bases], **answer}
    await rig.sandbox.answer("airtable", user="ada@acme.test", decision="allow", **choice)
    outcome = await rig.authorize("airtable", connection["id"])
    assert outcome["status"] == "completed"
    assert (await rig.token(connection["id"])).status_code == 200
    return outcome


async def test_a_base_left_out_is_named_with_the_syncs_that_write_to_it(
    rig: Rig, airtable: Json
) -> None:
    outcome = await reconnect(rig, airtable, [CONTACTS])

    finding, deals = outcome["finding"], (await base_ids(rig))[DEALS]
    assert finding["kind"] == "bases_left_out"
    names = [f"Deals {number}" for number in range(5)]
    assert finding["bases"] == [{"base_id": deals, "name": DEALS, "syncs": 7, "sync_names": names}]
    told = f"{DEALS} ({deals}), 7 syncs: {', '.join(names)} and 2 more."
    assert told in finding["message"]
    page = outcome["page"].text
    for shown in (DEALS, "7 syncs", "Deals 4 and 2 more", "held until", "Connect once more"):
        assert shown in page
    assert CONTACTS not in page
    assert "carry on by themselves" not in page


async def test_where_every_base_was_chosen_nothing_is_said_of_bases(
    rig: Rig, airtable: Json
) -> None:
    outcome = await reconnect(rig, airtable, [CONTACTS, DEALS])

    assert outcome["finding"] is None
    assert "was not chosen" not in outcome["page"].text


@pytest.mark.parametrize("trouble", ["no answer", "not allowed", "no scheduler", "old scheduler"])
async def test_what_cannot_be_found_out_is_not_said_and_stops_nothing(
    rig: Rig, scheduler: SchedulerStandIn, airtable: Json, trouble: str
) -> None:
    answer: dict[str, object] = {}
    if trouble == "no answer":
        await rig.sandbox.control("airtable", "-", "break", status=503, path_contains="/meta/bases")
    elif trouble == "not allowed":
        answer = {"scopes": [each for each in airtable["scopes"] if each != "schema.bases:read"]}
    elif trouble == "no scheduler":
        scheduler.delay_seconds = 60.0
    else:
        scheduler.answer_with("/written-bases", JSONResponse({"detail": "Not Found"}, 404))

    outcome = await reconnect(rig, airtable, [CONTACTS], **answer)

    assert outcome["finding"] is None
    assert DEALS not in outcome["page"].text


async def test_p30_a_list_that_goes_in_a_circle_is_given_up(
    rig: Rig, airtable: Json, sandbox: SandboxControl
) -> None:
    page = {"bases": [{"id": "appAcme0000000001"}], "offset": "the same"}
    path = "/meta/bases"
    await sandbox.control("airtable", "-", "break", status=200, path_contains=path, body=page)

    outcome = await reconnect(rig, airtable, [CONTACTS])

    assert outcome["finding"] is None
    assert (await rig.connection(airtable["id"]))["resources"] is None
    asked = (await sandbox.log(provider="airtable"))["requests"]
    assert len([each for each in asked if path in each["path"]]) <= 1 + 2


async def test_what_was_left_out_is_asked_for_once_more(rig: Rig, airtable: Json) -> None:
    ids, operator = await base_ids(rig), await rig.operator()
    browser = rig.client(follow_redirects=True)
    choice = {"user": "ada@acme.test", "decision": "allow"}
    await rig.sandbox.answer("airtable", bases=[ids[CONTACTS]], **choice)
    attempt = await operator.post(
        "/v1/authorizations", json={"provider": "airtable", "connection_id": airtable["id"]}
    )
    lacking = await press(browser, attempt.json()["start_url"])
    assert DEALS in lacking.text

    asked = await press(browser, str(lacking.url))
    twice = await press(browser, str(lacking.url))

    assert "Reconnect Airtable to" in asked.text
    assert twice.url == asked.url, "a second click finds the same attempt"
    await rig.sandbox.answer("airtable", **choice)
    whole = await press(browser, str(asked.url))
    assert "Airtable is connected" in whole.text
    assert "Connect once more" not in whole.text
    earlier = await browser.get(lacking.url)
    assert DEALS not in earlier.text, "a page that is loaded again says what is true now"
    after = await operator.get(f"/v1/authorizations/{attempt.json()['id']}")
    assert asked.url.params["authorization"] == after.json()["continued_by"]
