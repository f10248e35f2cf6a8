"""Airtable's routes that a sync needs, within the budgets of base and user."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import Field, TypeAdapter, ValidationError
from tablesync.contracts.ids import AirtableBaseId, AirtableTableId
from tablesync.contracts.internal_api import AirtableBase
from tablesync.sync_runner.access.answers import (
    Answer,
    Continuations,
    TransientError,
    or_else,
    understood,
)
from tablesync.sync_runner.access.budgets import Claim
from tablesync.sync_runner.access.provider_client import Call, ProviderClient
from tablesync.sync_runner.airtable.budgets import AirtableBudgets
from tablesync.sync_runner.airtable.errors import (
    CreatesRefusedError,
    ForbiddenError,
    ListingGoneError,
    RefusedError,
    RowGoneError,
)
from tablesync.sync_runner.airtable.outcomes import AirtableOutcomes
from tablesync.sync_runner.airtable.schema import Table, TableAnswer, TablesAnswer, read_tables
from tablesync.sync_runner.errors import RunFailedError

T = TypeVar("T")
RECORDS_PER_REQUEST = 10
ROWS_PER_PAGE = 100
Json = dict[str, Any]
_BASE, _TABLE = TypeAdapter[str](AirtableBaseId), TypeAdapter[str](AirtableTableId)


class Bases(Answer):
    """One page of the bases that a user granted; one that is odd is left out."""

    bases: tuple[Annotated[AirtableBase | None, or_else("id", lambda _: None)], ...]
    offset: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is now; empty cells are left out. One that is `new` was made by this request."""

    id: str
    fields: Json = field(default_factory=dict)
    new: bool = False


class Rows(Answer):
    """Rows: in the order in which they were sent, or one page of a table."""

    records: tuple[Row, ...]
    offset: str | None = None
    created: frozenset[str] = Field(default=frozenset(), alias="createdRecords")


