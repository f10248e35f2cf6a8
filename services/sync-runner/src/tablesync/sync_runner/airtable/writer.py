"""Writes batches; of what Airtable refuses, it finds out whether a record is to blame or the table.

A refused batch is halved until the record that is to blame stands alone. A refusal that names no
field and no value may be about the table: then some records are tried alone, and the rest once
more. If all of them are refused with the same words, the table takes none.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol

import structlog
from tablesync.service_kit import clock
from tablesync.sync_runner.access.answers import OutcomeUnknownError
from tablesync.sync_runner.access.outcomes import WAIT_MAX_SECONDS
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.airtable.cells import Cell
from tablesync.sync_runner.airtable.client import AirtableClient, Json, Row
from tablesync.sync_runner.airtable.errors import (
    CreatesRefusedError,
    ListingGoneError,
    RefusedError,
    RowGoneError,
)
from tablesync.sync_runner.airtable.lookup import Lookup
from tablesync.sync_runner.airtable.reasons import (
    Reason,
    names_something,
    reason_of,
    unknown_option,
)
from tablesync.sync_runner.airtable.refused_cells import RefusedCells
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.errors import RunFailedError

log = structlog.get_logger()

# So long it may be unknown, again and again, what became of new rows.
UNKNOWN_SECONDS = 600.0
# So many records at least have to be refused with the same words before their table is to blame.
WITNESSES = 3


@dataclass(frozen=True, slots=True)
class RowWrite:
    """One record's cells by field id, and its row if that is known.

    What was refused before (`suspect`) tells nothing of its table when it is refused again. What is
    written `in_place` is neither found by its key nor created. Into a row that is there `only` some
    cells are written, if any are named.
    """

    source_id: str
    cells: Mapping[str, Cell]
    row_id: str | None
    suspect: bool = False
    in_place: bool = False
    only: Collection[str] = ()

    @property
    def sent(self) -> Mapping[str, Cell]:
        """The cells that are sent."""
        if self.row_id is None or not self.only:
            return self.cells
        return {each: self.cells[each] for each in self.only}


class Outcomes(Protocol):
    """Who wants to know what became of each record."""

    def written(self, source_id: str, row: Row) -> None:
        """Airtable acknowledged the record, and shows its row as it is now."""

    def refused(self, source_id: str, reason: Reason) -> None:
        """Airtable refused the record alone."""

    def lost(self, source_id: str) -> None:
        """Somebody deleted the row that was to be written in its place."""

    def withheld(self, source_id: str) -> None:
        """The record has no row, and the table takes no new ones now."""


class TakesRows(Protocol):
    """Who takes the rows of a run, and tells what became of them."""

    def check(self) -> None:
        """Raise what kept new rows out of the table, if anything did."""

    async def write(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> None:
        """Take up to ten records, and report each one; raises RunEndedError."""


class Operation(Enum):
    """What becomes of a row: a table may take the one and not the other."""

    CREATE = auto()
    UPDATE = auto()


@dataclass(frozen=True)
class Refusal:
    """What was refused together, and why."""

    rows: Sequence[RowWrite]
    error: RefusedError


class Writer:
    """Writes into one table, for one run; `closed` is why the table takes no new rows."""

    def __init__(
        self,
        client: AirtableClient,
        base_id: str,
        table_id: str,
        key_field: str,
        fields: Mapping[str, Field],
    ) -> None:
        self.closed: RunFailedError | None = None
        self._client = client
        self._base_id = base_id
        self._table_id = table_id
        self._key_field = key_field
        self._fields = fields
        self._lookup = Lookup(client, base_id, table_id, fields[key_field])
        self._read_again = False
        self._proved: set[Operation] = set()
        self._refused_cells = RefusedCells(key_field)
        self._turn = _Turn()

    def check(self) -> None:
        """Raise what kept new rows out of the table, if anything did."""
        if self.closed is not None:
            raise self.closed

    async def write(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> None:
        """Write up to ten records, and report each one; raises RunEndedError.

        Until the table has taken one, a batch goes alone: what is the table's trouble is found out
        by one batch, and not by all that are under way.
        """
        async with self._alone_until_proved(_operations(rows)):
            refusal = await self._attempt(rows, outcomes)
            if refusal is not None:
                await self._sort_out(refusal, outcomes)

    @asynccontextmanager
    async def _alone_until_proved(self, operations: Collection[Operation]) -> AsyncIterator[None]:
        """Have the turn; whoever waited for it goes on at once when the table has taken one."""
        if not self._proved.issuperset(operations):
            async with self._turn.taken():
                if not self._proved.issuperset(operations):
                    yield
                    return
        yield

    async def _attempt(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> Refusal | None:
        """Write what can be; return what was refused, with why."""
        while rows := self._admitted(rows, outcomes):
            try:
                written = await self._send(rows)
            except CreatesRefusedError as refused:
                self._close(refused.ending, rows)
            except RowGoneError as gone:
                remaining = _without_row(rows, gone, outcomes)
                if list(rows) == remaining:
                    return Refusal(rows, RefusedError(str(gone), "ROW_DOES_NOT_EXIST"))
                rows = remaining
            except RefusedError as refused:
                return Refusal(rows, refused)
            else:
                self._proved |= _operations(rows)
                for sent, row in zip(rows, written, strict=True):
                    outcomes.written(sent.source_id, row)
                return None
        return None

    async def _send(self, rows: Sequence[RowWrite]) -> Sequence[Row]:
        """Send; where it is not known what became of new rows, they are looked up before."""
        patience = _Patience()
        while True:
            try:
                return await self._client.write(
                    self._base_id, self._table_id, [_body(row) for row in rows], self._key_field
                )
            except OutcomeUnknownError as unknown:
                rows = await self._looked_up(rows, unknown, patience.seconds(unknown))

    async def _looked_up(
        self, rows: Sequence[RowWrite], unknown: OutcomeUnknownError, wait_seconds: float
    ) -> Sequence[RowWrite]:
        """Name the rows that were made all the same; what has none may still get it for a while."""
        if unknown.at_work_seconds:
            rows = await self._found(rows)
        if Operation.CREATE in _operations(rows):
            await self._client.wait_out(wait_seconds)
            rows = await self._found(rows)
        return rows

    async def _found(self, rows: Sequence[RowWrite]) -> Sequence[RowWrite]:
        new = [each for each in rows if each.row_id is None]
        try:
            ids = await self._lookup.row_ids([each.cells[self._key_field] for each in new])
        except (RefusedError, ListingGoneError) as refused:  # an upsert looks, if less surely
            log.error("rows not looked up", table=self._table_id, error=str(refused))
            return rows
        known = {each.source_id: id_ for each, id_ in zip(new, ids, strict=True)}
        return [replace(each, row_id=known.get(each.source_id, each.row_id)) for each in rows]

    def _admitted(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> Sequence[RowWrite]:
        """Leave out what has a refused cell, or no row in a table that takes no new ones."""
        rows = self._without_refused(rows, outcomes)
        if self.closed is None:
            return rows
        for row in rows:
            if row.row_id is None:
                outcomes.withheld(row.source_id)
        return [each for each in rows if each.row_id is not None]

    def _without_refused(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> Sequence[RowWrite]:
        admitted: list[RowWrite] = []
        for row in rows:
            reason = self._refused_cells.reason(row.sent)
            if reason is None:
                admitted.append(row)
            else:
                outcomes.refused(row.source_id, reason)
        return admitted

    def _close(self, why: RunFailedError, rows: Sequence[RowWrite]) -> None:
        """Take no new rows any more; raises it where no row of the batch was to be new."""
        if Operation.CREATE not in _operations(rows):
            raise why
        self.closed = self.closed or why

    async def _sort_out(self, refusal: Refusal, outcomes: Outcomes) -> None:
        """Find who is to blame for a refusal."""
        rows = refusal.rows
        if refusal.error.of_options:
            rows = await self._refuse_unknown_options(rows, outcomes)
        if len(rows) < len(refusal.rows):
            await self.write(rows, outcomes)
        elif len(rows) == 1:
            self._refuse(rows[0], refusal.error, outcomes)
        elif self._is_of_a_record(refusal):
            self._proved |= _operations(rows)
            await self._write_apart(_halves(rows), outcomes)
        elif len(_operations(rows)) > 1:
            await self._write_apart(_by_operation(rows), outcomes)
        else:
            async with self._turn.taken():
                await self._judge(refusal, outcomes)

    async def _write_apart(self, parts: Iterable[Sequence[RowWrite]], outcomes: Outcomes) -> None:
        for part in parts:
            await self.write(part, outcomes)

    def _is_of_a_record(self, refusal: Refusal) -> bool:
        return any(
            row.suspect or names_something(refusal.error, row.sent, self._fields)
            for row in refusal.rows
        )

    async def _judge(self, refusal: Refusal, outcomes: Outcomes) -> None:
        """Tell a record that is to blame from a table that takes none, whatever it holds."""
        waiting = list(self._admitted(refusal.rows, outcomes))
        refused: list[Refusal] = []
        for witness in _witnesses(waiting):
            waiting.remove(witness)
            again = await self._attempt([witness], outcomes)
            if again is None:
                await self._write_apart(_halves(waiting), outcomes)
                break
            refused.append(again)
        else:
            if together := await self._attempt(waiting, outcomes):
                refused.append(together)
            if _all_alike(refusal, refused):
                self._condemn(refusal, outcomes)
                return
        for each in refused:
            await self._sort_out(each, outcomes)

    def _condemn(self, refusal: Refusal, outcomes: Outcomes) -> None:
        """Take the table for one that takes no new rows; raises if it takes no changes either."""
        creates = Operation.CREATE in _operations(refusal.rows)
        what = "adds no row" if creates else "changes no row"
        words = refusal.error.message.rstrip(".")
        summary = f"Airtable {what} of table {self._table_id}, whatever it holds: {words}."
        self._close(RunFailedError.resource(summary, self._client.connection_id), refusal.rows)
        self._admitted(refusal.rows, outcomes)

    async def _refuse_unknown_options(
        self, rows: Sequence[RowWrite], outcomes: Outcomes
    ) -> Sequence[RowWrite]:
        """Refuse what is none of the options that the table has by now; return the others."""
        await self._read_fields_again()
        known = []
        for row in rows:
            reason = unknown_option(row.sent, self._fields)
            if reason is None:
                known.append(row)
            else:
                outcomes.refused(row.source_id, reason)
        return known

    async def _read_fields_again(self) -> None:
        """Look once what the fields are by now: somebody may have changed their options."""
        async with self._turn.taken():
            if self._read_again:
                return
            tables = await self._client.tables(self._base_id)
            self._read_again = True
            fields = [each.fields for each in tables if each.id == self._table_id]
            self._fields = {**self._fields, **next(iter(fields), {})}

    def _refuse(self, row: RowWrite, error: RefusedError, outcomes: Outcomes) -> None:
        reason = reason_of(error, row.sent, self._fields[self._key_field], self._fields)
        self._refused_cells.add(row.sent, self._fields, reason)
        outcomes.refused(row.source_id, reason)


class _Patience:
    """How long requests may end in nobody knows what, and how long to wait each time."""

    def __init__(self) -> None:
        self._since = clock.seconds()
        self._backoff = 0.5

    def seconds(self, unknown: OutcomeUnknownError) -> float:
        """Return how long to wait; raises RunFailedError (provider) once that was too long."""
        if clock.seconds() - self._since > UNKNOWN_SECONDS:
            raise ProviderClient.too_long(unknown) from unknown
        self._backoff = min(2 * self._backoff, WAIT_MAX_SECONDS)
        return unknown.at_work_seconds or unknown.retry_after or self._backoff


class _Turn:
    """A lock that whoever has it may take again."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Have it while the block runs."""
        task = asyncio.current_task()
        if self._holder is task:
            yield
            return
        async with self._lock:
            self._holder = task
            try:
                yield
            finally:
                self._holder = None


