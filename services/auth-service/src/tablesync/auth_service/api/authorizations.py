"""`/v1`: attempts to connect."""

from collections.abc import Collection, Sequence
from typing import Literal

from fastapi import APIRouter, Depends
from tablesync.auth_service.api.views import AuthorizationViews
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.consent.authorizations import Authorizations
from tablesync.auth_service.consent.returning import checked
from tablesync.auth_service.errors import HostRefusedError
from tablesync.auth_service.identity.standing import Standing
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import Provider
from tablesync.contracts.permissions import extra_permissions
from tablesync.contracts.public_api.connections import (
    AuthorizationView,
    CreatedAuthorization,
    NewAuthorization,
)
from tablesync.contracts.wording import one_line, provider_label
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import invalid
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo import database_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

A_PAGE = pages.requested(default=1_000, most=1_000)


def routes(
    units: UnitsOfWork,
    connections: Connections,
    authorizations: Authorizations,
    views: AuthorizationViews,
    providers: Providers,
    standing: Standing,
    *,
    return_origins: Collection[str],
) -> APIRouter:
    """Make the routes of attempts to connect."""
    router = APIRouter(prefix="/v1", tags=["authorizations"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))
    as_operator = standing.once(units, OperatorRole.OPERATOR)

    @router.post("/authorizations", status_code=201, responses=declares(404))
    async def authorize(body: NewAuthorization, once: Once = as_operator) -> CreatedAuthorization:
        provider, who = _served(body.provider, providers), once.principal
        return_to = checked(body.return_to, return_origins) if body.return_to else None

        async def work(unit: UnitOfWork) -> CreatedAuthorization:
            target = None
            extras = _extras(provider, body.extras)
            if body.connection_id is not None:
                target = await connections.get(who.workspace_id, body.connection_id, unit.session)
                _refuse_another_provider(provider.name, target)
            else:
                had = await connections.extras_of(who.workspace_id, provider.name, unit.session)
                extras = tuple(dict.fromkeys([*had, *extras]))
            attempt = await authorizations.create(
                unit,
                who.workspace_id,
                who.operator_id,
                provider.name,
                target,
                host=_host(provider, target, body.shop),
                return_to=return_to,
                extras=extras,
            )
            return CreatedAuthorization(id=attempt.id, start_url=views.start_url(attempt))

        return await once(work)

    @router.get("/authorizations")
    async def list_authorizations(
        status: Literal["pending"] = "pending", at: PageRequest = A_PAGE, who: Principal = viewer
    ) -> Page[AuthorizationView]:
        """List those that go on; to viewers, only such as have begun in somebody's browser."""
        begun_only = who.role < OperatorRole.OPERATOR
        page = await authorizations.pending(who.workspace_id, at, begun_only=begun_only)
        now = await database_now(units.database)
        return page.with_items(await views.of(page.items, now, who))

    @router.get("/authorizations/{authorization_id}", responses=declares(404))
    async def show_authorization(
        authorization_id: str, who: Principal = viewer
    ) -> AuthorizationView:
        attempt = await authorizations.get(who.workspace_id, authorization_id)
        return await views.of_one(attempt, await database_now(units.database), who)

    @router.post("/authorizations/{authorization_id}/cancel", responses=declares(404, 409))
    async def cancel_authorization(
        authorization_id: str, once: Once = as_operator
    ) -> AuthorizationView:
        who = once.principal

        async def work(unit: UnitOfWork) -> AuthorizationView:
            ended = await authorizations.cancel(unit, who.workspace_id, authorization_id)
            return await views.of_one(ended, unit.now, who)

        return await once(work)

    return router


def _served(name: str, providers: Providers) -> OAuthProvider:
    """Read a provider's name; raises Problem 422 that lists those there are."""
    found = providers.named(name)
    if found is None:
        known = ", ".join(providers)
        raise invalid("provider", "is not a known provider", f"Use one of: {known}.")
    return found


def _refuse_another_provider(provider: Provider, target: Connection) -> None:
    """Raise Problem 422 if a connection is to another provider than the one named."""
    if target.provider is not provider:
        raise invalid(
            "provider",
            f"this connection is one to {target.provider}",
            "Name the connection's own provider.",
        )


def _extras(provider: OAuthProvider, wished: Sequence[str]) -> Sequence[str]:
    """Return what is wished for beside; raises Problem 422 for what there is none of."""
    known = extra_permissions(provider.name)
    unknown = next((each for each in wished if each not in known), None)
    if unknown is None:
        return wished
    label = provider_label(provider.name)
    remedy = f"{label} has: {', '.join(known)}." if known else f"{label} has none: leave it out."
    raise invalid("extras", f"{one_line(unknown)} is none of {label}'s", remedy)


def _host(provider: OAuthProvider, target: Connection | None, given: str | None) -> str | None:
    """Return where to connect: what is reconnected has its own; raises Problem 422."""
    own = target.host if target else None
    if own is not None and given is None:
        return own
    try:
        host = provider.host_of(given)
    except HostRefusedError as error:
        raise invalid("shop", error.fault, error.remedy) from None
    if own not in (None, host):
        raise invalid("shop", f"this connection is one to {own}", "Leave it out.")
    return host
