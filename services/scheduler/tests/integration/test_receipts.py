"""Receipts of outages: what was missed and what was caught up, by the gaps that they left."""

from datetime import datetime
from typing import Any

import httpx
import pytest
from scheduler_examples import AIRTABLE, HUBSPOT
from scheduler_http import Json, Tokens
from scheduler_rig import Rig
from tablesync.contracts import RunFailureCause
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.api import receipts as receipts_api
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.http.user_auth import OperatorRole

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"
MINUTE = Interval(every_seconds=60)


async def receipts(api: httpx.AsyncClient, connection_id: str = HUBSPOT, **query: Any) -> Json:
    answer = await api.get(f"/v1/connections/{connection_id}/receipts", params=query)
    page: Json = answer.raise_for_status().json()
    return page


async def receipt(api: httpx.AsyncClient, summary: Json) -> Json:
    lost_at = unix_milliseconds(datetime.fromisoformat(summary["lost_at"]))
    path = f"/v1/connections/{HUBSPOT}/receipts/{lost_at}"
    shown: Json = (await api.get(path)).raise_for_status().json()
    assert {name: shown[name] for name in summary} == summary
    return shown


async def test_an_outage_is_told_while_it_lasts_and_until_all_is_caught_up(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    first, second = [
        await rig.add(name=each, due_seconds_ago=-30, schedule=MINUTE) for each in ("a", "b")
    ]
    await rig.add(name="c")  # which will have missed nothing
    assert (await receipts(api))["items"] == []
    await rig.hold()
    (lasting,) = (await receipts(api))["items"]
    assert (lasting["cause"], lasting["back_at"]) == ("app_uninstalled", None)
    shown = await receipt(api, lasting)
    assert [(each["name"], each["run"]) for each in shown["lines"]] == [
        ("a", None),
        ("b", None),
        ("c", None),
    ]
    await rig.database["syncs"].update_many({}, {"$set": {"missed.slots": 2}})
    await rig.release()
    (over,) = (await receipts(api))["items"]
    assert (over["slots_missed"], over["syncs"]) == (6, 3)
    assert over["lost_at"] == lasting["lost_at"] < over["back_at"]
    await rig.succeed((await rig.catch_ups(first))[0])
    assert (await receipt(api, over))["done"] == 1
    await rig.succeed((await rig.catch_ups(second))[0])
    (await api.delete(f"/v1/syncs/{second.id}")).raise_for_status()
    shown = await receipt(api, over)
    assert (shown["done"], shown["counts"]["written"]) == (2, 20)
    named = [(each["name"], each["gap"]["slots_missed"]) for each in shown["lines"]]
    assert named == [(None, 2), ("a", 2), ("c", 2)]
    assert shown["lines"][1]["run"]["trigger"] == "catch_up"
    assert (await receipts(api, AIRTABLE))["items"] == []


async def test_catch_ups_that_did_not_bring_all_are_counted_and_named(
    rig: Rig, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    well, failing, unlucky = [
        await rig.add(name=each, due_seconds_ago=-30, schedule=MINUTE) for each in ("a", "b", "c")
    ]
    await rig.hold()
    await rig.database["syncs"].update_many({}, {"$set": {"missed.slots": 2}})
    await rig.release()
    await rig.succeed((await rig.catch_ups(well))[0])
    failed, cut = [(await rig.catch_ups(each))[0] for each in (failing, unlucky)]
    await rig.fail(failed)
    await rig.fail(cut, RunFailureCause.CANCELLED)
    (over,) = (await receipts(api))["items"]
    shown = await receipt(api, over)
    assert (shown["done"], shown["failed"], shown["more"]) == (3, 2, 0)
    named = [(each["name"], each["run"]["id"]) for each in shown["failures"]]
    assert named == [("b", failed.id), ("c", cut.id)]
    assert [each["name"] for each in shown["lines"]] == ["a", "b", "c"]
    monkeypatch.setattr(receipts_api, "LINES", 2)
    shown = await receipt(api, over)
    assert ([each["name"] for each in shown["lines"]], shown["more"]) == (["a", "b"], 1)


async def test_outages_are_listed_newest_first_page_by_page(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    await rig.add()
    for _ in range(3):
        await rig.hold()
        await rig.release()
    whole = (await receipts(api))["items"]
    moments = [each["lost_at"] for each in whole]
    assert moments == sorted(moments, reverse=True)
    page = await receipts(api, limit=2)
    rest = await receipts(api, limit=2, cursor=page["next_cursor"])
    assert page["items"] + rest["items"] == whole
    assert (len(whole), rest["next_cursor"]) == (3, None)


async def test_p20_p21_receipts_of_others_and_of_no_outage_are_not_there(
    rig: Rig, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    await rig.add()
    await rig.hold()
    (summary,) = (await receipts(api))["items"]
    lost_at = unix_milliseconds(datetime.fromisoformat(summary["lost_at"]))
    path = f"/v1/connections/{HUBSPOT}/receipts"
    others = tokens.operator(OperatorRole.ADMIN, OTHERS)
    for each in (path, f"{path}/{lost_at}"):
        assert (await api.get(each, headers=others)).status_code == 404
        viewer = tokens.operator(OperatorRole.VIEWER)
        assert (await api.get(each, headers=viewer)).status_code == 200
    assert (await api.get(f"{path}/{lost_at + 1}")).status_code == 404
    for query, field in ((f"{path}?cursor=x", "cursor"), (f"{path}/-1", "lost_at")):
        refused = await api.get(query)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