def _operation(row: RowWrite) -> Operation:
    return Operation.CREATE if row.row_id is None else Operation.UPDATE


def _operations(rows: Sequence[RowWrite]) -> set[Operation]:
    return {_operation(each) for each in rows}


def _by_operation(rows: Sequence[RowWrite]) -> list[list[RowWrite]]:
    return [[row for row in rows if _operation(row) is each] for each in Operation]


def _halves(rows: Sequence[RowWrite]) -> list[Sequence[RowWrite]]:
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]]


def _witnesses(rows: Sequence[RowWrite]) -> list[RowWrite]:
    """Return some records from all over a batch."""
    last = len(rows) - 1
    return [rows[each] for each in sorted({0, last // 2, last}) if each >= 0]


def _all_alike(first: Refusal, again: Sequence[Refusal]) -> bool:
    """Whether enough records, and all of a batch, were refused with the same words."""
    count = sum(len(each.rows) for each in again)
    alike = all(each.error.is_like(first.error) for each in again)
    return alike and count == len(first.rows) >= WITNESSES


def _without_row(
    rows: Sequence[RowWrite], gone: RowGoneError, outcomes: Outcomes
) -> Sequence[RowWrite]:
    """Forget a row that somebody deleted: its record is found by its key, or created.

    One that is not named can only be a row that stands alone.
    """
    lost = rows[0].row_id if gone.row_id is None and len(rows) == 1 else gone.row_id
    remaining: list[RowWrite] = []
    for row in rows:
        if row.row_id != lost:
            remaining.append(row)
        elif row.in_place:
            outcomes.lost(row.source_id)
        else:
            remaining.append(replace(row, row_id=None))
    return remaining


def _body(row: RowWrite) -> Json:
    body: Json = {"fields": row.sent}
    if row.row_id is not None:
        body["id"] = row.row_id
    return body
