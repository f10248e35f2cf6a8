"""Executes one claimed run: keeps its lease, listens for reasons to stop, and ends it."""

import asyncio

import stamina
import structlog
from prometheus_client import Counter
from tablesync.contracts import RunFailureCause, RunStatus
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import is_unavailable
from tablesync.service_kit.mongo.leases import Lease, keep
from tablesync.service_kit.telemetry import span_from
from tablesync.sync_runner.errors import (
    LeaseLostError,
    RunCancelledError,
    RunEndedError,
    RunLeftError,
    ShuttingDownError,
    StillOnTheWireError,
)
from tablesync.sync_runner.execution.context import RunContext
from tablesync.sync_runner.execution.sync_run import SyncRun
from tablesync.sync_runner.runs import Ending, Run, ended_by, succeeded
from tablesync.sync_runner.signals import Signals

log = structlog.get_logger()

WATCH_SECONDS = 1.0
# So many workers may be lost in a row while a run does not come on.
MOST_TAKEOVERS = 3
# What a shutdown leaves for what is on the wire.
SHUTDOWN_GRACE_SECONDS = 12.0
ENDED = Counter("runs_ended_total", "Runs by how they ended.", ["status", "cause"])
RECORDS = Counter("records_total", "Records of ended runs by what became of them.", ["end"])


async def execute(context: RunContext, run: Run, lease: Lease, stop: asyncio.Event) -> None:
    """Bring a claimed run to its end, or leave it for another worker; never raises."""
    with span_from(run.traceparent, "run", run_id=run.id, sync_id=run.sync_id):
        await RunSupervisor(context, run, lease).execute(stop)


class RunSupervisor:
    """One run in this worker's hands."""

    def __init__(self, context: RunContext, run: Run, lease: Lease) -> None:
        self._context = context
        self._run = run
        self._lease = lease
        self._signals = Signals()
        self._sync_run = SyncRun(context, run, lease, self._signals)
        self._next_turn_after = 0.0

    async def execute(self, stop: asyncio.Event) -> None:
        """Work, then end the run or hand it back; whatever happens, let go of it."""
        watcher = asyncio.create_task(self._watch(stop))
        log.info("run taken", run_id=self._run.id, fence=self._run.fence)
        try:
            with self._context.board.shown(self._sync_run.shown):
                await self._close(await self._outcome())
        except RunLeftError as reason:
            log.info("run left", run_id=self._run.id, reason=type(reason).__name__)
        except Exception as error:
            log.error("run dropped", run_id=self._run.id, error=repr(error), exc_info=error)
        finally:
            watcher.cancel()
            self._sync_run.leave()

    async def _outcome(self) -> Ending | None:
        """Work on the run; None if it has to be handed back."""
        if self._run.takeovers >= MOST_TAKEOVERS:
            return self._given_up()
        try:
            await self._signals.during(self._sync_run.run())
        except RunEndedError as error:
            return ended_by(error, begun=self._sync_run.begun)
        except ShuttingDownError:
            return None
        except RunLeftError:
            raise
        except Exception as error:
            return self._failed(error)
        journal = self._sync_run.journal
        return succeeded(journal.counts, journal.found)

    def _given_up(self) -> Ending:
        """End a run that takes its workers with it, before it takes this one and its other runs."""
        lost, fence = self._run.takeovers, self._run.fence
        log.error("run given up", run_id=self._run.id, workers_lost=lost, fence=fence)
        summary = (
            f"{lost} workers were lost in a row before the run came on: our own fault; it was "
            "logged. The next run begins where the last checkpoint was."
        )
        return Ending(RunStatus.FAILED, summary, RunFailureCause.INTERNAL)

    def _failed(self, error: Exception) -> Ending | None:
        if isinstance(error, DependencyUnavailableError):
            self._next_turn_after = error.retry_after
            return None
        if is_unavailable(error):
            return None
        log.error("run failed", run_id=self._run.id, error=repr(error), exc_info=error)
        return Ending(RunStatus.FAILED, "Our own fault; it was logged.", RunFailureCause.INTERNAL)

    async def _close(self, ending: Ending | None) -> None:
        """Let what is on the wire arrive, then store how the run ended, or hand it back."""
        shutting_down = isinstance(self._signals.reason, ShuttingDownError)
        arrived = await self._sync_run.let_requests_arrive(
            SHUTDOWN_GRACE_SECONDS if shutting_down else self._context.queue.request_seconds
        )
        if isinstance(self._signals.reason, LeaseLostError):
            raise self._signals.reason
        if ending is None and not arrived:
            raise StillOnTheWireError(self._run.id)
        async for attempt in stamina.retry_context(
            on=is_unavailable, attempts=None, timeout=self._lease.ttl_seconds
        ):
            with attempt:
                await self._store(ending)
        if ending is None:
            log.info("run handed back", run_id=self._run.id, after=self._next_turn_after)
        else:
            self._tell(ending)

    async def _store(self, ending: Ending | None) -> None:
        finished = ending is not None and ending.status is RunStatus.SUCCEEDED
        await self._sync_run.journal.save(ending, finished=finished)
        if ending is None:
            waited = self._sync_run.stall_timer.waited_seconds
            await self._sync_run.journal.hand_back(self._next_turn_after, waited)

    def _tell(self, ending: Ending) -> None:
        ENDED.labels(ending.status.value, ending.cause.value if ending.cause else "").inc()
        for end, count in self._sync_run.journal.counts.model_dump().items():
            RECORDS.labels(end).inc(count)
        log.info("run ended", run_id=self._run.id, status=ending.status, summary=ending.summary)

    async def _watch(self, stop: asyncio.Event) -> None:
        """Keep the lease; notice its end, a cancel, a shutdown and a stall, whatever hangs."""
        keeper = asyncio.create_task(keep(self._lease, self._renew, WATCH_SECONDS))
        try:
            while not self._lease.lost.is_set():
                self._look_around(stop)
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            keeper.cancel()
            # Whatever ended it: a run that nobody watches must not go on.
            self._signals.stop(LeaseLostError(self._run.id))

    async def _renew(self, lease: Lease) -> None:
        if await self._context.queue.renew(lease):
            self._signals.stop(RunCancelledError())

    def _look_around(self, stop: asyncio.Event) -> None:
        """Take in what needs no database."""
        if stop.is_set():
            self._signals.stop(ShuttingDownError())
        try:
            self._sync_run.stall_timer.check()
        except RunEndedError as error:
            self._signals.stop(error)
