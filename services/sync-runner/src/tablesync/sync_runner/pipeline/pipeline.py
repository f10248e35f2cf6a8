"""The pipeline of one run: pages in, batches of ten out, and only so much in memory.

    read (two pages ahead) → coerce → drop unchanged → batches of 10 → write (some in flight)

Pages are bounded by number and by bytes: what is ahead, and what is open, may each be as large as
`page_bytes`, and a page that is larger passes alone.

A record is never twice under way: before a page is looked at, the same records of earlier pages
have to have arrived. Nor is a key: what is under way with it has to have arrived before it is
settled whose it is. What arrived goes to the journal at once; pages count as done in reading
order.
"""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from tablesync.sync_runner.airtable.client import RECORDS_PER_REQUEST, Row
from tablesync.sync_runner.airtable.reasons import Reason
from tablesync.sync_runner.airtable.writer import RowWrite, TakesRows
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.keys import Keys, Release, Releases, Settled
from tablesync.sync_runner.pipeline.mapper import Item, Mapper
from tablesync.sync_runner.pipeline.tally import PageTrack
from tablesync.sync_runner.signals import Signals
from tablesync.sync_runner.sources.base import Page, SourceRecord
from tablesync.sync_runner.stall import StallTimer

Phase = Literal["reading", "writing", "waiting_for_budget"]
READ_AHEAD_PAGES = 2
OPEN_PAGES = 8


