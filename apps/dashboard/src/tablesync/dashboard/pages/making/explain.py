"""Explain a record: what the source has, what it becomes, what Airtable has, and why."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import AwayError, InvalidError, ProblemError
from tablesync.contracts.public_api.catalog import ExplainedRecord, Explanation
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.pages.making.asked_sync import contents
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import trouble
from tablesync.dashboard.pages.sync import read_places, read_uses
from tablesync.dashboard.shown.making.explained import ShownExplanation
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form

UNPROCESSABLE = 422
NEEDED = "Type the record’s id, or its key."


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/{sync_id}/explain", include_in_schema=False)

    @router.get("")
    async def show(asked: Operator, sync_id: str, record: str | None = None) -> Response:
        sync = await asked.visitor.tablesync.syncs.get(sync_id)
        form = Form({"record": record or ""})
        if record is None:
            return page(asked, sync, form)
        try:
            wanted = _wanted(sync, record)
        except ValidationError:
            return page(asked, sync, form.with_error("record", NEEDED), status=UNPROCESSABLE)
        return await explain(asked, sync, form, wanted)

    async def explain(
        asked: Asked, sync: SyncView, form: Form, wanted: ExplainedRecord
    ) -> Response:
        try:
            found = await asked.visitor.tablesync.explanations.make(wanted)
        except InvalidError as error:
            refused = form.refused(error, {"record": "record"})
            return page(asked, sync, refused, status=UNPROCESSABLE)
        except (AwayError, ProblemError) as error:
            return page(asked, sync, form.with_error("", trouble(error)))
        tablesync = asked.visitor.tablesync
        uses, _ = await read_uses(tablesync, sync)
        places = await read_places(tablesync, sync, uses)
        return page(asked, sync, form, found, places=places)

    def page(
        asked: Asked,
        sync: SyncView,
        form: Form,
        found: Explanation | None = None,
        **values: Any,
    ) -> Response:
        shown = ShownSync(sync, asked.clock)
        explained = ShownExplanation(found, asked.clock) if found else None
        return desk.page(
            asked, "making/explain.html", shown=shown, form=form, explained=explained, **values
        )

    return router


def _wanted(sync: SyncView, record: str) -> ExplainedRecord:
    asked = {**contents(sync), "sync_id": sync.id, "record": record}
    return ExplainedRecord.model_validate(asked)
