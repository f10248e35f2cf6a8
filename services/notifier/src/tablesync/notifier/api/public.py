"""The notifier's public API: incidents and preferences, of the workspace in the token."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from tablesync.notifier.incidents.incidents import Incidents
from tablesync.notifier.models import IncidentStatus
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.unsubscribe import Subscriber
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

INCIDENTS_MAX = 500


class PreferencesView(BaseModel):
    """What an operator wants to hear."""

    model_config = ConfigDict(extra="forbid", strict=True)

    mails: bool


def routes(
    incidents: Incidents, wishes: Preferences, units: UnitsOfWork, verifier: Verifier
) -> APIRouter:
    """Make the `/v1` routes."""
    router = APIRouter(prefix="/v1", tags=["incidents"])
    viewer = at_least(verifier, OperatorRole.VIEWER)
    change_once = idempotency.dependency(units, viewer)

    @router.get("/incidents")
    async def list_incidents(
        who: Annotated[Principal, Depends(viewer)],
        status: IncidentStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=INCIDENTS_MAX)] = 100,
    ) -> dict[str, Any]:
        return {"items": await incidents.newest(who.workspace_id, status, limit)}

    @router.get("/incidents/{incident_id}")
    async def get_incident(
        who: Annotated[Principal, Depends(viewer)], incident_id: str
    ) -> dict[str, Any]:
        found = await incidents.get(who.workspace_id, incident_id)
        if found is None:
            raise not_found("incident")
        return found

    @router.get("/preferences")
    async def get_preferences(who: Annotated[Principal, Depends(viewer)]) -> PreferencesView:
        return PreferencesView(mails=await wishes.wants_mails(_whose(who)))

    @router.patch("/preferences")
    async def change_preferences(
        wanted: PreferencesView, once: Once = change_once
    ) -> PreferencesView:
        async def work(unit: UnitOfWork) -> PreferencesView:
            await wishes.set_mails(_whose(once.principal), wanted.mails, unit)
            return wanted

        return await once(work)

    return router


def _whose(who: Principal) -> Subscriber:
    return Subscriber(who.workspace_id, who.operator_id)
