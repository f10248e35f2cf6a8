"""`/v1`: one thing done to many syncs, those that are named or fit, or all of a connection."""

from fastapi import APIRouter, Depends
from tablesync.contracts import new_id
from tablesync.contracts.public_api.bulk_changes import BulkAction, BulkChangeView, NewBulkChange
from tablesync.contracts.public_api.syncs import SyncFilter
from tablesync.scheduler import errors
from tablesync.scheduler.domain.bulk import BulkChange
from tablesync.scheduler.store import Store
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


def routes(units: UnitsOfWork, store: Store, verifier: Verifier) -> APIRouter:
    """Make the router; a change is stored, and the worker carries it out."""
    router = APIRouter(prefix="/v1", tags=["syncs"])
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))
    bulk = BulkCommands(store)

    @router.post("/syncs/bulk", status_code=202)
    async def change_many(body: NewBulkChange, once: Once = once_as_operator) -> BulkChangeView:
        """Do one thing to the syncs that are named, or to all that fit now."""
        return await once(lambda unit: bulk.begin(unit, once.principal, body))

    @router.post("/connections/{connection_id}/pause", status_code=202, responses=declares(404))
    async def pause_all(connection_id: str, once: Once = once_as_operator) -> BulkChangeView:
        """Pause all syncs of a connection that are not paused yet."""
        who, action = once.principal, BulkAction.PAUSE
        return await once(lambda unit: bulk.begin_with(unit, who, connection_id, action))

    @router.post("/connections/{connection_id}/resume", status_code=202, responses=declares(404))
    async def resume_all(connection_id: str, once: Once = once_as_operator) -> BulkChangeView:
        """Resume exactly the syncs that were paused with this connection."""
        who, action = once.principal, BulkAction.RESUME
        return await once(lambda unit: bulk.begin_with(unit, who, connection_id, action))

    @router.post("/connections/{connection_id}/run", status_code=202, responses=declares(404))
    async def run_all(connection_id: str, once: Once = once_as_operator) -> BulkChangeView:
        """Ask for a run of all syncs of a connection; one that is held is named as a failure."""
        who, action = once.principal, BulkAction.RUN
        return await once(lambda unit: bulk.begin_with(unit, who, connection_id, action))

    @router.get("/bulk-changes/{bulk_change_id}", responses=declares(404))
    async def show_bulk_change(bulk_change_id: str, who: Principal = viewer) -> BulkChangeView:
        change = await store.bulk.get_of(who.workspace_id, bulk_change_id)
        if change is None:
            raise not_found("bulk change")
        return _view(change)

    return router


class BulkCommands:
    """Begins changes to many syncs: which ones is settled as they begin."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(
        self, unit: UnitOfWork, who: Principal, wanted: NewBulkChange
    ) -> BulkChangeView:
        """Begin to change the syncs that are named, or that fit; raises Problem 409."""
        ids = [*dict.fromkeys(wanted.sync_ids or ())]
        if wanted.matching:
            ids = await self._store.lists.ids_of(who.workspace_id, wanted.matching, unit.session)
            if wanted.seen is not None and wanted.seen != len(ids):
                raise errors.others_match(wanted.seen, len(ids))
        return await self._begin(unit, who, wanted.action, ids)

    async def begin_with(
        self, unit: UnitOfWork, who: Principal, connection_id: str, action: BulkAction
    ) -> BulkChangeView:
        """Begin to change the syncs of a connection; raises Problem 404."""
        known = await self._store.connections.get(connection_id, unit.session)
        if known is None or known.workspace_id != who.workspace_id:
            raise not_found("connection")
        fitting = SyncFilter(connection_id=connection_id)
        only = {"pause.connection_id": connection_id} if action is BulkAction.RESUME else {}
        lists = self._store.lists
        ids = await lists.ids_of(who.workspace_id, fitting, unit.session, only)
        return await self._begin(unit, who, action, ids, connection_id)

    async def _begin(
        self,
        unit: UnitOfWork,
        who: Principal,
        action: BulkAction,
        sync_ids: list[str],
        connection_id: str | None = None,
    ) -> BulkChangeView:
        change = BulkChange(
            id=new_id("blk"),
            workspace_id=who.workspace_id,
            action=action,
            operator_id=who.operator_id,
            connection_id=connection_id,
            total=len(sync_ids),
            created_at=unit.now,
            due_at=unit.now,
            ended_at=None if sync_ids else unit.now,
        )
        await self._store.bulk.insert(change, sync_ids, unit.session)
        return _view(change)


def _view(shown: BulkChange) -> BulkChangeView:
    return BulkChangeView.model_validate(shown, from_attributes=True)
