"""Pages: every item once, whatever comes or goes between two of them; no bad cursor is an error."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tablesync.service_kit.http import pages, problems
from tablesync.service_kit.http.pages import Page, PageRequest, find_page
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.mongo import Collection, Database, Document

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
QUERY = {"workspace_id": "ws_1", "$or": [{"status": "open"}, {"status": "closed"}]}


def incident(number: int, workspace_id: str = "ws_1") -> Document:
    """Return a document that shares its moment with two others."""
    opened_at = BEGIN + timedelta(seconds=number // 3)
    status = "open" if number % 2 else "closed"
    return {
        "_id": f"inc_{number:02}",
        "workspace_id": workspace_id,
        "opened_at": opened_at,
        "status": status,
    }


@pytest.fixture
async def incidents(database: Database) -> Collection:
    found = database["incidents"]
    await found.delete_many({})
    await found.insert_many([incident(each) for each in range(10)])
    await found.insert_one({**incident(4, "ws_2"), "_id": "inc_04b"})
    return found


async def walk(incidents: Collection, limit: int, **order: Any) -> list[list[str]]:
    found, at = [], PageRequest(limit)
    while True:
        page = await find_page(incidents, QUERY, at, **order)
        found.append([each["_id"] for each in page.items])
        if page.next_cursor is None:
            return found
        at = PageRequest(limit, page.next_cursor)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 10, 11])
@pytest.mark.parametrize("by", ["_id", "opened_at", "status"])
@pytest.mark.parametrize("descending", [False, True])
async def test_every_item_is_on_one_page_in_order(
    incidents: Collection, limit: int, by: str, descending: bool
) -> None:
    expected = sorted(
        map(incident, range(10)), key=lambda each: (each[by], each["_id"]), reverse=descending
    )
    found = await walk(incidents, limit, by=by, descending=descending)
    assert [each for page in found for each in page] == [each["_id"] for each in expected]
    assert {len(page) for page in found[:-1]} <= {limit}
    assert 0 < len(found[-1]) <= limit


@pytest.mark.parametrize("descending", [False, True])
async def test_a_field_that_is_unique_orders_alone_whatever_the_ids_are(
    incidents: Collection, descending: bool
) -> None:
    await incidents.delete_many({})
    made = [{**incident(each), "record": f"r{each}"} for each in range(5)]
    await incidents.insert_many([{**each, "_id": bson.ObjectId()} for each in made])
    found, at = [], PageRequest(2)
    while True:
        page = await find_page(
            incidents, QUERY, at, by="record", unique=True, descending=descending
        )
        found += [each["record"] for each in page.items]
        if page.next_cursor is None:
            break
        at = PageRequest(2, page.next_cursor)
    assert found == sorted((each["record"] for each in made), reverse=descending)


async def test_items_that_come_and_go_neither_repeat_nor_hide_others(
    incidents: Collection,
) -> None:
    newest = {"by": "opened_at", "descending": True}
    first = await find_page(incidents, QUERY, PageRequest(4), **newest)
    assert [each["_id"] for each in first.items] == ["inc_09", "inc_08", "inc_07", "inc_06"]
    await incidents.delete_one({"_id": "inc_06"})
    await incidents.insert_many([incident(10), {**incident(6), "_id": "inc_06a"}])
    second = await find_page(incidents, QUERY, PageRequest(4, first.next_cursor), **newest)
    assert [each["_id"] for each in second.items] == ["inc_05", "inc_04", "inc_03", "inc_02"]


async def test_an_empty_list_is_one_empty_page(incidents: Collection) -> None:
    page = await find_page(incidents, {"workspace_id": "ws_3"}, PageRequest(5))
    assert page == Page(items=[], next_cursor=None)


def forged(order: object, after: object) -> str:
    raw = bson.encode({"order": order, "after": after})
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!",
        "é",
        "AAAA",
        forged("_id", ["inc_01"]),
        forged("-opened_at", [BEGIN, "inc_01"]),
        forged("opened_at", ["inc_01"]),
        forged("opened_at", [{"$gt": ""}, "inc_01"]),
        forged("opened_at", [BEGIN, bson.Regex(".*")]),
        forged("opened_at", "inc_01"),
    ],
)
async def test_p21_a_cursor_of_no_page_names_the_remedy(incidents: Collection, cursor: str) -> None:
    with pytest.raises(Problem) as raised:
        await find_page(incidents, QUERY, PageRequest(5, cursor), by="opened_at")
    assert raised.value.status == 422
    (error,) = raised.value.errors
    assert error["field"] == "cursor"
    assert "next_cursor" in error["remedy"]


@given(cursor=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(base64.urlsafe_b64encode)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_p21_no_cursor_raises_anything_but_a_problem(
    incidents: Collection, cursor: str | bytes
) -> None:
    text = cursor if isinstance(cursor, str) else cursor.decode()
    with pytest.raises(Problem):
        await find_page(incidents, QUERY, PageRequest(5, text))


async def test_a_route_takes_limit_and_cursor_and_shows_items(incidents: Collection) -> None:
    app = FastAPI()
    problems.install(app)
    a_page = pages.requested(default=6, most=8)

    @app.get("/v1/incidents")
    async def list_incidents(at: PageRequest = a_page) -> Page[str]:
        page = await find_page(incidents, QUERY, at)
        return page.map(lambda row: str(row["_id"]))

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://kit"
    ) as client:
        first = (await client.get("/v1/incidents")).json()
        assert first["items"] == [f"inc_{each:02}" for each in range(6)]
        rest = await client.get("/v1/incidents", params={"cursor": first["next_cursor"]})
        assert rest.json() == {
            "items": ["inc_06", "inc_07", "inc_08", "inc_09"],
            "next_cursor": None,
            "unread_ids": [],
        }
        for bad in ({"limit": "9"}, {"limit": "0"}, {"cursor": "x" * 2_001}, {"cursor": "x"}):
            answer = await client.get("/v1/incidents", params=bad)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"] in bad