class AirtableClient:
    """One connection's Airtable."""

    def __init__(self, client: ProviderClient, budgets: AirtableBudgets) -> None:
        self._client = client
        self._budgets = budgets

    @property
    def connection_id(self) -> str:
        """The connection that the calls are made on."""
        return self._client.connection_id

    async def bases(self) -> list[AirtableBase]:
        """Return the bases that the user granted."""
        found: list[AirtableBase] = []
        offset: str | None = None
        continuations = Continuations()
        while True:
            params = {"offset": offset} if offset else {}
            page = await self._call("GET", "/v0/meta/bases", None, _bases, params=params)
            found += filter(None, page.bases)
            last_id = found[-1].id if page.bases else None
            offset = continuations.take(page.offset, "Airtable", last_id)
            if offset is None:
                return found

    async def tables(self, base_id: str) -> list[Table]:
        """Return a base's tables; raises RunFailedError (resource) if it is not granted."""
        path = f"/v0/meta/bases/{_checked(_BASE, base_id)}/tables"
        return await self._call("GET", path, base_id, _tables)

    async def create_table(self, base_id: str, name: str, fields: Sequence[Json]) -> Table:
        """Make a table, and return it.

        Raises ForbiddenError, RefusedError for what the table cannot be, OutcomeUnknownError if it
        is not known whether it was made.
        """
        path = f"/v0/meta/bases/{_checked(_BASE, base_id)}/tables"
        body: Json = {"name": name, "fields": fields}
        foreseen = [ForbiddenError, RefusedError]
        return await self._call(
            "POST", path, base_id, _table, foreseen, json=body, repeatable=False
        )

    async def rows(
        self,
        base_id: str,
        table_id: str,
        fields: Sequence[str],
        offset: str | None = None,
        *,
        formula: str | None = None,
    ) -> AsyncIterator[Rows]:
        """Yield a table's rows page by page, those that a formula holds for, with these fields.

        Raises ListingGoneError for an offset that Airtable has forgotten, RefusedError for a
        formula that it does not take.
        """
        continuations = Continuations(offset)
        while True:
            page = await self._rows(base_id, table_id, fields, offset, formula)
            yield page
            last_id = page.records[-1].id if page.records else None
            offset = continuations.take(page.offset, "Airtable", last_id)
            if offset is None:
                return

    async def _rows(
        self,
        base_id: str,
        table_id: str,
        fields: Sequence[str],
        offset: str | None,
        formula: str | None,
    ) -> Rows:
        body: Json = {
            "pageSize": ROWS_PER_PAGE,
            "fields": list(fields),
            "returnFieldsByFieldId": True,
            **({"offset": offset} if offset else {}),
            **({"filterByFormula": formula} if formula else {}),
        }
        path = f"{_path(base_id, table_id)}/listRecords"
        foreseen = [ListingGoneError, RefusedError] if formula else [ListingGoneError]
        read = partial(understood, Rows)
        return await self._call("POST", path, base_id, read, foreseen, json=body)

    async def write(
        self, base_id: str, table_id: str, records: Sequence[Json], key_field: str
    ) -> Sequence[Row]:
        """Write up to ten records at once, all or none; return their rows in order.

        A record with an `id` updates that row; one without is found by its key, or created.
        Raises RefusedError or RowGoneError for something in the batch, CreatesRefusedError if the
        table takes no new rows, OutcomeUnknownError if it is not known whether some were made,
        RunEndedError else.
        """
        body: Json = {"records": records, "returnFieldsByFieldId": True, "typecast": False}
        creates = any("id" not in each for each in records)
        if creates:
            body["performUpsert"] = {"fieldsToMergeOn": [key_field]}
        read = partial(_written, count=len(records))
        path = _path(base_id, table_id)
        foreseen = [RefusedError, RowGoneError, CreatesRefusedError]
        return await self._call(
            "PATCH", path, base_id, read, foreseen, json=body, repeatable=not creates
        )

    async def wait_out(self, seconds: float) -> None:
        """Wait for a request that may still be at work, and count as one that is on the wire.

        So the table stays in these hands meanwhile.
        """
        with self._client.on_the_wire():
            await asyncio.sleep(seconds)

    async def _call(
        self,
        method: str,
        path: str,
        base_id: str | None,
        read: Callable[[httpx.Response], T],
        foreseen: Collection[type[Exception]] = (),
        **more: Any,
    ) -> T:
        narrowest_first = [self._budgets.base(base_id)] if base_id else []
        claims = [Claim(each) for each in (*narrowest_first, self._budgets.user)]
        narrowest, connection_id = claims[0].budget, self._client.connection_id
        outcomes = AirtableOutcomes(narrowest, base_id, connection_id, foreseen)
        return await self._client.call(Call(method, path, claims, outcomes.classify, read, **more))


def _path(base_id: str, table_id: str) -> str:
    return f"/v0/{_checked(_BASE, base_id)}/{_checked(_TABLE, table_id)}"


def _bases(response: httpx.Response) -> Bases:
    """Read a page of bases; where none is understood, the next answer may be a better one."""
    page = understood(Bases, response)
    if page.bases and not any(page.bases):
        raise TransientError("Airtable answered with bases that are not understood")
    return page


def _tables(response: httpx.Response) -> list[Table]:
    """Read a base's tables; where none is understood, the next answer may be a better one."""
    found = read_tables(understood(TablesAnswer, response))
    if found and not any(each.understood for each in found):
        raise TransientError("Airtable answered with tables that are not understood")
    return found


def _table(response: httpx.Response) -> Table:
    """Read a table that was made: one that is not understood may be made all the same."""
    (table,) = read_tables(TablesAnswer(tables=(understood(TableAnswer, response),)))
    return table


def _written(response: httpx.Response, count: int) -> Sequence[Row]:
    """Read which rows were written: as many as were sent."""
    told = understood(Rows, response)
    if len(told.records) != count:
        raise TransientError(f"Airtable answered with {len(told.records)} rows for {count} records")
    return [Row(each.id, each.fields, each.id in told.created) for each in told.records]


def _checked(kind: TypeAdapter[str], id_: str) -> str:
    """Return an id for a path, wherever it came from; raises RunFailedError (resource)."""
    try:
        return kind.validate_python(id_)
    except ValidationError:
        what = "base" if kind is _BASE else "table"
        raise RunFailedError.resource(f"Airtable has no {what} with the id {id_[:40]!r}.") from None
