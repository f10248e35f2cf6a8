"""The instrument of the scheduler's tests: syncs, connections and runs, as tests need them."""

from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from scheduler_examples import HUBSPOT, NOON, PROVIDERS, WORKSPACE, a_state, a_sync
from scheduler_parts import Parts
from tablesync.contracts import (
    ConnectionEstablished,
    ConnectionEvent,
    ConnectionReconnected,
    ConnectionRevoked,
    Gap,
    Hold,
    RunCounts,
    RunFailureCause,
    SyncFailed,
    SyncInterrupted,
    SyncRequested,
    SyncStarted,
    SyncSucceeded,
    Trigger,
    next_sequence,
)
from tablesync.contracts.internal_api import AffectedSync
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.books import ledger
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store.runs import RunFilter
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.http.pages import PageRequest

C = TypeVar("C", bound=ConnectionEvent)

HOUR = Interval(every_seconds=3600)


class Rig(Parts):
    """The scheduler's parts, and what a test does and reads with them."""

    # syncs

    async def add(
        self, *, due_seconds_ago: float = -3600, schedule: Interval = HOUR, **changes: Any
    ) -> Sync:
        """Store a sync whose first slot was due so long ago."""
        (sync,) = await self.add_many(1, due_seconds_ago, schedule, **changes)
        return sync

    async def add_many(
        self, count: int, due_seconds_ago: float, schedule: Interval = HOUR, **changes: Any
    ) -> list[Sync]:
        """Store syncs whose first slot was due so long ago."""
        anchor = await self.now() - schedule.length - timedelta(seconds=due_seconds_ago)
        syncs = [a_sync(schedule, anchor, **changes) for _ in range(count)]
        await self.database["syncs"].insert_many([each.to_document() for each in syncs])
        return syncs

    async def sync(self, sync: Sync) -> Sync:
        """Return a sync as it is stored now."""
        found = await self.store.syncs.get(sync.id)
        assert found
        return found

    async def hold_of(self, sync: Sync) -> Hold:
        """Return what holds a sync."""
        hold = (await self.sync(sync)).hold
        assert hold
        return hold

    async def recheck_at(self, sync: Sync) -> datetime:
        """Return when a held sync's contents are looked at again."""
        moment = (await self.sync(sync)).recheck_at
        assert moment
        return moment

    async def ledger(self, sync: Sync) -> ledger.Statement:
        """Return a sync's ledger as it is shown now."""
        current = await self.queries.sync(WORKSPACE, sync.id)
        closed = await self.store.gaps.all_of(sync.id)
        return ledger.statement(current, closed.items, await self.now())

    async def affected(self, sync: Sync) -> list[AffectedSync]:
        """Return what is told of the syncs that need a sync's source."""
        source = sync.source.connection_id
        return list((await self.queries.affected(WORKSPACE, source, after="", limit=None)).items)

    async def recheck_now(self, sync: Sync) -> None:
        """Have a held sync's contents looked at by the next recheck."""
        await self.database["syncs"].update_one(
            {"_id": sync.id}, [{"$set": {"recheck_at": "$$NOW"}}]
        )

    # connections

    async def connect(self) -> None:
        """Let both connections be known and connected."""
        for connection_id in PROVIDERS:
            await self.handle(a_state(ConnectionEstablished, 1, connection_id, NOON))
        await self.jobs.tick()

    async def lose(self, connection_id: str = HUBSPOT) -> ConnectionRevoked:
        """Revoke a connection, as auth-service tells it; the job does not run yet."""
        return await self._change(ConnectionRevoked, connection_id)

    async def reconnect(
        self, connection_id: str = HUBSPOT, **granted: tuple[str, ...]
    ) -> ConnectionReconnected:
        """Reconnect a connection, as auth-service tells it; the job does not run yet."""
        return await self._change(ConnectionReconnected, connection_id, **granted)

    async def hold(self, connection_id: str = HUBSPOT) -> None:
        """Revoke a connection and let the job mark its syncs."""
        await self.lose(connection_id)
        await self.jobs.tick()

    async def release(
        self, connection_id: str = HUBSPOT, **granted: tuple[str, ...]
    ) -> ConnectionReconnected:
        """Reconnect a connection and let the job release its syncs."""
        event = await self.reconnect(connection_id, **granted)
        await self.jobs.tick()
        return event

    async def _change(self, kind: type[C], connection_id: str, **granted: tuple[str, ...]) -> C:
        now = await self.now()
        known = await self.store.connections.get(connection_id)
        sequence = next_sequence(known.sequence if known else 0, unix_milliseconds(now))
        event = a_state(kind, sequence, connection_id, now, **granted)
        await self.handle(event)
        return event

    # runs

    async def requested(self) -> tuple[Sync, Run]:
        """Have a run of a new sync asked for."""
        sync = await self.add(due_seconds_ago=0)
        await self.ticker.tick()
        (run,) = await self.runs(sync)
        return sync, run

    async def runs(self, sync: Sync) -> list[Run]:
        """Return a sync's runs, oldest first."""
        page = await self.store.runs.page_of(WORKSPACE, RunFilter(sync.id), PageRequest(1_000))
        return page.items[::-1]

    async def run(self, run_id: str) -> Run:
        """Return a run as it is stored now."""
        found = await self.store.runs.get(run_id)
        assert found
        return found

    async def catch_ups(self, sync: Sync) -> list[Run]:
        """Return a sync's catch-ups, oldest first."""
        return [run for run in await self.runs(sync) if run.trigger is Trigger.CATCH_UP]

    async def requests(self, sync: Sync) -> list[SyncRequested]:
        """Return what was asked of sync-runner for a sync, oldest first."""
        return [each for each in await self.events(SyncRequested) if each.sync_id == sync.id]

    async def start(self, run: Run) -> None:
        await self.handle(SyncStarted(**_about(run), started_at=await self.now(), summary="Began."))

    async def succeed(self, run: Run) -> None:
        counts = RunCounts(read=10, written=10)
        await self.handle(
            SyncSucceeded(**_about(run), ended_at=await self.now(), counts=counts, summary="Done.")
        )

    async def fail(
        self, run: Run, cause: RunFailureCause = RunFailureCause.PROVIDER, **further: Any
    ) -> None:
        failed = {"cause": cause, "summary": "It failed.", **further}
        await self.handle(SyncFailed(**_about(run), ended_at=await self.now(), **failed))

    async def interrupt(
        self,
        run: Run,
        outcome: Literal["interrupted", "held"] = "interrupted",
        ended_at: datetime | None = None,
    ) -> None:
        await self.handle(
            SyncInterrupted(
                **_about(run),
                ended_at=ended_at or await self.now(),
                outcome=outcome,
                cause=RunFailureCause.CONNECTION,
                connection_id=HUBSPOT,
                summary="The connection was lost.",
            )
        )


def gap_of(run: Run) -> Gap:
    """Return what a catch-up covers."""
    assert run.gap
    return run.gap


def _about(run: Run) -> dict[str, Any]:
    return {
        "workspace_id": run.workspace_id,
        "sync_id": run.sync_id,
        "run_id": run.id,
        "trigger": run.trigger,
        "slot": run.slot,
    }