class Pipeline:
    """Moves one pass through a bounded amount of memory; `sending` are tasks on the wire."""

    def __init__(
        self,
        mapper: Mapper,
        keys: Keys,
        journal: Journal,
        writer: TakesRows,
        signals: Signals,
        stall_timer: StallTimer,
        *,
        writes_in_flight: int,
        page_bytes: int,
        sending: "set[asyncio.Task[Any] | None]",
    ) -> None:
        self._mapper = mapper
        self._keys = keys
        self._journal = journal
        self._writer = writer
        self._signals = signals
        self._stall_timer = stall_timer
        self._slots = asyncio.Semaphore(writes_in_flight)
        self._page_bytes = page_bytes
        self._arrival = asyncio.Event()
        # Suspects travel apart: they must not hold up nine others again.
        self._buffers: dict[bool, list[Item]] = {True: [], False: []}
        self._under_way: dict[str, Item] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._sending = sending
        self.total: int | None = None

    async def run(self, pages: AsyncIterator[Page]) -> None:
        """Read to the end and write everything; raises what ended it, or kept new rows out."""
        async with aclosing(_ahead(pages, self._page_bytes)) as ahead:
            async for page in ahead:
                await self._take(page)
        await self._dispatch()
        await self._until(lambda: not self._writing)
        self._writer.check()

    @property
    def phase(self) -> Phase:
        """What the run is doing right now."""
        if not self._writing:
            return "reading"
        return "writing" if self._writing & self._sending else "waiting_for_budget"

    async def let_requests_arrive(self, grace_seconds: float) -> bool:
        """Start nothing more; wait so long for what is on the wire: whether all has arrived."""
        for task in self._writing - self._sending:
            task.cancel()
        if self._writing:
            await asyncio.wait(self._writing, timeout=grace_seconds)
        late = list(self._writing)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late

    async def _take(self, page: Page) -> None:
        self._stall_timer.restart()
        self.total = page.total if self.total is None else self.total
        records = page.by_id
        await self._make_room(records.keys(), page.size)
        track = self._journal.open_page(page.position, records.keys(), page.size)
        items = await self._items(records, track)
        settled = await self._keys.settle(items, track, self._let_arrive)
        items = self._mapper.ready(await self._released(settled))
        await self._write_ahead([each for each in items if each.moves])
        track.outstanding = len(items)
        track.dispatched = True
        self._under_way |= {each.source_id: each for each in items}
        for item in items:
            await self._put(item)

    async def _items(self, records: Mapping[str, SourceRecord], track: PageTrack) -> list[Item]:
        """Return the records of a page as items, once no other's row has their keys."""
        items = await self._mapper.items(records, track)
        astray = await self._keys.astray(items, self._let_arrive)
        if not astray:
            return items
        await self._released(Settled([], astray))
        return await self._mapper.items(records, track)

    async def _make_room(self, source_ids: Iterable[str], size: int) -> None:
        """Wait while too much, or the same records, are under way."""
        ids = set(source_ids)

        def has_room() -> bool:
            return self._holds(size) and not self._under_way.keys() & ids

        if not has_room():
            await self._dispatch()
            await self._until(has_room)

    def _holds(self, size: int) -> bool:
        """Whether a page of so many bytes may be opened."""
        pages = self._journal.open_pages()
        if len(pages) >= OPEN_PAGES:
            return False
        return not pages or sum(each.size for each in pages) + size <= self._page_bytes

    async def _let_arrive(self, keys: Collection[str]) -> None:
        """Wait until nothing is under way that has one of these keys, or had."""
        wanted = set(keys)
        busy = {id_ for id_, each in self._under_way.items() if not wanted.isdisjoint(each.keys)}
        if busy:
            await self._dispatch()
            await self._until(lambda: busy.isdisjoint(self._under_way))

    async def _released(self, settled: Settled) -> list[Item]:
        """Have rows give their keys up, and wait for it; return what can be written then."""
        outcomes = Releases(settled.releases, self._journal)
        tasks = {
            await self._start(partial(self._release, batch, outcomes))
            for batch in _tens(settled.releases)
        }
        await self._until(lambda: tasks.isdisjoint(self._writing))
        self._signals.check()
        return outcomes.applied(settled.items)

    async def _release(self, releases: Sequence[Release], outcomes: Releases) -> None:
        try:
            await self._writer.write([each.row for each in releases], outcomes)
            self._stall_timer.restart()
        except Exception as error:
            self._signals.stop(error)

    async def _write_ahead(self, items: Sequence[Item]) -> None:
        """Store that rows may have other keys from now on: whoever goes on has to know."""
        for item in items:
            self._journal.note(item.under_way())
        if items:
            await self._journal.save()

    async def _put(self, item: Item) -> None:
        buffer = self._buffers[item.suspect]
        buffer.append(item)
        if len(buffer) == RECORDS_PER_REQUEST:
            await self._send(buffer)

    async def _dispatch(self) -> None:
        for buffer in self._buffers.values():
            if buffer:
                await self._send(buffer)

    async def _send(self, buffer: list[Item]) -> None:
        """Send what a buffer holds, and empty it."""
        batch = list(buffer)
        buffer.clear()
        await self._start(partial(self._write, batch))

    async def _start(self, write: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Start to write, once there is a slot."""
        await self._slots.acquire()
        task = asyncio.create_task(write())
        self._writing.add(task)
        task.add_done_callback(self._arrived)
        return task

    def _arrived(self, task: "asyncio.Task[None]") -> None:
        self._writing.discard(task)
        self._slots.release()
        self._arrival.set()

    async def _write(self, items: Sequence[Item]) -> None:
        batch = Batch(items, self._mapper, self._journal, self._under_way)
        rows = [
            RowWrite(
                each.source_id,
                each.cells,
                each.row_id,
                each.suspect,
                in_place=each.gone,
                only=each.before or (),
            )
            for each in items
        ]
        try:
            await self._writer.write(rows, batch)
            self._stall_timer.restart()
        except Exception as error:
            self._signals.stop(error)
        finally:
            batch.leave_the_rest_unknown()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._arrival.clear()
            await self._arrival.wait()


class Batch:
    """Takes in what became of each record of one batch."""

    def __init__(
        self,
        items: Sequence[Item],
        mapper: Mapper,
        journal: Journal,
        under_way: dict[str, Item],
    ) -> None:
        self._open = {each.source_id: each for each in items}
        self._mapper = mapper
        self._journal = journal
        self._under_way = under_way

    def written(self, source_id: str, row: Row) -> None:
        """Take in that Airtable acknowledged a record."""
        item = self._close(source_id)
        item.track.tally.written += 1
        self._journal.check.find(item.finding)
        stored = self._mapper.stored(item, row.fields)
        self._journal.note(item.written(row.id, stored))
        if row.id != item.row_id and not row.new:
            self._journal.adopt(row.id, source_id)
        if item.suspect:
            self._journal.clear(source_id)

    def refused(self, source_id: str, reason: Reason) -> None:
        """Take in that Airtable refused a record alone."""
        self._mapper.refuse(self._close(source_id), reason)

    def lost(self, source_id: str) -> None:
        """Take in that a record which is gone has no row any more."""
        item = self._close(source_id)
        item.track.tally.unchanged += 1
        if item.known:
            self._journal.note(item.known.without_row())

    def withheld(self, source_id: str) -> None:
        """Take in that a record has no row, and gets none in this run: it stays what it was."""
        item = self._close(source_id)
        item.track.withheld = True
        if item.known is not None:
            self._journal.note(replace(item.under_way(), row_id=None))

    def leave_the_rest_unknown(self) -> None:
        """Take in that it is not known what became of the others: they may have arrived."""
        for item in self._open.values():
            self._journal.note(item.under_way())

    def _close(self, source_id: str) -> Item:
        item = self._open.pop(source_id)
        item.track.outstanding -= 1
        del self._under_way[source_id]
        return item


def _tens(releases: Sequence[Release]) -> list[Sequence[Release]]:
    size = RECORDS_PER_REQUEST
    return [releases[start : start + size] for start in range(0, len(releases), size)]


class _PagesAhead(asyncio.Queue[Page | BaseException]):
    """What was read ahead, bounded by number and by bytes."""

    def __init__(self, page_bytes: int) -> None:
        super().__init__(READ_AHEAD_PAGES)
        self._page_bytes = page_bytes
        self._read: deque[int] = deque()

    def full(self) -> bool:
        """Whether reading has to wait: one page is always held, however large it is."""
        return super().full() or sum(self._read) >= self._page_bytes

    def _put(self, item: Page | BaseException) -> None:
        super()._put(item)
        self._read.append(item.size if isinstance(item, Page) else 0)

    def _get(self) -> Page | BaseException:
        self._read.popleft()
        return super()._get()


async def _ahead(pages: AsyncIterator[Page], page_bytes: int) -> AsyncGenerator[Page, None]:
    """Read ahead, at most two pages; what went wrong there is raised here, after them."""
    queue = _PagesAhead(page_bytes)

    async def read() -> None:
        try:
            async for page in pages:
                await queue.put(page)
            await queue.put(StopAsyncIteration())
        except Exception as error:
            await queue.put(error)

    reader = asyncio.create_task(read())
    try:
        while not isinstance(found := await queue.get(), BaseException):
            yield found
        if not isinstance(found, StopAsyncIteration):
            raise found
    finally:
        reader.cancel()
