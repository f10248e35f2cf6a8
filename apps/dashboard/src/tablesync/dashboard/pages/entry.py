"""Where somebody comes in: their workspace, a choice of several, or the first one."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from tablesync.client import InvalidError, ProblemError
from tablesync.contracts.public_api.people import NewWorkspace
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Desk
from tablesync.dashboard.web.forms import Form

FIELDS = {"name": "name"}


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def enter(request: Request) -> Response:
        visitor = await desk.visitor(request)
        chosen = visitor.who.workspace_id
        return RedirectResponse(f"/w/{chosen}/integrations" if chosen else "/workspaces", SEE_OTHER)

    @router.get("/workspaces")
    async def choose(request: Request) -> Response:
        return await show(request, Form())

    @router.post("/workspaces")
    async def create(request: Request) -> Response:
        form = await desk.form(request)
        own = (await desk.person(request)).tablesync.own_workspaces
        try:
            wanted = NewWorkspace(name=form.get("name"))
            made = await own.create(wanted, idempotency_key=form.get("once"))
        except ValidationError as error:
            return await show(request, form.unreadable(error, FIELDS), 422)
        except InvalidError as error:
            return await show(request, form.refused(error, FIELDS), 422)
        except ProblemError as error:
            return await show(request, form.with_error("name", error.problem.detail), 409)
        return desk.back(request, f"/w/{made.id}/integrations", f"{made.name} is yours.")

    async def show(request: Request, form: Form, status: int = 200) -> Response:
        visitor = await desk.person(request)
        own = visitor.tablesync.own_workspaces
        return desk.plain_page(
            request,
            "pages/workspaces.html",
            status=status,
            who=visitor.who,
            workspaces=[each async for each in own.all()],
            invitations=[each async for each in own.invitations()],
            form=form,
        )

    return router


def invitation_routes(desk: Desk) -> APIRouter:
    """Make the routes of somebody's invitations."""
    router = APIRouter(prefix="/invitations/{invitation_id}", include_in_schema=False)

    @router.post("/accept")
    async def accept(request: Request, invitation_id: str) -> Response:
        form = await desk.form(request)
        own = (await desk.person(request)).tablesync.own_workspaces
        joined = await own.accept(invitation_id, idempotency_key=form.get("once"))
        return desk.back(
            request, f"/w/{joined.id}/integrations", f"You are a member of {joined.name}."
        )

    @router.post("/decline")
    async def decline(request: Request, invitation_id: str) -> Response:
        form = await desk.form(request)
        own = (await desk.person(request)).tablesync.own_workspaces
        await own.decline(invitation_id, idempotency_key=form.get("once"))
        return desk.back(request, "/workspaces", "The invitation was declined.")

    return router
