"""Writes batches and finds the one record in ten that Airtable refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tablesync.sync_runner.airtable.cells import Cell
from tablesync.sync_runner.airtable.client import AirtableClient, Json
from tablesync.sync_runner.airtable.errors import RefusedError, RowGoneError
from tablesync.sync_runner.airtable.names import with_names
from tablesync.sync_runner.airtable.schema import Field


@dataclass(frozen=True, slots=True)
class RowWrite:
    """One record's cells by field id, and its row if that is known."""

    source_id: str
    cells: Mapping[str, Cell]
    row_id: str | None


class Outcomes(Protocol):
    """Who wants to know what became of each record."""

    def written(self, source_id: str, row_id: str) -> None:
        """Airtable acknowledged the record."""

    def refused(self, source_id: str, reason: str, field: str | None) -> None:
        """Airtable refused the record alone."""


class Writer:
    """Writes into one table."""

    def __init__(
        self,
        client: AirtableClient,
        base_id: str,
        table_id: str,
        key_field: str,
        fields: Mapping[str, Field],
    ) -> None:
        self._client = client
        self._base_id = base_id
        self._table_id = table_id
        self._key_field = key_field
        self._fields = fields

    async def write(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> None:
        """Write up to ten records, and report each one; raises RunEndedError.

        A refused batch is halved until the record that is to blame stands alone, so that all
        others are written.
        """
        try:
            row_ids = await self._client.write(
                self._base_id, self._table_id, [_body(row) for row in rows], self._key_field
            )
        except RowGoneError as gone:
            await self._without_row(rows, gone, outcomes)
        except RefusedError as refused:
            await self._halve(rows, refused, outcomes)
        else:
            for row, row_id in zip(rows, row_ids, strict=True):
                outcomes.written(row.source_id, row_id)

    async def _without_row(
        self, rows: Sequence[RowWrite], gone: RowGoneError, outcomes: Outcomes
    ) -> None:
        """Forget a row that somebody deleted: its record is found by its key, or created."""
        remaining = [
            replace(row, row_id=None) if row.row_id == gone.row_id else row for row in rows
        ]
        if remaining == list(rows):
            await self._halve(rows, RefusedError(f"Row {gone.row_id} does not exist."), outcomes)
        else:
            await self.write(remaining, outcomes)

    async def _halve(
        self, rows: Sequence[RowWrite], refused: RefusedError, outcomes: Outcomes
    ) -> None:
        if len(rows) == 1:
            field = self._fields.get(refused.field or "")
            name = field.name if field else refused.field
            names = {each.id: each.name for each in self._fields.values()}
            reason = with_names(f"Airtable refused it: {refused}", names)
            outcomes.refused(rows[0].source_id, reason, name)
            return
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            await self.write(half, outcomes)


def _body(row: RowWrite) -> Json:
    body: Json = {"fields": row.cells}
    if row.row_id is not None:
        body["id"] = row.row_id
    return body
