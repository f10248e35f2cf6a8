"""Works on dry runs: beside the runs, a few at once, and within the budgets that they share."""

import asyncio
from datetime import UTC, datetime

import structlog
from tablesync.contracts import Trigger
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.mongo import is_unavailable
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.roles import end, pause
from tablesync.sync_runner.errors import (
    LeaseLostError,
    RunCancelledError,
    RunEndedError,
    ShuttingDownError,
)
from tablesync.sync_runner.inquiries.dry_pass import DryPass
from tablesync.sync_runner.inquiries.dry_runs import MOST_TAKEOVERS, DryRuns, Effect, Job, Status
from tablesync.sync_runner.inquiries.inquiry import Inquiries, Inquiry
from tablesync.sync_runner.inquiries.known_records import KnownSync
from tablesync.sync_runner.runs import Run

log = structlog.get_logger()

AT_ONCE = 2
SAVE_SECONDS = 1.0
RETRY_SECONDS = 1.0


class DryRunWorker:
    """The part of the worker role that counts what syncs would do."""

    def __init__(
        self,
        dry_runs: DryRuns,
        inquiries: Inquiries,
        units: UnitsOfWork,
        page_bytes: int,
        woken: asyncio.Event,
    ) -> None:
        self._dry_runs = dry_runs
        self._inquiries = inquiries
        self._units = units
        self._page_bytes = page_bytes
        self._woken = woken

    async def run(self, stop: asyncio.Event) -> None:
        """Take and count until `stop`; what is in hand then is handed back."""
        await asyncio.gather(*(self._loop(stop) for _ in range(AT_ONCE)))

    async def _loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._woken.clear()
            try:
                job = await self._dry_runs.claim()
                if job is not None:
                    await self._work(job, stop)
                    continue
                seconds = await self._dry_runs.seconds_until_due()
            except Exception as error:  # MongoDB is away, or one cannot be read: others can
                log.error("no dry run taken", error=repr(error))
                seconds = RETRY_SECONDS
            await pause(stop, seconds, self._woken)

    async def _work(self, job: Job, stop: asyncio.Event) -> None:
        """Count, and store what it came to; whatever one meets, others have their turn."""
        if job.takeovers > MOST_TAKEOVERS:
            lost = "The workers that counted it were lost; it was logged. Start it again."
            log.error("dry run given up", dry_run_id=job.id, takeovers=job.takeovers)
            await self._dry_runs.end(job, Status.FAILED, lost, Effect())
            return
        try:
            await self._count(job, stop)
        except LeaseLostError:
            log.info("dry run left", dry_run_id=job.id)
        except (ShuttingDownError, DependencyUnavailableError):
            await self._dry_runs.hand_back(job)
        except Problem as problem:
            await self._dry_runs.end(job, Status.FAILED, problem.detail, Effect())
        except Exception as error:
            if is_unavailable(error):
                raise
            log.error("dry run failed", dry_run_id=job.id, error=repr(error), exc_info=error)
            fault = "Our own fault; it was logged."
            await self._dry_runs.end(job, Status.FAILED, fault, Effect())

    async def _count(self, job: Job, stop: asyncio.Event) -> None:
        asked, sync_id = job.asked, job.asked.sync_id or job.id
        sync = await KnownSync.find(self._units.database, job.workspace_id, sync_id)
        async with self._inquiries.open(job.workspace_id, asked, sync.mapping) as inquiry:
            origin = await self._inquiries.origin(job.workspace_id, asked)
            known = await sync.checkpoint(origin, inquiry.plan.spec.destination)
            run = _run(job, inquiry, sync_id if known else job.id)
            dry = DryPass(inquiry, self._units, run, known, self._page_bytes)
            watching = asyncio.create_task(self._watch(job, dry, stop))
            try:
                await dry.run()
            except RunCancelledError:
                await self._dry_runs.end(job, Status.CANCELLED, None, await dry.effect())
                return
            except RunEndedError as error:
                await self._dry_runs.end(job, Status.FAILED, error.summary, await dry.effect())
                return
            finally:
                await end(watching)
            effect = await dry.effect()
            await self._dry_runs.end(job, Status.DONE, _summary(effect), effect)

    async def _watch(self, job: Job, dry: DryPass, stop: asyncio.Event) -> None:
        """Save what has been counted each second; notice a cancel, a shutdown and a stall."""
        try:
            while True:
                await pause(stop, SAVE_SECONDS)
                if stop.is_set():
                    dry.signals.stop(ShuttingDownError())
                dry.stall_timer.check()
                cancelled = await self._dry_runs.save(job, await dry.effect())
                if cancelled is None:
                    raise LeaseLostError(job.id)
                if cancelled:
                    raise RunCancelledError
                if stop.is_set():
                    return
        except Exception as error:
            dry.signals.stop(error)


def _run(job: Job, inquiry: Inquiry, sync_id: str) -> Run:
    """Return what a journal is told: a run of the sync, or of one that nothing is known of."""
    to = inquiry.plan.spec.destination
    return Run(
        id=job.id,
        sync_id=sync_id,
        workspace_id=job.workspace_id,
        target=f"{to.base_id}/{to.table_id}",
        stored_spec={},
        trigger=Trigger.MANUAL,
        slot=None,
        priority=0,
        queued_at=datetime.now(UTC),
    )


def _summary(effect: Effect) -> str:
    rejected = effect.counts.rejected
    parts = [
        _some(effect.created, "row would be new", "rows would be new"),
        _some(effect.updated, "row would be written again", "rows would be written again"),
        _some(rejected, "record would be rejected", "records would be rejected"),
    ]
    said = ", ".join(each for each in parts if each)
    return f"{said or 'Nothing would be written'}."


def _some(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""
