"""Airtable's routes that a sync needs, within the budgets of base and user."""

from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError
from tablesync.contracts.ids import AirtableBaseId, AirtableTableId
from tablesync.contracts.internal_api import AirtableBase
from tablesync.sync_runner.access.answers import (
    Answer,
    Continuations,
    not_understood,
    understood,
)
from tablesync.sync_runner.access.provider_client import (
    ProviderClient,
    Refusal,
    TransientError,
)
from tablesync.sync_runner.airtable.budgets import AirtableBudgets
from tablesync.sync_runner.airtable.errors import (
    RefusedError,
    RowGoneError,
    named_field,
    named_row,
    read_error,
)
from tablesync.sync_runner.airtable.schema import Table, TablesAnswer, read_tables
from tablesync.sync_runner.errors import RunFailedError

PENALTY_SECONDS = 30.0
RECORDS_PER_REQUEST = 10
Json = dict[str, Any]
_BASE, _TABLE = TypeAdapter[str](AirtableBaseId), TypeAdapter[str](AirtableTableId)


class Bases(Answer):
    """One page of the bases that a user granted."""

    bases: tuple[AirtableBase, ...]
    offset: str | None = None


class Row(Answer):
    """A row that was written."""

    id: str


class Rows(Answer):
    """The rows that were written, in the order in which they were sent."""

    records: tuple[Row, ...]


class AirtableClient:
    """One connection's Airtable."""

    def __init__(self, client: ProviderClient, budgets: AirtableBudgets) -> None:
        self._client = client
        self._budgets = budgets

    async def bases(self) -> list[AirtableBase]:
        """Return the bases that the user granted."""
        found: list[AirtableBase] = []
        offset: str | None = None
        continuations = Continuations()
        while True:
            params = {"offset": offset} if offset else {}
            response = await self._client.call(
                "GET", "/v0/meta/bases", [self._budgets.user], self._refusal(None), params=params
            )
            page = understood(Bases, response)
            found += page.bases
            offset = continuations.take(page.offset, response)
            if offset is None:
                return found

    async def tables(self, base_id: str) -> list[Table]:
        """Return a base's tables; raises RunFailedError (resource) if it is not granted."""
        path = f"/v0/meta/bases/{_checked(_BASE, base_id)}/tables"
        response = await self._call("GET", path, base_id)
        return read_tables(understood(TablesAnswer, response))

    async def write(
        self, base_id: str, table_id: str, records: Sequence[Json], key_field: str
    ) -> list[str]:
        """Write up to ten records at once, all or none; return their row ids in order.

        A record with an `id` updates that row; one without is found by its key, or created.
        Raises RefusedError or RowGoneError for something in the batch, RunEndedError else.
        """
        body: Json = {"records": records, "returnFieldsByFieldId": True, "typecast": False}
        if any("id" not in each for each in records):
            body["performUpsert"] = {"fieldsToMergeOn": [key_field]}
        path = f"/v0/{_checked(_BASE, base_id)}/{_checked(_TABLE, table_id)}"
        response = await self._call("PATCH", path, base_id, body)
        rows = understood(Rows, response).records
        if len(rows) != len(records):
            raise not_understood(response, ValueError(f"{len(rows)} rows of {len(records)}"))
        return [each.id for each in rows]

    async def _call(
        self, method: str, path: str, base_id: str, json: Json | None = None
    ) -> httpx.Response:
        budgets = [self._budgets.user, self._budgets.base(base_id)]
        return await self._client.call(method, path, budgets, self._refusal(base_id), json=json)

    def _refusal(self, base_id: str | None) -> Refusal:
        async def refuse(response: httpx.Response) -> None:
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                await self._too_many(base_id, response)
            self._refuse(base_id, response)

        return refuse

    async def _too_many(self, base_id: str | None, response: httpx.Response) -> None:
        kind, message = read_error(response)
        if kind == "PUBLIC_API_BILLING_LIMIT_EXCEEDED":
            raise RunFailedError.quota(
                f"Airtable's monthly quota is used up: {message}", self._client.connection_id
            )
        budget = self._budgets.user if base_id is None else self._budgets.base(base_id)
        await budget.freeze(PENALTY_SECONDS)
        raise TransientError("Airtable's rate limit", 0.0)

    def _refuse(self, base_id: str | None, response: httpx.Response) -> None:
        kind, message = read_error(response)
        status = response.status_code
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise TransientError.of(response, f"Airtable answered {status}")
        if kind == "ROW_DOES_NOT_EXIST" and (row := named_row(message)):
            raise RowGoneError(row)
        if kind == "UNKNOWN_FIELD_NAME":
            raise RunFailedError.mapping(f"A mapped field is no longer in the table: {message}")
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            where = f"base {base_id}" if base_id else "the bases"
            raise RunFailedError.resource(
                f"Airtable refuses {where}: {message}", self._client.connection_id
            )
        if status in (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
            raise RefusedError(message, named_field(message))
        raise RunFailedError.provider(
            f"Airtable answered {status}: {message}", self._client.connection_id
        )


def _checked(kind: TypeAdapter[str], id_: str) -> str:
    """Return an id for a path, wherever it came from; raises RunFailedError (resource)."""
    try:
        return kind.validate_python(id_)
    except ValidationError:
        what = "base" if kind is _BASE else "table"
        raise RunFailedError.resource(f"Airtable has no {what} with the id {id_[:40]!r}.") from None
