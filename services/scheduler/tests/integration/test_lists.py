"""Lists of syncs: what needs somebody first, filtered and counted by the keys of one index."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from scheduler_examples import AIRTABLE, HUBSPOT, TABLE, WORKSPACE
from scheduler_http import Json, Tokens
from scheduler_rig import Rig
from tablesync.contracts import Destination, RunFailureCause, Source
from tablesync.contracts.public_api.syncs import SyncFilter, SyncState
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store.sync_lists import LISTED, query_of
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.service_kit.mongo import Document

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"
OTHER_BASE = "appAcme0000000002"
STATES = [str(each) for each in SyncState]


async def one_of_each_state(rig: Rig) -> dict[str, Sync]:
    """Store a sync in every state, named like it; return them by their names."""
    ran = ("failing", "waiting", "running", "fine")
    syncs = {name: await rig.add(name=name, due_seconds_ago=0) for name in ran}
    await rig.ticker.tick()
    (failed,), (stopped,), _, (done,) = [await rig.runs(each) for each in syncs.values()]
    await rig.fail(failed)
    await rig.fail(stopped, RunFailureCause.RESOURCE)
    await rig.succeed(done)
    syncs["new"] = await rig.add(name="new")
    syncs["paused"] = await rig.add(name="paused", paused=True)
    return syncs


async def names(api: httpx.AsyncClient, **query: Any) -> list[str]:
    """Read a list of syncs to its end, two at a time; return their names."""
    found: list[str] = []
    cursor: Json = {}
    while True:
        answer = await api.get("/v1/syncs", params={"limit": 2, **query, **cursor})
        page = answer.raise_for_status().json()
        found += [each["name"] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_what_needs_somebody_comes_first_and_is_counted(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    await one_of_each_state(rig)
    assert await names(api) == STATES
    shown = (await api.get("/v1/syncs")).json()["items"]
    assert [each["state"] for each in shown] == STATES
    assert [each["name"] for each in shown if each["last_success_at"]] == ["fine"]
    counts = (await api.get("/v1/syncs/counts")).json()
    assert counts == {"total": 6, "states": dict.fromkeys(STATES, 1)}
    assert await names(api, state="waiting") == ["waiting"]
    fitting = (await api.get("/v1/syncs/counts", params={"q": "AI"})).json()
    assert fitting == {"total": 2, "states": {"failing": 1, "waiting": 1}}


async def test_one_that_fails_does_so_until_a_run_succeeds(rig: Rig) -> None:
    sync, run = await rig.requested()
    await rig.fail(run)
    await rig.pass_time(3600)
    await rig.ticker.tick()
    again = await rig.sync(sync)
    assert (again.state, len(again.active_runs)) == (SyncState.FAILING, 1)
    await rig.succeed(await rig.run(again.active_runs[0]))
    mended = await rig.sync(sync)
    assert (mended.state, mended.last_success_at is None) == (SyncState.FINE, False)


async def test_a_list_is_narrowed_by_name_ends_and_state(rig: Rig, api: httpx.AsyncClient) -> None:
    elsewhere = Destination(connection_id=AIRTABLE, base_id=OTHER_BASE, table_id=TABLE.id)
    await rig.add(name="Große Kunden (DE)")
    await rig.add(name="Customers", destination=elsewhere)
    assert await names(api, q="GROSSE") == await names(api, q="(de)") == ["Große Kunden (DE)"]
    assert await names(api, q=".*") == []
    assert await names(api, q="4") == []  # the rank in front is no part of a name
    assert await names(api, base_id=OTHER_BASE) == ["Customers"]
    both = ["Customers", "Große Kunden (DE)"]
    assert await names(api, table_id=TABLE.id) == await names(api, connection_id=HUBSPOT) == both
    assert await names(api, connection_id=AIRTABLE, base_id=OTHER_BASE) == ["Customers"]
    assert await names(api, connection_id="con_") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("q", "a\x00b"), ("q", "x" * 201), ("state", "odd"), ("connection_id", "a b"),
     ("base_id", "tbl"), ("table_id", "app")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/syncs", "/v1/syncs/counts"])
async def test_p21_a_filter_that_cannot_be_is_named(
    api: httpx.AsyncClient, path: str, field: str, value: str
) -> None:
    refused = await api.get(path, params={field: value})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"]) == (422, field)
    assert error["remedy"]


async def test_p20_another_workspace_lists_and_counts_nothing(
    rig: Rig, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    await rig.add()
    others = tokens.operator(OperatorRole.VIEWER, OTHERS)
    listed = await api.get(f"/v1/syncs?connection_id={HUBSPOT}", headers=others)
    counted = await api.get("/v1/syncs/counts", headers=others)
    assert (listed.json()["items"], counted.json()) == ([], {"total": 0, "states": {}})


async def renew_index(rig: Rig) -> None:
    """Make the lists' index anew: one that ever had a list in it answers nothing by its keys."""
    await rig.database["syncs"].drop_index("listed")
    await rig.database["syncs"].create_indexes([LISTED])


