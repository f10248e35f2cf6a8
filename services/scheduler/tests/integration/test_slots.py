"""What became of each slot, and why, and which slots come next."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from scheduler_examples import HUBSPOT
from scheduler_http import Json, Tokens, create_sync
from scheduler_rig import Rig
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.syncs import Sync
from tablesync.service_kit.http.user_auth import OperatorRole

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"
MINUTE = Interval(every_seconds=60)


async def lines(api: httpx.AsyncClient, sync: Sync, **query: Any) -> list[Json]:
    """Read a sync's slots to their end."""
    found: list[Json] = []
    at: Json = {}
    while True:
        answer = await api.get(f"/v1/syncs/{sync.id}/slots", params={**query, **at})
        page = answer.raise_for_status().json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        at = {"before": page["next_cursor"]}


async def a_life(rig: Rig, api: httpx.AsyncClient) -> tuple[Sync, str]:
    """Have a sync run, have slots wait for that run, be held and caught up, and be paused."""
    sync = await rig.add(due_seconds_ago=0, schedule=MINUTE)
    await rig.ticker.tick()
    (first,) = await rig.runs(sync)
    await rig.pass_time(125)
    await rig.ticker.tick()
    await rig.succeed(first)
    await rig.hold()
    await rig.pass_time(180)
    await rig.release()
    (await api.post(f"/v1/connections/{HUBSPOT}/pause")).raise_for_status()
    await rig.many.tick()
    await rig.pass_time(120)
    (await api.post(f"/v1/syncs/{sync.id}/resume")).raise_for_status()
    return sync, first.id


async def test_each_slot_is_told_with_its_reason_newest_first(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    sync, first = await a_life(rig, api)
    told = await lines(api, sync)
    assert [(each["outcome"], each["slots"]) for each in told] == [
        ("paused", 2),
        ("held", 3),
        ("run", 1),
        ("coalesced", 1),
        ("run", 1),
    ]
    paused, held, second, coalesced, oldest = told
    assert (paused["by"], paused["reason"]) == ("op_1", "All syncs of its connection were paused.")
    assert held["reason"] == "The TableSync app was uninstalled at HubSpot."
    assert (oldest["run_id"], oldest["reason"], coalesced["run_id"]) == (first, "Done.", None)
    assert second["run_id"] not in (None, first)
    assert held["first"] < held["last"] < paused["first"]
    assert await lines(api, sync, limit=1) == await lines(api, sync, limit=2) == told
    shown = (await api.get(f"/v1/syncs/{sync.id}/ledger")).json()
    assert sum(each["slots"] for each in told) == shown["due"]


async def test_a_gap_of_many_slots_is_one_line(rig: Rig, api: httpx.AsyncClient) -> None:
    sync = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=1))
    await rig.hold()
    await rig.pass_time(80 * 24 * 3600)
    (told,) = await lines(api, sync)
    assert told["outcome"] == "held"
    assert told["slots"] >= 80 * 24 * 3600


async def test_a_preview_goes_on_with_the_sync_or_begins_now(
    rig: Rig, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    sync = await rig.add(schedule=MINUTE, due_seconds_ago=-30)
    wanted = {"schedule": {"every_seconds": 60}, "sync_id": sync.id}
    viewer = tokens.operator(OperatorRole.VIEWER)
    answer = await api.post("/v1/schedules/preview", json=wanted, headers=viewer)
    slots = [datetime.fromisoformat(each) for each in answer.json()["slots"]]
    assert slots == [sync.next_slot_at + n * timedelta(minutes=1) for n in range(5)]
    before = await rig.now()
    other = await api.post("/v1/schedules/preview", json={"schedule": {"every_seconds": 3600}})
    first = datetime.fromisoformat(other.json()["slots"][0])
    assert timedelta(0) <= first - before - timedelta(hours=1) < timedelta(seconds=30)
    foreign = tokens.operator(OperatorRole.ADMIN, OTHERS)
    answer = await api.post("/v1/schedules/preview", json=wanted, headers=foreign)
    assert answer.status_code == 404


async def test_p21_what_is_no_schedule_or_moment_is_named(
    api: httpx.AsyncClient, body: Json
) -> None:
    refused = await api.post("/v1/schedules/preview", json={"schedule": {"every_seconds": 0}})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "schedule.every_seconds"
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}/slots"
    for before in ("noon", "2026-01-01T00:00:00", "9999-12-31T23:59:59Z"):
        refused = await api.get(path, params={"before": before})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "before")
    assert (await api.get(path, params={"limit": 101})).status_code == 422
