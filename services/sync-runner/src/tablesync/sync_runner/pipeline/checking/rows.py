"""The first part of a check of everything: the table's rows, compared with what is known of them.

Rows that are of no record are other people's, and left alone. Nothing is written: what differs
loses its digest, and is written once it is read at the source.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tablesync.sync_runner.access.answers import EndlessListError
from tablesync.sync_runner.airtable.client import AirtableClient, Row
from tablesync.sync_runner.airtable.errors import ListingGoneError
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.pipeline.record_states import STATES_AT_ONCE, Lack, RecordState
from tablesync.sync_runner.stall import StallTimer

BEGINNINGS = 5


class RowComparison:
    """Reads one table page by page, from where its check has come to."""

    def __init__(
        self, plan: Plan, journal: Journal, client: AirtableClient, stall_timer: StallTimer
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._client = client
        self._stall_timer = stall_timer

    async def run(self) -> None:
        """Compare to the end; a listing that Airtable has forgotten, or has no end, is begun again.

        What was seen of it counts: a row that was there once is no missing one.
        """
        for _ in range(BEGINNINGS):
            try:
                await self._compare_pages()
            except (ListingGoneError, EndlessListError):
                self._journal.compare_from(None)
            else:
                await self._note_missing()
                self._journal.end_comparison()
                await self._journal.save()  # a worker that takes over has to know what is behind it
                return
        raise RunFailedError.provider("Airtable did not show the table's rows to their end.")

    async def _compare_pages(self) -> None:
        to, offset = self._plan.spec.destination, self._journal.offset
        pages = self._client.rows(to.base_id, to.table_id, self._plan.field_ids, offset)
        async for page in pages:
            self._stall_timer.restart()
            await self._compare(page.records)
            if page.offset is not None:
                self._journal.compare_from(page.offset)

    async def _compare(self, rows: Sequence[Row]) -> None:
        states: dict[str, list[RecordState]] = defaultdict(list)
        for each in await self._journal.states_of_rows([row.id for row in rows]):
            states[each.row_id or ""].append(each)
        for row in rows:
            if row.id in states:
                state, *others = self._most_alike_first(row, states[row.id])
                self._look(row, state)
                self._note_without_row(others)
        self._journal.check.see_rows(states.keys())

    def _most_alike_first(self, row: Row, states: Iterable[RecordState]) -> list[RecordState]:
        """Return who is said to have a row: two, where one found it by its key and took it."""
        told = self._plan.digest_of_row(row.fields)
        return sorted(states, key=lambda each: each.held != told)

    def _note_without_row(self, states: Iterable[RecordState]) -> None:
        for each in states:
            self._journal.note(replace(each.unknown(), row_id=None, lack=Lack.ROW))

    def _look(self, row: Row, state: RecordState) -> None:
        """Take the digest of a row away that holds something else, or note whose key it has.

        Where gone records are not marked, nobody knows any more what theirs should hold.
        """
        if state.gone and self._plan.gone is None:
            return
        key = self._plan.key_in_row(row.fields)
        if state.held is None:
            changed = self._is_given(key, state)
        else:
            changed = self._plan.digest_of_row(row.fields) != state.held
        if changed:
            lack = Lack.CELLS if self._journal.knows_rows else Lack.UNKNOWN
            by_hand = key if key != state.key else None
            self._journal.note(replace(state.unknown(), lack=lack, former_key=by_hand))

    def _is_given(self, key: str | None, state: RecordState) -> bool:
        """Whether people gave a row a key of which its record knows nothing."""
        return key is not None and key not in state.keys and not self._plan.key_is_record_id

    async def _note_missing(self) -> None:
        await self._journal.save()
        after = ""
        while states := await self._journal.without_row(after, STATES_AT_ONCE):
            after = states[-1].source_id
            self._note_without_row(states)
            await self._journal.save()
