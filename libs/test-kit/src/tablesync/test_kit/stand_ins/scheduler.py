"""scheduler as its peers see it: syncs that are held and released as a test says."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from tablesync.contracts import (
    ConnectionCause,
    Gap,
    Hold,
    HoldKind,
    Provider,
    RunStatus,
    Source,
    SyncStatus,
    new_id,
)
from tablesync.contracts.internal_api import (
    AFFECTED_LIMIT,
    NAMED_SYNCS,
    WRITTEN_BASES_LIMIT,
    AffectedSync,
    AffectedSyncs,
    CatchUp,
    CatchUpCounts,
    SyncOwner,
    WrittenBase,
    WrittenBases,
)
from tablesync.service_kit.http import problems
from tablesync.test_kit.stand_ins.base import PREFIX, StandIn

Workspace = Annotated[str, Query(min_length=1)]
Limit = Annotated[int | None, Query(ge=1, le=AFFECTED_LIMIT)]
BasesLimit = Annotated[int, Query(ge=1, le=WRITTEN_BASES_LIMIT)]
UNTIL_NEXT_SLOT = timedelta(minutes=5)


@dataclass
class KnownSync:
    """A sync, as both routes tell of it."""

    workspace_id: str
    connection_ids: tuple[str, ...]
    owner: SyncOwner
    affected: AffectedSync
    base: tuple[str, str] | None = None

    def writes_over(self, connection_id: str) -> bool:
        """Whether its base is one of this connection's."""
        return self.base is not None and self.connection_ids[-1] == connection_id

    def change(self, status: SyncStatus, **changes: Any) -> None:
        """Enter a state; a pause is shown before it."""
        if self.affected.status is not SyncStatus.PAUSED:
            changes["status"] = status
        self.affected = self.affected.model_copy(update=changes)


