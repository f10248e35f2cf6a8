"""Members and whom the workspace has invited, for admins."""

from collections.abc import Awaitable

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProblemError,
    UnauthorizedError,
)
from tablesync.contracts.public_api.people import MemberEdit, MemberView, NewMember, Role
from tablesync.dashboard.pages.settings.page import SettingsPage
from tablesync.dashboard.web.desk import Admin, Asked, Desk, Member
from tablesync.dashboard.web.forms import Form

INVITING = {"email": "email", "name": "name", "role": "role"}
NO_ROLE = "Choose a role."


def routes(desk: Desk) -> APIRouter:
    """Make the routes of members."""
    router = APIRouter(prefix="/w/{workspace_id}/settings/members", include_in_schema=False)
    page = SettingsPage(desk)

    @router.post("")
    async def invite(request: Request, asked: Member) -> Response:
        form = await desk.form(request)
        try:
            wanted = await _invite(asked, form)
        except (ValueError, ProblemError) as error:
            return await page.show(asked, *refused(form, error))
        said = f"{wanted.name} is invited by mail."
        return desk.back(request, asked.path("/settings"), said)

    @router.post("/{operator_id}/role")
    async def change_role(request: Request, asked: Member, operator_id: str) -> Response:
        form = await desk.form(request)
        said = await _told(_change_role(asked, operator_id, form), "The role is changed.")
        desk.visitors.forget_member(asked.workspace_id, operator_id)
        return desk.back(request, asked.path("/settings"), *said)

    @router.get("/{operator_id}/remove")
    async def ask(asked: Admin, operator_id: str) -> Response:
        member = await _member(asked, operator_id)
        return desk.page(asked, "pages/remove_member.html", member=member, who=asked.visitor.who)

    @router.post("/{operator_id}/remove")
    async def remove(request: Request, asked: Member, operator_id: str) -> Response:
        form = await desk.form(request)
        members = asked.visitor.tablesync.members
        removing = members.remove(operator_id, idempotency_key=form.get("once"))
        said = await _told(removing, "They are a member no longer.")
        desk.visitors.forget_member(asked.workspace_id, operator_id)
        left = operator_id == asked.visitor.who.operator_id and said[1] == "good"
        return desk.back(request, "/workspaces" if left else asked.path("/settings"), *said)

    return router


def invitation_routes(desk: Desk) -> APIRouter:
    """Make the routes of invitations that nobody has answered."""
    router = APIRouter(prefix="/w/{workspace_id}/settings/invitations", include_in_schema=False)

    @router.post("/{invitation_id}/send")
    async def send_again(request: Request, asked: Member, invitation_id: str) -> Response:
        form = await desk.form(request)
        members = asked.visitor.tablesync.members
        sending = members.send_again(invitation_id, idempotency_key=form.get("once"))
        said = await _told(sending, "The mail goes out once more, good for seven days.")
        return desk.back(request, asked.path("/settings"), *said)

    @router.post("/{invitation_id}/withdraw")
    async def withdraw(request: Request, asked: Member, invitation_id: str) -> Response:
        form = await desk.form(request)
        members = asked.visitor.tablesync.members
        withdrawing = members.withdraw(invitation_id, idempotency_key=form.get("once"))
        said = await _told(withdrawing, "The invitation is withdrawn: its link leads nowhere.")
        return desk.back(request, asked.path("/settings"), *said)

    return router


async def _member(asked: Asked, operator_id: str) -> MemberView:
    async for each in asked.visitor.tablesync.members.all():
        if each.operator_id == operator_id:
            return each
    raise HTTPException(404)


async def _invite(asked: Asked, form: Form) -> NewMember:
    """Invite somebody; raises ValueError or ProblemError for what cannot be."""
    wanted = NewMember(email=form.get("email"), name=form.get("name"), role=Role(form.get("role")))
    await asked.visitor.tablesync.members.invite(wanted, idempotency_key=form.get("once"))
    return wanted


def refused(form: Form, error: ValueError | ProblemError) -> tuple[Form, int]:
    """Return the form with what is wrong with it, and the status of that."""
    match error:
        case ValidationError():
            return form.unreadable(error, INVITING), 422
        case InvalidError():
            return form.refused(error, INVITING), 422
        case ConflictError(problem=said):
            return form.with_error("email", said.detail), 409
        case ValueError():
            return form.with_error("role", NO_ROLE), 422
        case ForbiddenError() | UnauthorizedError():
            raise error
    return form.with_error("", error.problem.detail), error.problem.status


async def _change_role(asked: Asked, operator_id: str, form: Form) -> None:
    """Give a member the chosen role; raises ValueError for one that is none."""
    edit = MemberEdit(role=Role(form.get("role")))
    members = asked.visitor.tablesync.members
    await members.change(operator_id, edit, idempotency_key=form.get("once"))


async def _told(change: Awaitable[object], done: str) -> tuple[str, str]:
    """Make a change of a member; return what is said of it, and in which tone.

    Raises NotFoundError for somebody who is nobody here: that is no page of ours.
    """
    try:
        await change
    except NotFoundError:
        raise
    except ProblemError as error:
        return error.problem.detail, "warn"
    except ValueError:
        return NO_ROLE, "warn"
    return done, "good"
