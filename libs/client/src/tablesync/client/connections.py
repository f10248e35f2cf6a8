"""Providers, connections, and attempts to connect (auth-service)."""

from collections.abc import AsyncIterator

from tablesync.client.edge import Edge
from tablesync.client.pages import Page, read_all, read_page
from tablesync.contracts.public_api.connections import (
    AuthorizationView,
    ConnectionCounts,
    ConnectionEdit,
    ConnectionEntry,
    ConnectionName,
    ConnectionNames,
    ConnectionView,
    CreatedAuthorization,
    NewAuthorization,
    ProviderList,
    ProviderView,
)


class Providers:
    """What can be connected."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def all(self) -> tuple[ProviderView, ...]:
        """Return them all."""
        return (await self._edge.get("/v1/providers", ProviderList)).items


class Connections:
    """The connections of a workspace."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def page(
        self,
        *,
        q: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ConnectionView]:
        """Return a page of them, or of those that each word of `q` is in: worst first, by name."""
        query = {"q": q, "provider": provider, "limit": limit, "cursor": cursor}
        return await read_page(self._edge, "/v1/connections", ConnectionView, query)

    def all(self) -> AsyncIterator[ConnectionView]:
        """Yield them all, worst first, then by name."""
        return read_all(self._edge, "/v1/connections", ConnectionView)

    async def counts(self) -> ConnectionCounts:
        """Return how many there are of each badge."""
        return await self._edge.get("/v1/connections/counts", ConnectionCounts)

    async def names(self) -> tuple[ConnectionName, ...]:
        """Return what they are called, worst first; a thousand at most."""
        return (await self._edge.get("/v1/connections/names", ConnectionNames)).items

    async def get(self, connection_id: str) -> ConnectionView:
        """Return one."""
        return await self._edge.get(f"/v1/connections/{connection_id}", ConnectionView)

    async def history(
        self, connection_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[ConnectionEntry]:
        """Return a page of what it has been through, newest first."""
        query = {"limit": limit, "cursor": cursor}
        path = f"/v1/connections/{connection_id}/history"
        return await read_page(self._edge, path, ConnectionEntry, query)

    async def rename(
        self, connection_id: str, name: str | None, *, idempotency_key: str | None = None
    ) -> ConnectionView:
        """Call it otherwise; without a name, by its account again."""
        return await self._edge.change(
            "PATCH",
            f"/v1/connections/{connection_id}",
            ConnectionView,
            ConnectionEdit(name=name),
            idempotency_key=idempotency_key,
        )

    async def disconnect(
        self, connection_id: str, *, idempotency_key: str | None = None
    ) -> ConnectionView:
        """Forget its tokens: its syncs wait until it is connected again."""
        return await self._edge.change(
            "POST",
            f"/v1/connections/{connection_id}/disconnect",
            ConnectionView,
            idempotency_key=idempotency_key,
        )


class Authorizations:
    """Attempts to connect or reconnect: each begins when a browser opens its page."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def create(
        self, wanted: NewAuthorization, *, idempotency_key: str | None = None
    ) -> CreatedAuthorization:
        """Begin an attempt."""
        return await self._edge.change(
            "POST",
            "/v1/authorizations",
            CreatedAuthorization,
            wanted,
            idempotency_key=idempotency_key,
        )

    async def pending(self) -> list[AuthorizationView]:
        """Return those that go on."""
        going_on = read_all(self._edge, "/v1/authorizations", AuthorizationView, status="pending")
        return [each async for each in going_on]

    async def cancel(
        self, authorization_id: str, *, idempotency_key: str | None = None
    ) -> AuthorizationView:
        """End one that goes on; raises ConflictError if it has connected already."""
        return await self._edge.change(
            "POST",
            f"/v1/authorizations/{authorization_id}/cancel",
            AuthorizationView,
            idempotency_key=idempotency_key,
        )

    async def get(self, authorization_id: str) -> AuthorizationView:
        """Return what has become of one."""
        return await self._edge.get(f"/v1/authorizations/{authorization_id}", AuthorizationView)
