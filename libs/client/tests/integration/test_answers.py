"""Lists to their last page, and answers of a service that is newer than this client."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from client_instruments import AuthService, Connect, answering
from tablesync.auth_service.connections import Connection
from tablesync.client import AwayError
from tablesync.client.edge import Edge
from tablesync.client.pages import read_page
from tablesync.contracts import Account, ConnectionStatus, Provider
from tablesync.contracts.public_api.connections import ConnectionView

IDS = [f"con_{number}" for number in range(5)]
DAMAGED = IDS[2]
_SHOWN: Any = ConnectionView.model_config.get("json_schema_extra")
SAID: dict[str, Any] = _SHOWN["examples"][0]


@pytest_asyncio.fixture
async def connections(auth_service: AuthService) -> AsyncIterator[None]:
    """Store connections, one of which nobody can read."""
    rows = [
        Connection(
            id=each,
            workspace_id=auth_service.workspace_id,
            provider=Provider.HUBSPOT,
            account=Account(id=each, name=each),
            grant_version=1,
            status=ConnectionStatus.CONNECTED,
            owner_id="op_1",
            sequence=number,
            changed_at=datetime(2026, 11, 22, tzinfo=UTC),
        ).to_document()
        for number, each in enumerate(IDS)
    ]
    rows[IDS.index(DAMAGED)]["status"] = "tomorrow's"
    collection = auth_service.database["connections"]
    await collection.insert_many(rows)
    yield
    await collection.delete_many({})


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield http


@pytest.mark.usefixtures("connections")
async def test_p29_a_list_is_read_to_its_end_past_what_nobody_can_read(connect: Connect) -> None:
    tablesync = await connect()
    page = await tablesync.connections.page(limit=3)
    assert ([each.id for each in page.items], page.unread_ids) == (IDS[:2], (DAMAGED,))
    rest = await tablesync.connections.page(limit=3, cursor=page.next_cursor)
    assert ([each.id for each in rest.items], rest.next_cursor) == (IDS[3:], None)
    assert [each.id async for each in tablesync.connections.all()] == [*IDS[:2], *IDS[3:]]


async def test_names_and_members_of_a_newer_service_are_read(http: httpx.AsyncClient) -> None:
    newer = {**SAID, "status": "dreaming", "provider": "tables", "moon": {"phase": 1}}
    async with answering(newer) as url:
        read = await Edge("auth-service", url, http, None).get("/", ConnectionView)
    assert (read.status, read.provider) == ("dreaming", "tables")
    assert read.said == newer


async def test_an_item_that_this_version_cannot_read_hides_no_other(
    http: httpx.AsyncClient,
) -> None:
    items = [{"id": "con_odd", "account": 7}, SAID, None]
    async with answering({"items": items, "unread_ids": ["con_0"]}) as url:
        page = await read_page(Edge("auth-service", url, http, None), "/", ConnectionView, {})
    assert [each.id for each in page.items] == [SAID["id"]]
    assert page.unread_ids == ("con_0", "con_odd", "?")


@pytest.mark.parametrize("said", ["{", "[]", {"items": None}, {"items": 1}])
async def test_what_is_no_list_is_the_services_trouble(
    http: httpx.AsyncClient, said: object
) -> None:
    async with answering(said) as url:
        with pytest.raises(AwayError, match="auth-service sent"):
            await read_page(Edge("auth-service", url, http, None), "/", ConnectionView, {})
