"""Connecting and reconnecting: what the popup opens, and where it ends.

A form is sent into a popup that was opened in the click, or into the same tab where that was
blocked: it is answered alike. The outcome is read from auth-service, whatever became of the popup.
"""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from tablesync.client import InvalidError
from tablesync.contracts.public_api.connections import AuthorizationView, NewAuthorization
from tablesync.dashboard.web.answers import SEE_OTHER, local_path
from tablesync.dashboard.web.desk import Asked, Desk, Member, Operator
from tablesync.dashboard.web.forms import Form


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}", include_in_schema=False)

    @router.get("/connect")
    async def choose(asked: Operator) -> Response:
        providers = await asked.visitor.tablesync.providers.all()
        return desk.page(asked, "pages/connect.html", providers=providers, form=Form())

    @router.post("/connect/{provider}")
    async def connect(request: Request, asked: Member, provider: str) -> Response:
        form = await desk.form(request)
        return await begin(asked, form, NewAuthorization(provider=provider))

    @router.post("/connections/{connection_id}/reconnect")
    async def reconnect(request: Request, asked: Member, connection_id: str) -> Response:
        form = await desk.form(request)
        connection = await asked.visitor.tablesync.connections.get(connection_id)
        wanted = NewAuthorization(provider=str(connection.provider), connection_id=connection_id)
        return await begin(asked, form, wanted)

    @router.post("/authorizations/{authorization_id}/cancel")
    async def cancel(request: Request, asked: Member, authorization_id: str) -> Response:
        form = await desk.form(request)
        await asked.visitor.tablesync.authorizations.cancel(
            authorization_id, idempotency_key=form.get("once")
        )
        return desk.back(request, asked.path("/integrations"), "The sign-in was cancelled.")

    @router.get("/connected")
    async def ended(asked: Member, authorization: str, back: str = "") -> Response:
        """Say how an attempt ended; a popup that was told so closes itself."""
        attempt = await asked.visitor.tablesync.authorizations.get(authorization)
        return desk.page(
            asked,
            "pages/connected.html",
            attempt=attempt,
            provider=await _provider(asked, attempt),
            well=attempt.status == "completed" and attempt.finding is None,
            back=local_path(back, asked.path("/integrations")),
        )

    async def begin(asked: Asked, form: Form, wanted: NewAuthorization) -> Response:
        """Create an attempt, and send the browser to the page of ours that comes before it."""
        back = urlencode({"back": local_path(form.get("back"), asked.path("/integrations"))})
        return_to = f"{desk.settings.origin}{asked.path('/connected')}?{back}"
        shop = form.get("shop").strip() or None
        extras = tuple(form.all("extra"))
        given = {"return_to": return_to, "shop": shop, "extras": extras}
        sent = wanted.model_copy(update=given)
        try:
            created = await asked.visitor.tablesync.authorizations.create(
                sent, idempotency_key=form.get("once")
            )
        except InvalidError as error:
            providers = await asked.visitor.tablesync.providers.all()
            return desk.page(
                asked,
                "pages/connect.html",
                status=422,
                providers=providers,
                form=form.refused(error, {"shop": "shop"}),
            )
        blocked = "&window=blocked" if form.get("window") == "blocked" else ""
        return RedirectResponse(f"{created.start_url}{blocked}", SEE_OTHER)

    return router


async def _provider(asked: Asked, attempt: AuthorizationView) -> object:
    providers = await asked.visitor.tablesync.providers.all()
    return next((each for each in providers if each.name == attempt.provider), None)
