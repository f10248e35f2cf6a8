"""How connections are used: what stands on all cards, in one answer."""

from datetime import timedelta

import httpx
import pytest
from scheduler_examples import AIRTABLE, HUBSPOT
from scheduler_http import Json, Tokens
from scheduler_rig import Rig
from tablesync.contracts import Trigger
from tablesync.contracts.public_api.schedules import Interval
from tablesync.service_kit.http.user_auth import OperatorRole

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"
MINUTE = Interval(every_seconds=60)


async def uses(api: httpx.AsyncClient, *only: str) -> dict[str, Json]:
    query = {"connection_id": only}
    answer = (await api.get("/v1/connections/uses", params=query)).raise_for_status()
    return {each["connection_id"]: each for each in answer.json()["items"]}


async def test_a_card_tells_states_gap_and_what_comes_next(
    rig: Rig, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    done, run = await rig.requested()
    await rig.succeed(run)
    await rig.add(paused=True)
    soon = await rig.add(due_seconds_ago=-30, schedule=MINUTE)
    shown = await uses(api)
    assert list(shown) == [AIRTABLE, HUBSPOT]
    assert await uses(api, HUBSPOT, "con_of_others") == {HUBSPOT: shown[HUBSPOT]}
    use = shown[HUBSPOT]
    assert (use["syncs"], use["states"]) == (3, {"fine": 1, "new": 1, "paused": 1})
    assert (use["gap"], use["catch_up"], use["paused_with_it"]) == (None, None, 0)
    assert (await api.get(f"/v1/syncs/{soon.id}")).json()["next_slot_at"] == use["next_slot_at"]
    success = (await api.get(f"/v1/syncs/{done.id}")).json()["last_success_at"]
    assert use["last_success_at"] == success is not None
    others = tokens.operator(OperatorRole.VIEWER, OTHERS)
    assert (await api.get("/v1/connections/uses", headers=others)).json() == {"items": []}


async def test_a_gap_counts_slots_that_nobody_has_looked_at_yet(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    syncs = [await rig.add(due_seconds_ago=-30, schedule=MINUTE) for _ in range(2)]
    await rig.hold()
    await rig.pass_time(180)
    shown = [(await api.get(f"/v1/syncs/{each.id}")).json()["gap"] for each in syncs]
    use = (await uses(api))[AIRTABLE]
    assert use["states"] == {"waiting": 2}
    assert use["gap"]["slots_missed"] == sum(each["slots_missed"] for each in shown) == 6
    assert (use["gap"]["from"], use["next_slot_at"]) == (shown[0]["from"], None)


async def test_the_catch_ups_of_a_return_are_told_until_the_last_has_ended(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    syncs = [await rig.add(due_seconds_ago=-30, schedule=MINUTE) for _ in range(3)]
    await rig.add()  # which will have missed nothing
    await rig.hold()
    await rig.pass_time(120)
    await rig.release()
    first, *others = [(await rig.catch_ups(each))[0] for each in syncs]
    assert first.trigger is Trigger.CATCH_UP
    await rig.succeed(first)
    shown = await uses(api)
    assert shown[AIRTABLE]["catch_up"] is None  # it was not away
    progress = shown[HUBSPOT]["catch_up"]
    assert (progress["total"], progress["done"]) == (3, 1)
    assert progress["counts"] == {"read": 10, "written": 10, "unchanged": 0, "rejected": 0}
    assert progress["run_ids"] == [each.id for each in others]
    assert progress["gap"]["slots_missed"] == 6
    assert progress["failed"] == 0
    second, third = others
    await rig.fail(second)
    progress = (await uses(api))[HUBSPOT]["catch_up"]
    assert (progress["done"], progress["failed"]) == (2, 1)
    await rig.succeed(third)
    assert (await uses(api))[HUBSPOT]["catch_up"] is None


@pytest.mark.parametrize(
    "odd",
    [{"connection_ids": "x"}, {"missed": 7}, {"order": ["0"]}, {"schedule": {"every_seconds": 0}},
     {"active_runs": None}, {"next_slot_at": "soon", "last_success_at": [1], "holds": {}},
     {"holds": [7, {"lacks": "x"}, {"lacks": ["x"], "cause": 7}]}],
    ids=str,
)  # fmt: skip
async def test_p29_a_sync_that_cannot_be_read_spoils_no_card(
    rig: Rig, api: httpx.AsyncClient, odd: Json
) -> None:
    healthy, bad = await rig.add(due_seconds_ago=-600), await rig.add()
    await rig.database["syncs"].update_one({"_id": bad.id}, {"$set": odd})
    use = (await uses(api))[HUBSPOT]
    assert use["states"]["new"] >= 1
    assert use["next_slot_at"] is not None
    assert healthy.next_slot_at - await rig.now() < timedelta(seconds=601)
