"""The unsubscribe page: looking at it changes nothing, its button and one-click POST do."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from tablesync.notifier.mail.rendering import Templates
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.unsubscribe import UnsubscribeTokens
from tablesync.service_kit.http.openapi import NO_TOKEN, declares
from tablesync.service_kit.mongo.reading import UnreadableDocumentError
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"description": "The token is not one of ours, or too old.", "content": {"text/html": {}}}
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def pages(
    tokens: UnsubscribeTokens, preferences: Preferences, templates: Templates, units: UnitsOfWork
) -> APIRouter:
    """Make `/unsubscribe/{token}`."""
    router = APIRouter(
        tags=["unsubscribe"],
        default_response_class=HTMLResponse,
        responses=UNKNOWN | declares(503),
    )

    def page(state: str, status: int = 200) -> HTMLResponse:
        return HTMLResponse(templates.html("unsubscribe", state=state), status, HEADERS)

    @router.get("/unsubscribe/{token}", openapi_extra=NO_TOKEN)
    async def show(token: str) -> HTMLResponse:
        """Show what the switch stands at; where nobody can say, either way is offered by asking."""
        whose = tokens.read(token)
        if whose is None:
            return page("unknown", 404)
        try:
            return page("ask" if await preferences.wants_mails(whose) else "done")
        except UnreadableDocumentError:
            return page("ask")

    @router.post("/unsubscribe/{token}", openapi_extra=NO_TOKEN)
    async def unsubscribe(token: str, again: bool = False) -> HTMLResponse:
        """Switch mails off, or on again for who pressed the wrong button."""
        whose = tokens.read(token)
        if whose is None:
            return page("unknown", 404)
        await units.run(lambda unit: preferences.set_mails(whose, again, unit))
        return page("again" if again else "done")

    return router
