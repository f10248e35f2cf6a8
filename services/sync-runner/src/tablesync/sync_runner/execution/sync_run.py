"""The work of one run: tokens, plan, and one pass, or two where another run's was inherited."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from pymongo.errors import PyMongoError
from tablesync.contracts import RunProgressed, SyncSpec
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.roles import pause
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.names import told_by_names
from tablesync.sync_runner.airtable.writer import Writer
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.execution.context import RunContext
from tablesync.sync_runner.execution.run_access import RunAccess
from tablesync.sync_runner.pipeline.checking.numbers import long_numbers
from tablesync.sync_runner.pipeline.checking.rows import RowComparison
from tablesync.sync_runner.pipeline.checking.unseen import unseen
from tablesync.sync_runner.pipeline.checkpoints import Check, Checkpoint, Pass
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.keys import Keys
from tablesync.sync_runner.pipeline.mapper import Mapper
from tablesync.sync_runner.pipeline.pipeline import Pipeline
from tablesync.sync_runner.pipeline.plan import Plan, make_plan
from tablesync.sync_runner.pipeline.retries import retries
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.signals import Signals
from tablesync.sync_runner.sources.base import Opening, Page, Position, Source
from tablesync.sync_runner.stall import StallTimer

log = structlog.get_logger()

SAVE_SECONDS = 0.5
# What lies further ahead of our clock is no date of today, whoever says so.
CLOCKS_DIFFER_MS = 5 * 60_000


class SyncRun:
    """One run's work; `begun` once both tokens were had."""

    def __init__(self, context: RunContext, run: Run, lease: Lease, signals: Signals) -> None:
        self.journal = Journal(context.units, run, lease)
        self.journal.stage = self._stage
        self.stall_timer = StallTimer(waited_seconds=run.waited_seconds)
        self.begun = run.started_at is not None
        self._context = context
        self._run = run
        self._signals = signals
        self._access = RunAccess(context, run, lease, signals, self.stall_timer)
        self._pipeline: Pipeline | None = None
        self._total: int | None = None

    async def run(self) -> None:
        """Read the source to its end and write it; raises what ended it before."""
        spec = self._run.spec
        with told_by_names(spec.names):
            await self._work(spec)

    async def _work(self, spec: SyncSpec) -> None:
        source, origin = await self._access.open_source(spec.source)
        client = await self._access.open_airtable(spec.destination)
        await self.journal.begin()
        self.begun = True
        opening = _not_of_the_future(await source.open(spec.source.object))
        tables = await client.tables(spec.destination.base_id)
        plan = make_plan(spec, opening.properties, tables)
        checkpoint = self._reading(await self._checkpoint(plan, origin), source, opening)
        self.journal.go_on_with(checkpoint)
        await self._compare_rows(plan, checkpoint, client)
        await self._read(plan, source, opening, client)

    async def let_requests_arrive(self, grace_seconds: float) -> bool:
        """Start nothing more; wait so long for what is on the wire: whether all has arrived."""
        if self._pipeline is None:
            return True
        return await self._pipeline.let_requests_arrive(grace_seconds)

    def leave(self) -> None:
        """Take part in the connections' gates no longer."""
        self._access.leave()

    def shown(self) -> RunProgressed:
        """Show how far it has come."""
        return RunProgressed(
            workspace_id=self._run.workspace_id,
            sync_id=self._run.sync_id,
            run_id=self._run.id,
            counts=self.journal.counts,
            **self._stage(),
        )

    def _stage(self) -> Document:
        """Return what it is doing, and about how much there is to do: as it is shown and saved.

        What follows a pass tells no number of its own.
        """
        pipeline = self._pipeline
        if pipeline is not None and pipeline.total is not None:
            self._total = pipeline.total
        return {"phase": pipeline.phase if pipeline else "reading", "total": self._total}

    async def _compare_rows(
        self, plan: Plan, checkpoint: Checkpoint, client: AirtableClient
    ) -> None:
        """Compare the table's rows, if a check has that before it."""
        if checkpoint.check is not None and not checkpoint.check.rows_compared:
            async with self._saved_meanwhile():
                await RowComparison(plan, self.journal, client, self.stall_timer).run()

    async def _read(
        self, plan: Plan, source: Source, opening: Opening, client: AirtableClient
    ) -> None:
        """Read the current pass; if another run began it, read what changed since, too.

        A pass ends where it began in time, so that an inherited one alone would leave the gap.
        What a check has not seen is looked for behind its pass, and what earlier runs rejected is
        tried again: the reason may have passed.
        """
        checkpoint, writer = self.journal.checkpoint, _writer(client, plan)
        assert checkpoint is not None, "a pass has begun"
        await self._move_or_keep_up(plan, source, opening, writer)
        if checkpoint.doubts_numbers:
            doubted = long_numbers(self.journal, client, source, plan)
            await self._pump(plan, doubted, source, writer)
        if checkpoint.check is not None:
            await self._pump(plan, unseen(self.journal, source, plan), source, writer)
            await self._read_again(plan, source, opening, writer)
        if not checkpoint.begun_by(self._run.id):
            finished = self.journal.finish_pass()
            self.journal.go_on_with(self._reading(finished, source, opening))
            await self._move(plan, source, writer)
        await self.journal.save()
        await self._pump(plan, retries(self.journal, source, plan), source, writer)

    async def _move_or_keep_up(
        self, plan: Plan, source: Source, opening: Opening, writer: Writer
    ) -> None:
        """Read the current pass; where a table that takes no new rows stops it, keep the others up.

        Such a pass stands still with its checkpoint as long as that lasts. What has changed since
        another run began it is read at least, for the rows that are there.
        """
        try:
            await self._move(plan, source, writer)
        except RunFailedError as error:
            current = self._current
            if error is not writer.closed or current.run_id == self._run.id:
                raise
            position = source.first_position(current.began_ms, opening.began_ms)
            await self._pump(plan, _pages(plan, source, position), source, writer)  # raises it, too

    async def _read_again(
        self, plan: Plan, source: Source, opening: Opening, writer: Writer
    ) -> None:
        """Read everything once more if a check has freed keys, and nobody can be asked by id.

        Who claims them was rejected before it was known that their holders are gone.
        """
        found, rejected = self.journal.found, self.journal.counts.rejected
        if plan.key_is_record_id or source.ids_at_once is not None:
            return
        if found and found.gone and rejected:
            self.journal.read_again(source.first_position(None, opening.began_ms))
            await self._move(plan, source, writer)

    def _reading(self, checkpoint: Checkpoint, source: Source, opening: Opening) -> Checkpoint:
        """Go on with the current pass, or begin the next one."""
        if checkpoint.current is not None:
            return checkpoint
        since_ms = checkpoint.since_ms
        if since_ms is not None and since_ms > opening.began_ms + CLOCKS_DIFFER_MS:
            since_ms = None  # what was stored by a wrong clock tells nothing: read everything
        position = source.first_position(since_ms, opening.began_ms)
        return checkpoint.reading(Pass(position, opening.began_ms, self._run.id))

    async def _move(self, plan: Plan, source: Source, writer: Writer) -> None:
        pages = _pages(plan, source, self._current.position)
        await self._pump(plan, pages, source, writer)

    @property
    def _current(self) -> Pass:
        """The pass that is being read."""
        checkpoint = self.journal.checkpoint
        assert checkpoint is not None, "a pass has begun"
        assert checkpoint.current is not None, "it is being read"
        return checkpoint.current

    async def _pump(
        self, plan: Plan, pages: AsyncIterator[Page], source: Source, writer: Writer
    ) -> None:
        checkpoint = self.journal.checkpoint
        assert checkpoint is not None, "a pass has begun"
        mapper = Mapper(
            plan,
            self.journal,
            trusted=checkpoint.trusted,
            before=plan.columns_before(checkpoint.converted_from),
        )
        self._pipeline = Pipeline(
            mapper,
            Keys(plan, self.journal, mapper, source),
            self.journal,
            writer,
            self._signals,
            self.stall_timer,
            writes_in_flight=self._context.writes_in_flight,
            page_bytes=self._context.page_bytes,
            sending=self._access.sending,
        )
        async with self._saved_meanwhile():
            await self._pipeline.run(pages)

    @asynccontextmanager
    async def _saved_meanwhile(self) -> AsyncIterator[None]:
        """Save all the time while the block runs."""
        done = asyncio.Event()
        saver = asyncio.create_task(self._save_until(done))
        try:
            yield
        finally:
            done.set()
            await saver

    async def _checkpoint(self, plan: Plan, origin: str) -> Checkpoint:
        """Return where the sync stands; another account or mapping starts from nothing.

        So does a conversion that is another one today, and a check of everything.
        """
        known = await self.journal.find_checkpoint()
        if known is not None and known.origin != origin:
            await self.journal.forget()
            known = None
        if known is None or known.fingerprint != plan.fingerprint:
            await self.journal.doubt_gone()
            known = Checkpoint(
                self._run.sync_id,
                plan.fingerprint,
                origin,
                distrusted_passes=known.distrusted_passes if known else 0,
                check=Check() if known and known.check else None,
                conversions=plan.conversions,
            )
        known = known.converted_by(plan.conversions)
        if self._run.check_everything and self._run.found is None:
            known = known.checking()
        return known.distrust() if self._run.distrusted else known

    async def _save_until(self, done: asyncio.Event) -> None:
        """Save twice a second; each time the stored stops of the connections are obeyed."""
        while not done.is_set():
            await pause(done, SAVE_SECONDS)
            try:
                await self.journal.save()
                await self._access.obey_stops()
            except PyMongoError as error:
                log.warning("not saved yet", run_id=self._run.id, error=str(error))
            except Exception as error:  # a lost lease, or unforeseen: not to go on unsaved
                self._signals.stop(error)


def _writer(client: AirtableClient, plan: Plan) -> Writer:
    to: SyncSpec = plan.spec
    return Writer(
        client, to.destination.base_id, to.destination.table_id, to.key.field_id, plan.fields
    )


def _pages(plan: Plan, source: Source, position: Position) -> AsyncIterator[Page]:
    return source.read(plan.spec.source.object, plan.properties, position)


def _not_of_the_future(opening: Opening) -> Opening:
    """Let a pass begin now where a provider, or a proxy before it, tells a time that is far ahead.

    Whatever changes until then would be looked for by nobody.
    """
    now_ms = int(time.time() * 1000)
    if opening.began_ms <= now_ms + CLOCKS_DIFFER_MS:
        return opening
    log.warning("a provider's clock is far ahead", began_ms=opening.began_ms)
    return replace(opening, began_ms=now_ms)
