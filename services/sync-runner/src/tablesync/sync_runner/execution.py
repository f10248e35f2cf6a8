"""Executes one claimed run, from its tokens to its end."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import stamina
import structlog
from pymongo.errors import PyMongoError
from tablesync.contracts import RunFailureCause, RunProgressed
from tablesync.service_kit.leases import Lease
from tablesync.service_kit.mongo import is_unavailable
from tablesync.service_kit.unit_of_work import UnitsOfWork
from tablesync.sync_runner import checkpoints
from tablesync.sync_runner.airtable.writer import Writer
from tablesync.sync_runner.calls import REQUEST_SECONDS, Caller
from tablesync.sync_runner.checkpoints import Checkpoint, Pass
from tablesync.sync_runner.connections import Connections
from tablesync.sync_runner.errors import (
    LeaseLostError,
    RunCancelledError,
    RunEndedError,
    RunLeftError,
    ShuttingDownError,
)
from tablesync.sync_runner.gates import Pass as GatePass
from tablesync.sync_runner.journal import Journal
from tablesync.sync_runner.mapper import Mapper
from tablesync.sync_runner.pipeline import Pipeline
from tablesync.sync_runner.plan import Plan, make_plan
from tablesync.sync_runner.progress import ProgressBoard
from tablesync.sync_runner.providers import Providers
from tablesync.sync_runner.runs import Ending, Run, RunStatus, ended_by, succeeded
from tablesync.sync_runner.signals import Progress, Signals
from tablesync.sync_runner.sources.base import Opening, Source
from tablesync.sync_runner.store import REQUEST_SHARE, RunQueue

log = structlog.get_logger()

SAVE_SECONDS = 0.5
WATCH_SECONDS = 1.0
CANCEL_GRACE_SECONDS = 3.0
GRACE_SECONDS = 12.0
LEASE_MARGIN_SECONDS = 0.2


@dataclass(frozen=True)
class Workshop:
    """What all runs of this process share."""

    units: UnitsOfWork
    queue: RunQueue
    connections: Connections
    providers: Providers
    board: ProgressBoard


async def execute(shop: Workshop, run: Run, lease: Lease, stop: asyncio.Event) -> None:
    """Bring a claimed run to its end, or leave it for another worker; never raises."""
    await Execution(shop, run, lease).execute(stop)


class Execution:
    """One run in this worker's hands."""

    def __init__(self, workshop: Workshop, run: Run, lease: Lease) -> None:
        self._shop = workshop
        self._run = run
        self._lease = lease
        self._signals = Signals()
        self._progress = Progress()
        self._journal = Journal(workshop.units, run, lease)
        self._passes: list[GatePass] = []
        self._sending: set[asyncio.Task[object] | None] = set()
        self._pipeline: Pipeline | None = None
        self._begun = run.started_at is not None

    async def execute(self, stop: asyncio.Event) -> None:
        """Bring the run to its end, or leave it for another worker; never raises."""
        watcher = asyncio.create_task(self._watch(stop))
        log.info("run taken", run_id=self._run.id, fence=self._run.fence)
        try:
            with self._shop.board.shown(self._shown):
                ending = await self._outcome()
                await self._close(ending)
        except RunLeftError as reason:
            log.info("run left", run_id=self._run.id, reason=type(reason).__name__)
        except Exception as error:
            log.error("run dropped", run_id=self._run.id, error=repr(error), exc_info=error)
        finally:
            watcher.cancel()
            for each in self._passes:
                each.close()

    async def _outcome(self) -> Ending | None:
        """Work on the run; None if it has to be handed back."""
        try:
            await self._signals.during(self._work())
        except RunEndedError as error:
            return ended_by(error, begun=self._begun)
        except ShuttingDownError:
            return None
        except RunLeftError:
            raise
        except Exception as error:
            if is_unavailable(error):
                return None
            log.error("run failed", run_id=self._run.id, error=repr(error), exc_info=error)
            return Ending(
                RunStatus.FAILED, "Our own fault; it was logged.", RunFailureCause.INTERNAL
            )
        return succeeded(self._journal.counts)

    async def _close(self, ending: Ending | None) -> None:
        """Let what is on the wire arrive, then store how the run ended, or hand it back."""
        if self._pipeline is not None:
            cancelled = ending is not None and ending.status is RunStatus.CANCELLED
            grace = CANCEL_GRACE_SECONDS if cancelled else GRACE_SECONDS
            await self._pipeline.settle(self._sending, grace)
        if isinstance(self._signals.reason, LeaseLostError):
            raise self._signals.reason
        async for attempt in stamina.retry_context(
            on=is_unavailable, attempts=None, timeout=self._lease.remaining()
        ):
            with attempt:
                finished = ending is not None and ending.status is RunStatus.SUCCEEDED
                await self._journal.save(ending, finished=finished)
                if ending is None:
                    await self._journal.hand_back()
        if ending is not None:
            log.info("run ended", run_id=self._run.id, status=ending.status, summary=ending.summary)

    async def _work(self) -> None:
        """Get the tokens, check the spec, and move one pass."""
        spec = self._run.spec
        source_pass = self._enter(spec.source.connection_id)
        destination_pass = self._enter(spec.destination.connection_id)
        source_grant = await source_pass.grant()
        destination_grant = await destination_pass.grant()
        await self._journal.begin()
        self._begun = True
        source = self._shop.providers.source(
            source_grant,
            spec.source.connection_id,
            lambda http: Caller(http, source_pass, self._progress, seconds_left=self._seconds_left),
        )
        client = self._shop.providers.destination(
            destination_grant,
            spec.destination.connection_id,
            lambda http: Caller(
                http,
                destination_pass,
                self._progress,
                seconds_left=self._leased_seconds,
                sending=self._sending,
            ),
        )
        opening = await source.open(spec.source.object)
        tables = await client.tables(spec.destination.base_id)
        plan = make_plan(spec, opening.properties, tables)
        origin = f"{spec.source.provider}/{source_grant.account.id}"
        current = await self._start_pass(plan, origin, source, opening)
        destination = spec.destination
        writer = Writer(
            client, destination.base_id, destination.table_id, spec.key.field_id, plan.fields
        )
        await self._move(plan, current, source, writer)

    async def _move(self, plan: Plan, current: Pass, source: Source, writer: Writer) -> None:
        self._pipeline = Pipeline(
            Mapper(plan, self._journal, trusted=not current.distrusted),
            self._journal,
            writer,
            self._signals,
            self._progress,
            self._shop.providers.settings.runner_writes_in_flight,
        )
        saver = asyncio.create_task(self._save_regularly())
        try:
            pages = source.read(plan.spec.source.object, plan.properties, current.position)
            await self._pipeline.run(pages)
        finally:
            saver.cancel()
            with suppress(asyncio.CancelledError):
                await saver

    async def _start_pass(self, plan: Plan, origin: str, source: Source, opening: Opening) -> Pass:
        """Go on with the pass that was cut short, or begin the next one."""
        sync_id, database = plan.spec.sync_id, self._shop.units.database
        known = await checkpoints.load(database, sync_id)
        if known is not None and known.origin != origin:
            await checkpoints.forget(database, sync_id)
            known = None
        if known is None or known.fingerprint != plan.fingerprint:
            known = Checkpoint(sync_id, plan.fingerprint, origin)
        position = source.first_position(known.cursor_ms, opening.began_ms)
        current = known.current or Pass(position, opening.began_ms)
        if self._run.distrusted:
            current = current.with_distrust()
        self._journal.checkpoint = known.reading(current)
        return current

    async def _save_regularly(self) -> None:
        """Save twice a second; each time the stored stops of the connections are obeyed."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                self._shop.connections.enforce(await self._journal.save())
            except LeaseLostError as error:
                self._signals.stop(error)
            except PyMongoError as error:
                log.warning("not saved yet", run_id=self._run.id, error=str(error))

    async def _watch(self, stop: asyncio.Event) -> None:
        """Keep the lease; notice a cancel, a shutdown and a stall."""
        every = min(WATCH_SECONDS, self._lease.ttl_seconds / 6)
        while not self._lease.lost.is_set():
            try:
                if await self._shop.queue.renew(self._lease):
                    self._signals.stop(RunCancelledError())
                self._progress.check()
            except PyMongoError as error:
                log.warning("lease not renewed", run_id=self._run.id, error=str(error))
            except RunEndedError as error:
                self._signals.stop(error)
            if stop.is_set():
                self._signals.stop(ShuttingDownError())
            if self._lease.remaining() == 0:
                self._lease.lost.set()
            await asyncio.sleep(every)
        self._signals.stop(LeaseLostError(self._run.id))

    def _enter(self, connection_id: str) -> GatePass:
        gate = self._shop.connections.gates.of(connection_id, self._run.spec.workspace_id)
        entered = gate.open_pass(self._signals.stop)
        self._passes.append(entered)
        return entered

    def _seconds_left(self) -> float:
        self._signals.check()
        return REQUEST_SECONDS

    def _leased_seconds(self) -> float:
        """Give an Airtable request less than what is left of the lease, on this clock."""
        self._signals.check()
        left = self._lease.remaining() - LEASE_MARGIN_SECONDS
        if left <= 0:
            raise LeaseLostError(self._run.id)
        return min(left, self._lease.ttl_seconds * REQUEST_SHARE)

    def _shown(self) -> RunProgressed:
        spec, pipeline = self._run.spec, self._pipeline
        return RunProgressed(
            workspace_id=spec.workspace_id,
            sync_id=spec.sync_id,
            run_id=self._run.id,
            phase=pipeline.phase(self._sending) if pipeline else "reading",
            counts=self._journal.counts,
            total=pipeline.total if pipeline else None,
        )