async def explained(rig: Rig, command: Document) -> Document:
    plan = await rig.database.command("explain", command, verbosity="executionStats")
    return dict(plan.get("executionStats") or plan["stages"][0]["$cursor"]["executionStats"])


@pytest.mark.parametrize(
    "wanted",
    [
        SyncFilter(q="one"),
        SyncFilter(state=SyncState.NEW, connection_id=HUBSPOT, q="one"),
        SyncFilter(base_id=OTHER_BASE),
    ],
    ids=str,
)
async def test_of_what_does_not_fit_no_document_is_read(rig: Rig, wanted: SyncFilter) -> None:
    await renew_index(rig)
    await rig.add_many(200, due_seconds_ago=-600)
    elsewhere = Destination(connection_id=AIRTABLE, base_id=OTHER_BASE, table_id=TABLE.id)
    await rig.add(name="The one", destination=elsewhere)
    query = query_of(WORKSPACE, wanted)
    page = {"find": "syncs", "filter": query, "sort": {"order": 1, "_id": 1}, "limit": 51}
    assert (await explained(rig, page))["totalDocsExamined"] == 1
    assert await rig.store.lists.count(WORKSPACE, wanted) == {"new": 1}
    group: Sequence[Document] = [
        {"$match": query},
        {"$group": {"_id": {"$substrBytes": ["$order", 0, 1]}, "syncs": {"$sum": 1}}},
    ]
    counting = {"aggregate": "syncs", "pipeline": group, "cursor": {}}
    assert (await explained(rig, counting))["totalDocsExamined"] == 0


async def test_syncs_that_are_held_at_once_keep_their_names_in_the_list(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    for name in ("b", "Ä", "a"):
        await rig.add(name=name)
    await rig.hold()
    assert await names(api, state="waiting") == ["a", "b", "Ä"]
    await rig.release()
    assert await names(api, state="new") == ["a", "b", "Ä"]


async def test_what_was_stored_without_a_place_gets_it_by_what_its_history_says(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    syncs = await one_of_each_state(rig)
    odd = await rig.add(name="odd")
    await rig.database["syncs"].update_one({"_id": odd.id}, {"$set": {"overlap": "tomorrow's"}})
    before = await rig.database["syncs"].find({"_id": {"$ne": odd.id}}).to_list(None)
    places = dict.fromkeys(("order", "ends", "failing", "last_success_at"), "")
    await rig.database["syncs"].update_many({}, {"$unset": places})
    assert await rig.store.lists.count(WORKSPACE, SyncFilter()) == {}
    await rig.store.lists.complete()
    after = await rig.database["syncs"].find({"_id": {"$ne": odd.id}}).to_list(None)
    assert after == before
    assert (await api.get("/v1/syncs/counts")).json()["states"]["unknown"] == 1
    page = (await api.get("/v1/syncs")).json()
    assert ([each["name"] for each in page["items"]], page["unread_ids"]) == (STATES, [odd.id])
    assert syncs.keys() == set(STATES)


async def runs(api: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = (await api.get("/v1/runs", params=query)).raise_for_status()
    return [each["id"] for each in answer.json()["items"]]


async def test_runs_are_narrowed_by_what_they_are_of_and_when(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    sync, scheduled = await rig.requested()
    elsewhere = await rig.add(
        source=Source(**{**sync.source.model_dump(), "connection_id": "con_b"})
    )
    answer = await api.post(f"/v1/syncs/{elsewhere.id}/run")
    manual = answer.json()["run_id"]
    await rig.fail(scheduled)
    assert await runs(api, connection_id=AIRTABLE) == [manual, scheduled.id]
    assert await runs(api, connection_id=HUBSPOT) == [scheduled.id]
    assert await runs(api, trigger="manual") == await runs(api, status="requested") == [manual]
    assert await runs(api, trigger="manual", status="failed") == []
    requested = [(await rig.run(each)).requested_at for each in (scheduled.id, manual)]
    assert await runs(api, **{"from": requested[1].isoformat()}) == [manual]
    assert await runs(api, to=requested[1].isoformat()) == [scheduled.id]
    shown = (await api.get("/v1/runs")).json()["items"]
    assert [each["requested_by"] for each in shown] == ["op_1", None]
    assert [each["sync_name"] for each in shown] == [elsewhere.name, sync.name]
    (await api.delete(f"/v1/syncs/{elsewhere.id}")).raise_for_status()
    shown = (await api.get("/v1/runs")).json()["items"]
    assert [each["sync_name"] for each in shown] == [None, sync.name]


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "odd"), ("trigger", "odd"), ("from", "noon"), ("to", "2026-01-01T00:00:00"),
     ("from", "0001-01-01T00:00:00+14:00"), ("sync_id", "a\x00")],
)  # fmt: skip
async def test_p21_runs_are_not_narrowed_by_what_cannot_be(
    api: httpx.AsyncClient, field: str, value: str
) -> None:
    refused = await api.get("/v1/runs", params={field: value})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"]) == (422, field)
    assert error["remedy"]
