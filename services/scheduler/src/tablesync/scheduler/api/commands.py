"""What operators do to syncs and runs, each as one unit of work."""

from collections.abc import Callable
from datetime import datetime

from tablesync.contracts import RunStatus, Source, new_id
from tablesync.contracts.public_api.runs import CancelledRun, RequestedRun
from tablesync.contracts.public_api.syncs import SyncEdit, SyncView
from tablesync.scheduler import acts, errors
from tablesync.scheduler.acts import Actor
from tablesync.scheduler.api.drafts import DraftCommands
from tablesync.scheduler.api.validation import AcceptedSync
from tablesync.scheduler.api.views import sync_view
from tablesync.scheduler.checks import CheckedContents
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes, changed
from tablesync.scheduler.domain.claims import claim, count_passed_slots, reschedule
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.domain.requests import withdraw_planned
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.schedules import next_slot
from tablesync.scheduler.domain.syncs import Pause, Sync
from tablesync.scheduler.store import Store
from tablesync.service_kit.http.problems import limit_reached, not_found
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

_CONTENTS = ("source", "destination", "key", "mapping", "names", "labels", "overlap", "schedule")


class Commands:
    """The mutations behind the public routes; what they need is checked before them."""

    def __init__(
        self,
        store: Store,
        catch_up_at: Callable[[datetime], datetime],
        most_syncs: int,
        checks: FullChecks,
    ) -> None:
        self._store = store
        self._drafts = DraftCommands(store.drafts)
        self._checks = checks
        self._most_syncs = most_syncs
        self._catch_up_at = catch_up_at

    async def create(self, unit: UnitOfWork, who: Principal, accepted: AcceptedSync) -> SyncView:
        """Create a sync; its first slot is one interval from now. Raises Problem 409 at the limit.

        A draft that it is made of is finished with it. Two at once may make one too many: a lock
        for each workspace would cost more than that.
        """
        await self._raise_at_limit(unit, who)
        sync = _new_sync(who, accepted, unit.now)
        if accepted.wanted.draft:
            await self._drafts.finish(unit, who, accepted.wanted.draft, sync.id)
        return await self._insert(unit, sync)

    async def duplicate(
        self, unit: UnitOfWork, who: Principal, sync_id: str, name: str
    ) -> SyncView:
        """Create a sync like another one; it begins paused. Raises Problem 409 at the limit."""
        await self._raise_at_limit(unit, who)
        like = await self._sync(unit, who, sync_id)
        sync = _copy_of(like, name, who, unit.now)
        return await self._insert(unit, sync)

    async def edit(
        self,
        unit: UnitOfWork,
        who: Principal,
        sync_id: str,
        wanted: SyncEdit,
        checked: CheckedContents | None,
    ) -> SyncView:
        """Change a sync; one whose contents were checked, which names them, is released."""
        sync = await self._sync(unit, who, sync_id)
        await self._raise_if_edited(unit, sync, wanted)
        changes = Changes()
        await self._follow_connections(unit, sync, changes)
        if wanted.schedule and wanted.schedule != sync.schedule:
            reschedule(sync, wanted.schedule, unit.now, changes)
        sync.name = wanted.name or sync.name
        sync.overlap = wanted.overlap or sync.overlap
        if wanted.mapping is not None:
            sync.mapping = [each.beside(sync.mapping) for each in wanted.mapping]
        sync.version += 1
        if checked:
            sync.names, sync.found_at = {**_base_name(sync), **checked.names}, unit.now
            sync.labels = dict(checked.labels)
            at, sync.tries_in_vain = self._catch_up_at(unit.now), 0
            holds.release(sync, holds.of_contents(sync), unit.now, at, changes)
        changes.publish(changed(sync, unit.now))
        await self._store.save(unit, [sync], changes)
        return await self._view(unit, sync)

    async def delete(self, unit: UnitOfWork, who: Principal, sync_id: str) -> None:
        """Delete a sync and stop its runs; its history and the rows in Airtable stay."""
        sync = await self._sync(unit, who, sync_id)
        changes = Changes()
        acts.delete(sync, Actor(who.operator_id), unit.now, changes)
        await self._store.save(unit, [], changes)
        await self._store.syncs.delete([sync.id], unit.session)

    async def pause(self, unit: UnitOfWork, who: Principal, sync_id: str) -> SyncView:
        """Stop a sync until it is resumed."""
        sync = await self._sync(unit, who, sync_id)
        changes = Changes()
        if acts.pause(sync, Actor(who.operator_id), unit.now, changes):
            await self._store.save(unit, [sync], changes)
        return await self._view(unit, sync)

    async def resume(self, unit: UnitOfWork, who: Principal, sync_id: str) -> SyncView:
        """Let a sync go on with its next slot."""
        sync = await self._sync(unit, who, sync_id)
        changes = Changes()
        if acts.resume(sync, Actor(who.operator_id), unit.now, changes):
            await self._store.save(unit, [sync], changes)
        return await self._view(unit, sync)

    async def run_now(
        self, unit: UnitOfWork, who: Principal, sync_id: str, *, check: bool = False
    ) -> RequestedRun:
        """Ask for a run now, or for a full check; names the check that is under way, if one is.

        Raises Problem 409 with the cause while the sync is held.
        """
        sync = await self._sync(unit, who, sync_id)
        changes = Changes()
        await self._follow_connections(unit, sync, changes)
        by = Actor(who.operator_id)
        run_id = acts.run_now(sync, by, unit.now, changes, self._checks, check=check)
        await self._store.save(unit, [sync], changes)
        return RequestedRun(run_id=run_id)

    async def cancel(self, unit: UnitOfWork, who: Principal, run_id: str) -> CancelledRun:
        """Ask a run to stop; raises Problem 409 once it has ended."""
        run = await self._store.runs.get_of(who.workspace_id, run_id, unit.session)
        if run is None:
            raise not_found("run")
        if run.status.ended:
            raise errors.run_ended(run.status)
        sync = await self._store.syncs.get(run.sync_id, unit.session)
        if sync and sync.planned and sync.planned.run_id == run.id:
            return await self._cancel_planned(unit, sync, run)
        run.cancel_requested_at = unit.now
        await self._store.runs.save(run, unit.session)
        unit.publish(acts.cancelled(run.workspace_id, run.sync_id, run.id, who.operator_id))
        return CancelledRun(run_id=run.id, status="cancelling")

    async def _cancel_planned(self, unit: UnitOfWork, sync: Sync, run: Run) -> CancelledRun:
        changes = Changes()
        withdraw_planned(sync, RunStatus.CANCELLED, "Cancelled before it began.", unit.now, changes)
        if run.check_everything:
            sync.check_owed = False  # a cancelled check is given up
        if not await self._follow_connections(unit, sync, changes):
            claim(sync, unit.now, changes)
        await self._store.save(unit, [sync], changes)
        return CancelledRun(run_id=run.id, status="cancelled")

    async def _raise_at_limit(self, unit: UnitOfWork, who: Principal) -> None:
        most = self._most_syncs
        if await self._store.syncs.count_of(who.workspace_id, most, unit.session) >= most:
            raise limit_reached(
                "syncs of a workspace",
                most,
                "Delete one that is not needed any more.",
                "SCHEDULER_SYNCS_PER_WORKSPACE",
            )

    async def _insert(self, unit: UnitOfWork, sync: Sync) -> SyncView:
        unit.publish(changed(sync, unit.now))
        await self._store.syncs.insert(sync, unit.session)
        return sync_view(sync, None)

    async def _raise_if_edited(self, unit: UnitOfWork, sync: Sync, wanted: SyncEdit) -> None:
        if wanted.version not in (None, sync.version):
            now = (await self._view(unit, sync)).model_dump(mode="json", by_alias=True)
            raise errors.edited_meanwhile(sync.version, now)

    async def _follow_connections(self, unit: UnitOfWork, sync: Sync, changes: Changes) -> bool:
        deciding = await self._store.connections.deciding_among(sync.connection_ids, unit.session)
        return holds.follow_connections(sync, deciding, unit.now, changes)

    async def _sync(self, unit: UnitOfWork, who: Principal, sync_id: str) -> Sync:
        sync = await self._store.syncs.get_of(who.workspace_id, sync_id, unit.session)
        if sync is None:
            raise not_found("sync")
        return sync

    async def _view(self, unit: UnitOfWork, sync: Sync) -> SyncView:
        last = await self._store.runs.get(sync.last_run_id or "", unit.session)
        # For the view alone: it is stored when it next changes.
        count_passed_slots(sync, unit.now)
        return sync_view(sync, last)


