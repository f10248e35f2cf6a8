"""Connections and attempts, as the typed client of `/v1` reads and changes them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from auth_service_rig import PORTAL, Rig
from tablesync.client import ApiToken, ConflictError, TableSync
from tablesync.contracts.public_api.connections import AuthorizationStatus, NewAuthorization
from tablesync.test_kit import press


@pytest_asyncio.fixture
async def client(rig: Rig) -> AsyncIterator[TableSync]:
    """Yield a client of the admin's."""
    urls = {"auth-service": rig.url}
    async with TableSync(urls, ApiToken(rig.api_token()), http=rig.client()) as client:
        yield client


async def test_connections_are_read_named_and_looked_back_on(rig: Rig, client: TableSync) -> None:
    made = await rig.connect("hubspot", PORTAL)
    await rig.connect("airtable")

    named = await client.connections.rename(made["id"], "Sales")

    assert {each.name for each in await client.providers.all()} == {"hubspot", "airtable"}
    found = await client.connections.page(q="sales", provider="hubspot", limit=1)
    assert (found.items, found.next_cursor) == ([named], None)
    assert (await client.connections.counts()).badges == {"Connected": 2}
    history = await client.connections.history(made["id"])
    assert [each.kind for each in history.items] == ["renamed", "established"]
    trail = await client.audit.page(limit=1)
    assert [each.action for each in trail.items] == ["connection.renamed"]
    assert trail.next_cursor


async def test_attempts_are_begun_listed_and_cancelled(rig: Rig, client: TableSync) -> None:
    wanted = NewAuthorization(provider="airtable", extras=("create_tables",))
    attempts = [await client.authorizations.create(wanted) for _ in range(2)]
    assert [each.id for each in await client.authorizations.pending()] == [
        each.id for each in attempts
    ]
    cancelled, completed = attempts

    ended = await client.authorizations.cancel(cancelled.id)
    assert ended == await client.authorizations.get(cancelled.id)
    assert ended.status is AuthorizationStatus.CANCELLED

    await rig.sandbox.answer("airtable", user="ada@acme.test", decision="allow")
    await press(rig.client(follow_redirects=True), completed.start_url)
    with pytest.raises(ConflictError):
        await client.authorizations.cancel(completed.id)
    assert await client.authorizations.pending() == []
