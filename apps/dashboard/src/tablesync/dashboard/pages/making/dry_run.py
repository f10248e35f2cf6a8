"""A dry run of a sync: what a run over everything would do, counted, and nothing written."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import RedirectResponse, Response
from tablesync.client import ProblemError
from tablesync.contracts.public_api.catalog import DryRun, NewDryRun
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.pages.making.asked_sync import contents
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import trouble
from tablesync.dashboard.shown.making.dry_runs import ShownDryRun
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form

NOT_FOUND, CONFLICT = 404, 409


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/{sync_id}/dry-run", include_in_schema=False)

    @router.get("")
    async def show(asked: Operator, sync_id: str, id: str = "") -> Response:  # noqa: A002
        tablesync = asked.visitor.tablesync
        sync = await tablesync.syncs.get(sync_id)
        dry_run = await _of_the_sync(asked, sync_id, id) if id else None
        return page(asked, sync, Form(), dry_run)

    @router.post("")
    async def start(asked: Operator, sync_id: str) -> Response:
        form = await desk.form(asked.request)
        tablesync = asked.visitor.tablesync
        sync = await tablesync.syncs.get(sync_id)
        wanted = NewDryRun.model_validate({**contents(sync), "sync_id": sync.id})
        try:
            begun = await tablesync.dry_runs.start(wanted, idempotency_key=form.get("once"))
        except ProblemError as error:
            return page(asked, sync, form.with_error("", trouble(error)), status=CONFLICT)
        return RedirectResponse(_path(asked, sync_id, begun.id), SEE_OTHER)

    @router.post("/{dry_run_id}/cancel")
    async def cancel(asked: Operator, sync_id: str, dry_run_id: str) -> Response:
        form = await desk.form(asked.request)
        await _of_the_sync(asked, sync_id, dry_run_id)
        await asked.visitor.tablesync.dry_runs.cancel(dry_run_id, idempotency_key=form.get("once"))
        return RedirectResponse(_path(asked, sync_id, dry_run_id), SEE_OTHER)

    def page(
        asked: Asked,
        sync: SyncView,
        form: Form,
        dry_run: DryRun | None = None,
        status: int = 200,
    ) -> Response:
        return desk.page(
            asked,
            "making/dry_run.html",
            status=status,
            shown=ShownSync(sync, asked.clock),
            form=form,
            dry=ShownDryRun(dry_run) if dry_run else None,
        )

    return router


async def _of_the_sync(asked: Asked, sync_id: str, dry_run_id: str) -> DryRun:
    """Return a dry run of a sync; one of another sync, or of none, is not there."""
    found = await asked.visitor.tablesync.dry_runs.get(dry_run_id)
    if found.sync_id != sync_id:
        raise HTTPException(NOT_FOUND)
    return found


def _path(asked: Asked, sync_id: str, dry_run_id: str) -> str:
    return asked.path(f"/syncs/{sync_id}/dry-run?id={dry_run_id}")
