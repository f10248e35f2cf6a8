"""Members, one's own mails, API tokens and sign-ins, and the audit trail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import InvalidError, ProblemError
from tablesync.contracts.public_api.incidents import PreferencesEdit
from tablesync.contracts.public_api.people import MemberEdit, NewApiToken, NewMember, Role
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.forms import Form

T = TypeVar("T")

INVITING = {"email": "email", "name": "name", "role": "role"}
TOKEN = {"name": "token_name"}


def routes(desk: Desk) -> APIRouter:
    """Make the page and the routes of one's own things."""
    router = APIRouter(prefix="/w/{workspace_id}/settings", include_in_schema=False)
    page = SettingsPage(desk)

    @router.get("")
    async def show(asked: Member) -> Response:
        return await page.show(asked, Form())

    @router.post("/mails")
    async def change_mails(request: Request, asked: Member) -> Response:
        form = await desk.form(request)
        wanted = PreferencesEdit(mails=form.get("mails") == "yes")
        await asked.visitor.tablesync.preferences.change(wanted, idempotency_key=form.get("once"))
        return desk.back(request, asked.path("/settings"), "Your mails are as you chose.")

    @router.post("/tokens")
    async def create_token(request: Request, asked: Member) -> Response:
        form = await desk.form(request)
        try:
            wanted = NewApiToken(name=form.get("token_name"))
            made = await asked.visitor.tablesync.api_tokens.create(
                wanted, idempotency_key=form.get("once")
            )
        except ValidationError as error:
            return await page.show(asked, form.unreadable(error, TOKEN), 422)
        except InvalidError as error:
            return await page.show(asked, form.refused(error, TOKEN), 422)
        return await page.show(asked, Form(), made=made)

    @router.post("/tokens/{token_id}/delete")
    async def delete_token(request: Request, asked: Member, token_id: str) -> Response:
        form = await desk.form(request)
        await asked.visitor.tablesync.api_tokens.delete(token_id, idempotency_key=form.get("once"))
        return desk.back(request, asked.path("/settings"), "That token works no longer.")

    @router.post("/sign-out-everywhere")
    async def sign_out_everywhere(request: Request, asked: Member) -> Response:
        form = await desk.form(request)
        await asked.visitor.tablesync.sessions.end_all(idempotency_key=form.get("once"))
        desk.visitors.forget(asked.visitor.session)
        return desk.back(request, "/sign-in")

    return router


def member_routes(desk: Desk) -> APIRouter:
    """Make the routes of members, for admins."""
    router = APIRouter(prefix="/w/{workspace_id}/settings/members", include_in_schema=False)
    page = SettingsPage(desk)

    @router.post("")
    async def invite(request: Request, asked: Member) -> Response:
        form = await desk.form(request)
        try:
            wanted = NewMember(
                email=form.get("email"), name=form.get("name"), role=Role(form.get("role"))
            )
            await asked.visitor.tablesync.members.invite(wanted, idempotency_key=form.get("once"))
        except ValidationError as error:
            return await page.show(asked, form.unreadable(error, INVITING), 422)
        except InvalidError as error:
            return await page.show(asked, form.refused(error, INVITING), 422)
        except ValueError:
            return await page.show(asked, form.with_error("role", "Choose a role."), 422)
        said = f"{wanted.name} is invited by mail."
        return desk.back(request, asked.path("/settings"), said)

    @router.post("/{operator_id}/role")
    async def change_role(request: Request, asked: Member, operator_id: str) -> Response:
        form = await desk.form(request)
        said = await _told(_change_role(asked, operator_id, form), "The role is changed.")
        return desk.back(request, asked.path("/settings"), *said)

    @router.post("/{operator_id}/remove")
    async def remove(request: Request, asked: Member, operator_id: str) -> Response:
        form = await desk.form(request)
        members = asked.visitor.tablesync.members
        removing = members.remove(operator_id, idempotency_key=form.get("once"))
        said = await _told(removing, "They are a member no longer.")
        return desk.back(request, asked.path("/settings"), *said)

    return router


class SettingsPage:
    """The page with all of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, asked: Asked, form: Form, status: int = 200, **values: object) -> Response:
        """Render it, with what was typed."""
        tablesync = asked.visitor.tablesync
        members, preferences, tokens, sessions = await asyncio.gather(
            _all(tablesync.members.all()),
            tablesync.preferences.get(),
            _all(tablesync.api_tokens.all()),
            _all(tablesync.sessions.all()),
        )
        invitations = (
            await _all(tablesync.members.invitations()) if asked.visitor.may(Role.ADMIN) else []
        )
        return self._desk.page(
            asked,
            "pages/settings.html",
            status=status,
            members=members,
            preferences=preferences,
            tokens=tokens,
            sessions=sessions,
            invitations=invitations,
            roles=list(Role),
            form=form,
            **{"made": None, **values},
        )


async def _all(items: AsyncIterator[T]) -> list[T]:
    return [each async for each in items]


async def _change_role(asked: Asked, operator_id: str, form: Form) -> None:
    """Give a member the chosen role; raises ValueError for one that is none."""
    edit = MemberEdit(role=Role(form.get("role")))
    members = asked.visitor.tablesync.members
    await members.change(operator_id, edit, idempotency_key=form.get("once"))


async def _told(change: Awaitable[object], done: str) -> tuple[str, str]:
    """Make a change of a member; return what is said of it, and in which tone."""
    try:
        await change
    except ProblemError as error:
        return error.problem.detail, "warn"
    except ValueError:
        return "Choose a role.", "warn"
    return done, "good"