def _new_sync(who: Principal, accepted: AcceptedSync, now: datetime) -> Sync:
    wanted, source = accepted.wanted, accepted.source
    return Sync(
        id=new_id("syn"),
        workspace_id=who.workspace_id,
        name=wanted.name,
        owner_id=who.operator_id,
        created_at=now,
        source=Source(
            connection_id=source.id, provider=source.provider, object=wanted.source.object
        ),
        destination=wanted.destination.value(),
        key=wanted.key.value(),
        mapping=[each.beside(()) for each in wanted.mapping],
        names=accepted.names,
        labels=accepted.labels,
        found_at=now,
        overlap=wanted.overlap,
        schedule=wanted.schedule,
        anchor=now,
        next_slot_at=next_slot(wanted.schedule, now, now),
    )


def _copy_of(like: Sync, name: str, who: Principal, now: datetime) -> Sync:
    return Sync(
        id=new_id("syn"),
        workspace_id=like.workspace_id,
        name=name,
        owner_id=who.operator_id,
        created_at=now,
        **{each: getattr(like, each) for each in _CONTENTS},
        anchor=now,
        next_slot_at=next_slot(like.schedule, now, now),
        paused=True,
        pause=Pause(since=now, by=who.operator_id),
    )


def _base_name(sync: Sync) -> dict[str, str]:
    base = sync.destination.base_id
    return {id_: name for id_, name in sync.names.items() if id_ == base}
