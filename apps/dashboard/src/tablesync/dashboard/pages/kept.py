"""A form that came after its session had ended: nothing that was typed is lost.

It is shown as a page that brings the same once more, to whoever signs in again in another tab. What
is no more than a button leads to the sign-in, and back to where the button is.
"""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response
from tablesync.dashboard.web.answers import SeeOtherError
from tablesync.dashboard.web.desk import Desk
from tablesync.dashboard.web.forms import Form, FormTooLargeError

UNAUTHORIZED, FORBIDDEN = 401, 403


@dataclass(frozen=True)
class Kept:
    """What is said of a form that is kept; `sign_in` is where to sign in before it is sent."""

    title: str
    text: str
    action: str
    sign_in: str = ""


SENT_BEFORE = Kept(
    "You have signed in anew since this page was opened",
    "Nothing was changed yet, and what you typed is kept in this tab. It is done for whom you are "
    "signed in as now.",
    "Send it",
)


async def signed_out(desk: Desk, request: Request, error: SeeOtherError) -> Response | None:
    """Return a page that keeps what was typed; None where nothing was, or nobody has to sign in."""
    if request.method != "POST" or not error.path.startswith("/sign-in"):
        return None
    try:
        form = await Form.of(request)
    except FormTooLargeError:
        return None
    kept = Kept(
        "You were signed out meanwhile",
        "Nothing was changed, and what you typed is kept in this tab. Sign in, which opens another "
        "tab, and come back to this one.",
        "Go on",
        error.path,
    )
    return _page(desk, request, form, kept, UNAUTHORIZED) if form.typed else None


def signed_in_anew(desk: Desk, request: Request, form: Form) -> Response:
    """Return a page that sends the form once more, as whoever is signed in now."""
    return _page(desk, request, form, SENT_BEFORE, FORBIDDEN)


def _page(desk: Desk, request: Request, form: Form, kept: Kept, status: int) -> Response:
    session = desk.session(request)
    # Without a session it keeps the proof that it is ours: only then it is asked about once more.
    csrf = form.get("csrf") if kept.sign_in or not session else desk.form_token(session)
    fields = {**form.lists, "csrf": [csrf]}
    return desk.plain_page(request, "pages/kept.html", status=status, kept=kept, fields=fields)
