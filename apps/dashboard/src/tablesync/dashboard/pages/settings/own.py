"""One's own mails, times, API tokens and sign-ins."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import ConflictError, InvalidError
from tablesync.contracts.public_api.incidents import PreferencesEdit
from tablesync.contracts.public_api.people import NewApiToken
from tablesync.dashboard.pages.settings.page import SettingsPage
from tablesync.dashboard.shown.times import zone_names
from tablesync.dashboard.web.desk import CHOSEN_ZONE, ONCE, Desk, Member
from tablesync.dashboard.web.forms import Form

TOKEN = {"name": "token_name"}
YEAR_SECONDS = 365 * 86_400
UNKNOWN_ZONE = "Nothing was changed: choose a time zone of the list."


def routes(desk: Desk) -> APIRouter:
    """Make the page, and the routes of one's mails and API tokens."""
    router = APIRouter(prefix="/w/{workspace_id}/settings", include_in_schema=False)
    page = SettingsPage(desk)

    @router.get("")
    async def show(asked: Member) -> Response:
        new_token = desk.handed_over(asked)
        answer = await page.show(asked, Form(), new_token=new_token)
        if new_token:
            desk.cookies.forget(answer, ONCE)
        return answer

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
        except (InvalidError, ConflictError) as error:
            return await page.show(asked, _refused(form, error), 422)
        return desk.hand_over(asked, "/settings", made.api_token)

    @router.post("/tokens/{token_id}/delete")
    async def delete_token(request: Request, asked: Member, token_id: str) -> Response:
        form = await desk.form(request)
        await asked.visitor.tablesync.api_tokens.delete(token_id, idempotency_key=form.get("once"))
        return desk.back(request, asked.path("/settings"), "That token works no longer.")

    return router


def zone_routes(desk: Desk) -> APIRouter:
    """Make the route that chooses in which time zone this browser is told times."""
    router = APIRouter(prefix="/w/{workspace_id}/settings", include_in_schema=False)

    @router.post("/zone")
    async def choose_zone(request: Request, asked: Member) -> Response:
        chosen = (await desk.form(request)).get("zone")
        if chosen and chosen not in zone_names():
            return desk.back(request, asked.path("/settings"), UNKNOWN_ZONE, "warn")
        answer = desk.back(request, asked.path("/settings"), "Times are told as you chose.")
        if chosen:
            desk.cookies.set(answer, CHOSEN_ZONE, chosen, YEAR_SECONDS)
        else:
            desk.cookies.forget(answer, CHOSEN_ZONE)
        return answer

    return router


def session_routes(desk: Desk) -> APIRouter:
    """Make the routes that end one's sign-ins."""
    router = APIRouter(prefix="/w/{workspace_id}/settings", include_in_schema=False)

    @router.post("/sessions/{session_id}/end")
    async def end(request: Request, asked: Member, session_id: str) -> Response:
        form = await desk.form(request)
        sessions = asked.visitor.tablesync.sessions
        await sessions.end(session_id, idempotency_key=form.get("once"))
        desk.visitors.forget_session(session_id)
        if session_id == asked.visitor.who.session_id:
            return desk.signed_out(request)
        said = "That sign-in is ended; it shows nothing within a minute."
        return desk.back(request, asked.path("/settings"), said)

    @router.post("/sign-out-everywhere")
    async def end_all(request: Request, asked: Member) -> Response:
        form = await desk.form(request)
        await asked.visitor.tablesync.sessions.end_all(idempotency_key=form.get("once"))
        desk.visitors.forget_person(asked.visitor.who)
        return desk.signed_out(request)

    return router


def _refused(form: Form, error: InvalidError | ConflictError) -> Form:
    """Return the form of a token with what is wrong with it, or why there are no more of them."""
    if isinstance(error, InvalidError):
        return form.refused(error, TOKEN)
    return form.with_error("token_name", error.problem.detail)
