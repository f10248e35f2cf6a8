"""`/v1`: sign-in, the caller's own API tokens, and sign-ins that last."""

from fastapi import APIRouter, Depends, Response
from tablesync.auth_service.api import identity_views as views
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.people import People, Person
from tablesync.auth_service.identity.sessions import Sessions
from tablesync.auth_service.identity.sign_in import SignIn
from tablesync.auth_service.identity.standing import Standing
from tablesync.contracts.public_api.people import (
    ApiTokenView,
    CreatedApiToken,
    CreatedSession,
    Credentials,
    DeletedApiToken,
    EndedSession,
    EndedSessions,
    NewApiToken,
    NewSession,
    SessionView,
    UserToken,
)
from tablesync.service_kit.http import idempotency, pages
from tablesync.service_kit.http.idempotency import Once, OnceBy
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
        return views.user_token(await sign_in.exchange(credentials))

    @router.get("/api-tokens")
    async def list_tokens(at: PageRequest = A_PAGE, who: Principal = viewer) -> Page[ApiTokenView]:
        return (await api_tokens.page(who, at)).map(views.api_token)

    @router.post("/api-tokens", status_code=201, responses=declares(409))
    async def create_token(body: NewApiToken, once: Once = as_viewer) -> CreatedApiToken:
        async def work(unit: UnitOfWork) -> CreatedApiToken:
            made, secret = await api_tokens.create(unit, once.principal, body.name)
            return views.created_api_token(made, secret)

        return await once(work)

    @router.delete("/api-tokens/{token_id}", responses=declares(404))
    async def delete_token(token_id: str, once: Once = as_viewer) -> DeletedApiToken:
        async def work(unit: UnitOfWork) -> DeletedApiToken:
            await api_tokens.delete(unit, once.principal, token_id)
            return DeletedApiToken(id=token_id)

        return await once(work)

    return router


def session_routes(
    units: UnitsOfWork, sign_in: SignIn, sessions: Sessions, people: People
) -> APIRouter:
    """Make the routes of sign-ins that last."""
    router = APIRouter(prefix="/v1/sessions", tags=["sign-in"])
    person, as_person = Depends(people.signed_in), idempotency.dependency(units, people.signed_in)

    @router.post("", status_code=201, responses=declares(401), openapi_extra=NO_TOKEN)
    async def begin(body: NewSession, response: Response) -> CreatedSession:
        """Begin one with what the identity provider says; it is a new one each time."""
        who = await sign_in.person_of(body.id_token, body.nonce)

        async def work(unit: UnitOfWork) -> CreatedSession:
            return views.created_session(*await sessions.begin(unit, who, body.device))

        response.headers["Cache-Control"] = "no-store"
        return await units.run(work)

    @router.post("/end", status_code=204, openapi_extra=NO_TOKEN)
    async def sign_out(body: EndedSession) -> Response:
        """End the one whose secret this is; one that is over already stays so."""
        await sessions.end_by_secret(body.session_token)
        return Response(status_code=204)

    @router.get("")
    async def list_sessions(at: PageRequest = A_PAGE, who: Person = person) -> Page[SessionView]:
        return (await sessions.page(who, at)).map(views.session)

    @router.delete("/{session_id}", status_code=204, responses=declares(404))
    async def end(session_id: str, once: OnceBy[Person] = as_person) -> Response:
        await once(lambda unit: sessions.end(unit, once.principal, session_id))
        return Response(status_code=204)

    @router.delete("")
    async def end_all(once: OnceBy[Person] = as_person) -> EndedSessions:
        """End all of one's own, everywhere; tokens that are out are good for five minutes more."""

        async def work(unit: UnitOfWork) -> EndedSessions:
            return EndedSessions(ended=await sessions.end_all(unit, once.principal))

        return await once(work)

    return router
