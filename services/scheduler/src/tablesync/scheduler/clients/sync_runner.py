"""What a source and a base have to offer, as sync-runner tells it."""

from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter
from tablesync.scheduler.errors import connection_not_connected
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.http.retry_after import retry_after

SERVICE = "sync-runner"
_NOT_FOUND = 404
_CONFLICT = 409

M = TypeVar("M", bound=BaseModel)


class SourceObject(BaseModel):
    """Something to read, such as contacts."""

    name: str


class SourceProperty(BaseModel):
    """A property of a source object."""

    name: str


class Base(BaseModel):
    """An Airtable base."""

    id: str
    name: str


class Field(BaseModel):
    """A field of an Airtable table; Airtable merges only on some types."""

    id: str
    name: str
    type: str
    mergeable: bool
    writable: bool = True


class Table(BaseModel):
    """An Airtable table."""

    id: str
    name: str
    fields: list[Field]


class Catalog:
    """One workspace's view of what its connections can reach; each answer None where unknown."""

    def __init__(self, client: httpx.AsyncClient, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id

    async def objects(self, connection_id: str) -> list[SourceObject] | None:
        """Return what can be read."""
        return await self._items(SourceObject, connection_id, "objects")

    async def properties(self, connection_id: str, name: str) -> list[SourceProperty] | None:
        """Return the properties of one object."""
        return await self._items(SourceProperty, connection_id, "objects", name, "properties")

    async def bases(self, connection_id: str) -> list[Base] | None:
        """Return the bases that the grant covers."""
        return await self._items(Base, connection_id, "bases")

    async def tables(self, connection_id: str, base_id: str) -> list[Table] | None:
        """Return the tables of a base, with their fields."""
        return await self._items(Table, connection_id, "bases", base_id, "tables")

    async def _items(self, model: type[M], connection_id: str, *path: str) -> list[M] | None:
        parts = "/".join(quote(part, safe="") for part in (connection_id, *path))
        response = await self._client.get(
            f"/internal/v1/catalog/{parts}", params={"workspace_id": self._workspace_id}
        )
        if response.status_code == _NOT_FOUND:
            return None
        return TypeAdapter(list[model]).validate_python(  # type: ignore[valid-type]
            _items_of(response, connection_id)
        )


def _items_of(response: httpx.Response, connection_id: str) -> list[Any]:
    body = json_or_none(response)
    if response.status_code == _CONFLICT and isinstance(body, dict):
        status = body.get("connection_status") or "not connected"
        raise connection_not_connected(connection_id, str(status), body.get("cause"))
    if response.is_success and isinstance(body, dict) and isinstance(body.get("items"), list):
        items: list[Any] = body["items"]
        return items
    raise DependencyUnavailableError(SERVICE, retry_after(response))