class SchedulerStandIn(StandIn):
    """Knows syncs by their ids."""

    name = "scheduler"

    def __init__(self, trusted_keys_file: Path) -> None:
        super().__init__(trusted_keys_file)
        self.syncs: dict[str, KnownSync] = {}

    # what happens to syncs

    def know(
        self,
        *syncs: AffectedSync,
        workspace_id: str,
        connection_ids: tuple[str, ...],
        owner_id: str = "op_1",
        provider: Provider = Provider.HUBSPOT,
        base: tuple[str, str] | None = None,
    ) -> None:
        """Have these syncs, or know them better, from the first connection to the others.

        `base` is the id and the name of the one that they write to, over the last connection.
        """
        for each in syncs:
            source = Source(connection_id=connection_ids[0], provider=provider, object=each.object)
            owner = SyncOwner(
                sync_id=each.sync_id, name=each.name, source=source, owner_id=owner_id
            )
            self.syncs[each.sync_id] = KnownSync(workspace_id, connection_ids, owner, each, base)

    def pause(self, sync_id: str) -> None:
        """Do as an operator does who stops a sync."""
        self.syncs[sync_id].change(SyncStatus.PAUSED, next_slot_at=None)

    def hold(
        self, connection_id: str, cause: ConnectionCause = ConnectionCause.APP_UNINSTALLED
    ) -> None:
        """Hold the syncs that need a connection."""
        now = datetime.now(UTC)
        why = Hold(
            kind=HoldKind.CONNECTION, connection_id=connection_id, cause=cause.value, since=now
        )
        for each in self._dependents(connection_id):
            gap = Gap(from_=now, slots_missed=0)
            stopped = {"hold": why, "holds": (why,), "next_slot_at": None}
            each.change(SyncStatus.HELD, **stopped, gap=gap, catch_up=None)

    def miss(self, connection_id: str, slots: int = 1) -> None:
        """Let slots of held syncs come due."""
        for each in self._dependents(connection_id):
            if gap := each.affected.gap:
                more = gap.model_copy(update={"slots_missed": gap.slots_missed + slots})
                each.affected = each.affected.model_copy(update={"gap": more})

    def release(self, connection_id: str) -> None:
        """Release the syncs that need a connection: one catch-up for each that missed a slot."""
        now = datetime.now(UTC)
        for each in self._dependents(connection_id):
            gap, catch_up = each.affected.gap, None
            gap = gap.model_copy(update={"to": now}) if gap and gap.slots_missed else None
            if gap is not None:
                catch_up = CatchUp(run_id=new_id("run"), status=RunStatus.REQUESTED)
            each.change(SyncStatus.ACTIVE, hold=None, holds=(), gap=gap, catch_up=catch_up)
            if each.affected.status is SyncStatus.ACTIVE:
                each.change(SyncStatus.ACTIVE, next_slot_at=now + UNTIL_NEXT_SLOT)

    def _dependents(self, connection_id: str) -> Iterator[KnownSync]:
        return (each for each in self.syncs.values() if connection_id in each.connection_ids)

    def _own(self, connection_id: str, workspace_id: str) -> tuple[AffectedSync, ...]:
        found = self._dependents(connection_id)
        own = (each.affected for each in found if each.workspace_id == workspace_id)
        return tuple(sorted(own, key=lambda each: each.sync_id))

    def _bases(self, connection_id: str, workspace_id: str) -> list[WrittenBase]:
        own = self._own(connection_id, workspace_id)
        over = [self.syncs[each.sync_id] for each in own]
        names = defaultdict[tuple[str, str], list[str]](list)
        for each in over:
            if each.base and each.writes_over(connection_id):
                names[each.base].append(each.affected.name)
        return [
            WrittenBase(
                base_id=base_id,
                name=name,
                syncs=len(syncs),
                sync_names=tuple(sorted(syncs)[:NAMED_SYNCS]),
            )
            for (base_id, name), syncs in sorted(names.items())
        ]

    # routes

    def routes(self) -> APIRouter:
        """Make the routes below `/internal/v1`."""
        router = APIRouter(prefix=PREFIX)
        askers = self.admits("auth-service", "notifier")

        @router.get("/connections/{connection_id}/affected-syncs", dependencies=[askers])
        async def affected_syncs(
            connection_id: str, workspace_id: Workspace, after: str = "", limit: Limit = None
        ) -> AffectedSyncs:
            own = self._own(connection_id, workspace_id)
            if limit is None:
                return AffectedSyncs(items=own)
            page = [each for each in own if each.sync_id > after][:limit]
            more = page[-1].sync_id if len(page) == limit else None
            return AffectedSyncs(items=tuple(page), total=len(own), next_after=more)

        @router.get(
            "/connections/{connection_id}/catch-ups", dependencies=[self.admits("notifier")]
        )
        async def catch_ups(connection_id: str, workspace_id: Workspace) -> CatchUpCounts:
            own = self._own(connection_id, workspace_id)
            held = [each for each in own if each.hold and each.hold.connection_id == connection_id]
            statuses = Counter(each.catch_up.status.value for each in own if each.catch_up)
            return CatchUpCounts(total=len(own), held=len(held), by_status=dict(statuses))

        @router.get(
            "/connections/{connection_id}/written-bases", dependencies=[self.admits("auth-service")]
        )
        async def written_bases(
            connection_id: str,
            workspace_id: Workspace,
            after: str = "",
            limit: BasesLimit = WRITTEN_BASES_LIMIT,
        ) -> WrittenBases:
            own = self._bases(connection_id, workspace_id)
            page = [each for each in own if each.base_id > after][:limit]
            more = page[-1].base_id if len(page) == limit else None
            return WrittenBases(items=tuple(page), next_after=more)

        @router.get("/syncs/{sync_id}", dependencies=[self.admits("notifier")])
        async def sync_owner(sync_id: str, workspace_id: Workspace) -> SyncOwner:
            known = self.syncs.get(sync_id)
            if known is None or known.workspace_id != workspace_id:
                raise problems.not_found("sync")
            stopped = {"status": known.affected.status, "holds": known.affected.stopped_by}
            return known.owner.model_copy(update=stopped)

        return router


def affected_sync(sync_id: str, **changes: Any) -> AffectedSync:
    """Make what scheduler tells of a sync that runs as it should, but for some changes."""
    fields = {
        "sync_id": sync_id,
        "name": f"Sync {sync_id}",
        "object": "contacts",
        "status": SyncStatus.ACTIVE,
        "next_slot_at": datetime.now(UTC) + UNTIL_NEXT_SLOT,
    }
    return AffectedSync.model_validate(fields | changes)
