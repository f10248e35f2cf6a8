"""`/v1`: sign-in, and the caller's own API tokens."""

from fastapi import APIRouter, Depends, Response
from tablesync.auth_service.api.identity_views import (
    ApiTokenView,
    CreatedApiToken,
    DeletedApiToken,
    NewApiToken,
    UserToken,
)
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.sign_in import Credentials, SignIn
from tablesync.auth_service.identity.standing import Standing
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import NO_TOKEN, declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

A_PAGE = pages.requested(default=1_000, most=1_000)


def routes(
    units: UnitsOfWork,
    sign_in: SignIn,
    api_tokens: ApiTokens,
    standing: Standing,
) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["sign-in"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))
    as_viewer = standing.once(units, OperatorRole.VIEWER)

    @router.post("/tokens", responses=declares(401, 409), openapi_extra=NO_TOKEN)
    async def exchange(credentials: Credentials, response: Response) -> UserToken:
        response.headers["Cache-Control"] = "no-store"
        return UserToken.of(await sign_in.exchange(credentials))

    @router.get("/api-tokens")
    async def list_tokens(at: PageRequest = A_PAGE, who: Principal = viewer) -> Page[ApiTokenView]:
        return (await api_tokens.page(who, at)).map(ApiTokenView.of)

    @router.post("/api-tokens", status_code=201, responses=declares(409))
    async def create_token(body: NewApiToken, once: Once = as_viewer) -> CreatedApiToken:
        async def work(unit: UnitOfWork) -> CreatedApiToken:
            made, secret = await api_tokens.create(unit, once.principal, body.name)
            return CreatedApiToken.with_secret(made, secret)

        return await once(work)

    @router.delete("/api-tokens/{token_id}", responses=declares(404))
    async def delete_token(token_id: str, once: Once = as_viewer) -> DeletedApiToken:
        async def work(unit: UnitOfWork) -> DeletedApiToken:
            await api_tokens.delete(unit, once.principal, token_id)
            return DeletedApiToken(id=token_id)

        return await once(work)

    return router
