"""The notifier's public API: incidents and preferences, of the workspace in the token."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from tablesync.contracts.public_api.incidents import (
    IncidentStatus,
    IncidentView,
    MailPreview,
    PreferencesEdit,
    PreferencesView,
)
from tablesync.notifier.api.views import incident_view
from tablesync.notifier.incidents.incidents import Incidents, ToldIncident, Wanted
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.previews import NoWordsError, Previews
from tablesync.notifier.unsubscribe import Subscriber
from tablesync.service_kit.http import idempotency, pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import Problem, invalid, not_found
from tablesync.service_kit.http.user_auth import Dependency, OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.resources import Resources


def routes(
    incidents: Incidents,
    previews: Previews,
    preferences: Preferences,
    units: UnitsOfWork,
    resources: Resources,
) -> APIRouter:
    """Make the `/v1` routes."""
    viewer = at_least(resources.verifier, OperatorRole.VIEWER)
    view = partial(incident_view, resources.settings)
    router = APIRouter()
    for each in (
        _of_incidents(incidents, view, viewer),
        _of_mails(previews, viewer),
        _of_preferences(preferences, units, viewer),
    ):
        router.routes.extend(each.routes)
    return router


def _of_incidents(
    incidents: Incidents, view: Callable[[ToldIncident], IncidentView], viewer: Dependency
) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["incidents"])
    a_page = pages.requested(default=100, most=500)

    @router.get("/incidents")
    async def list_incidents(
        who: Annotated[Principal, Depends(viewer)],
        wanted: Annotated[Wanted, Depends(_wanted)],
        at: PageRequest = a_page,
    ) -> Page[IncidentView]:
        return (await incidents.page(who.workspace_id, wanted, at)).map(view)

    @router.get("/incidents/{incident_id}", responses=declares(404))
    async def get_incident(
        who: Annotated[Principal, Depends(viewer)], incident_id: str
    ) -> IncidentView:
        found = await incidents.get(who.workspace_id, incident_id)
        if found is None:
            raise not_found("incident")
        return view(found)

    return router


def _of_mails(previews: Previews, viewer: Dependency) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["incidents"])

    @router.get("/mails/{mail_id}/preview", responses=declares(404, 409))
    async def preview_mail(who: Annotated[Principal, Depends(viewer)], mail_id: str) -> MailPreview:
        try:
            found = await previews.get(who.workspace_id, mail_id)
        except NoWordsError as error:
            raise Problem(409, "no-preview", str(error)) from error
        if found is None:
            raise not_found("mail")
        return MailPreview(
            subject=found.words.subject, text=found.words.text, as_sent=found.as_sent
        )

    return router


def _of_preferences(preferences: Preferences, units: UnitsOfWork, viewer: Dependency) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["preferences"])
    change_once = idempotency.dependency(units, viewer)

    @router.get("/preferences")
    async def get_preferences(who: Annotated[Principal, Depends(viewer)]) -> PreferencesView:
        return PreferencesView(mails=await preferences.wants_mails(_whose(who)))

    @router.patch("/preferences")
    async def change_preferences(
        wanted: PreferencesEdit, once: Once = change_once
    ) -> PreferencesView:
        async def work(unit: UnitOfWork) -> PreferencesView:
            await preferences.set_mails(_whose(once.principal), wanted.mails, unit)
            return PreferencesView(mails=wanted.mails)

        return await once(work)

    return router


def _wanted(
    status: IncidentStatus | None = None,
    connection_id: Annotated[
        str | None, Query(description="Of this connection, and of its syncs.")
    ] = None,
    sync_id: Annotated[str | None, Query(description="Of this sync.")] = None,
    since: Annotated[
        AwareDatetime | None, Query(alias="from", description="Opened then or later.")
    ] = None,
    before: Annotated[
        AwareDatetime | None, Query(alias="to", description="Opened before then.")
    ] = None,
) -> Wanted:
    if since and before and before <= since:
        raise invalid("to", "is not later than `from`", "Give a later moment, or none.")
    return Wanted(status, connection_id, sync_id, since, before)


def _whose(who: Principal) -> Subscriber:
    return Subscriber(who.workspace_id, who.operator_id)
