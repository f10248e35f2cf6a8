"""What is shown instead of a page: who is asked for what, and what somebody can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from tablesync.client import (
    AwayError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProblemError,
    UnconfirmedError,
)
from tablesync.dashboard.live import streams
from tablesync.dashboard.pages import kept
from tablesync.dashboard.pages.making.kept import DraftGoneError
from tablesync.dashboard.shown import help as helping
from tablesync.dashboard.web.answers import SeeOtherError, looked_at, see_other
from tablesync.dashboard.web.desk import AWAY, Asked, Desk, StaleFormError
from tablesync.dashboard.web.forms import Form, FormTooLargeError
from tablesync.service_kit.http.problems import log_unhandled

ONLY_FORMS = 405


@dataclass(frozen=True)
class Fault:
    """A title, what it means, and the one thing to do."""

    status: int
    title: str
    text: str
    action: str = "Back to the first page"
    path: str = "/"
    help: str = ""


NOT_FOUND = Fault(
    404,
    "There is no such page here",
    "It may have been deleted, or it belongs to a workspace that you are no member of.",
)
FORBIDDEN = Fault(
    403,
    "Your role does not allow this",
    "An admin of the workspace can give you another role, or do it for you.",
    help=f"{helping.ROOT}/members-and-roles",
)
STALE = Fault(
    403,
    "This page was too old",
    "You have signed in anew since it was opened, so nothing was changed. Open it again, and then "
    "press the button.",
)
DRAFT_GONE = Fault(
    404,
    "This draft is not there any more",
    "It was discarded, or nobody has changed it for two weeks. No sync was made of it; drafts that "
    "are there are offered on the list of syncs.",
    "Begin a new sync",
)
CUT_OFF = Fault(
    422,
    "This address asks for something that the page does not know",
    "It may be old, or cut off where it was copied. The page itself is there.",
    "Go to the page",
)
TOO_LARGE = Fault(
    413,
    "That was too much at once",
    "The form said more than TableSync reads, so nothing was changed. Go back, and send less.",
)
BROKEN = Fault(
    500,
    "This page broke",
    "That is a fault of TableSync, and it is noted. Syncs go on; what you asked for may or may not "
    "have been done.",
    "Look again",
)


SAME: Mapping[type[Exception], Fault] = {
    StaleFormError: STALE,
    FormTooLargeError: TOO_LARGE,
    ForbiddenError: FORBIDDEN,
}
FAULTS = (
    AwayError,
    ProblemError,
    DraftGoneError,
    StaleFormError,
    FormTooLargeError,
    HTTPException,
    RequestValidationError,
)


def install(app: FastAPI, desk: Desk, headers: Mapping[str, str]) -> None:
    """Show a page for each kind of fault; `headers` go with one that no middleware sees."""

    async def on_see_other(request: Request, error: Exception) -> Response:
        assert isinstance(error, SeeOtherError)
        if _is_stream(request):
            # A stream knows no other page.
            return streams.over(desk, request, error)
        answer = await kept.signed_out(desk, request, error) or see_other(request, error.path)
        if error.forget_session:
            desk.forget_session(answer)
        return answer

    async def on_fault(request: Request, error: Exception) -> Response:
        if request.method == "GET" and _takes_only_forms(error):
            return see_other(request, looked_at(request))
        return answer_to(desk, request, error)

    app.add_exception_handler(SeeOtherError, on_see_other)

    async def on_bug(request: Request, error: Exception) -> Response:
        log_unhandled(request, error)
        fault = replace(BROKEN, path=looked_at(request))
        page = desk.plain_page(
            request, "pages/fault.html", status=fault.status, fault=fault, sent={}
        )
        page.headers.update(headers)
        return page

    app.add_exception_handler(Exception, on_bug)
    for each in FAULTS:
        app.add_exception_handler(each, on_fault)


def answer_to(desk: Desk, request: Request, error: Exception) -> Response:
    """Return the page of an error: within its workspace, where that can be told."""
    if isinstance(error, NotFoundError) and _is_stream(request):
        return streams.over(desk, request, error)
    if isinstance(error, StaleFormError) and error.form and error.form.typed:
        return kept.signed_in_anew(desk, request, error.form)
    fault = fault_of(error, request)
    asked = _within(request) if isinstance(error, AwayError | DraftGoneError) else None
    sent = _sent(request) if isinstance(error, AwayError) else {}
    told: dict[str, Any] = {"status": fault.status, "fault": fault, "sent": sent}
    if asked is None:
        return desk.plain_page(request, "pages/fault.html", **told)
    if isinstance(error, AwayError) and request.method == "GET":
        return desk.waiting_page(asked, "pages/away.html", service=error.service)
    return desk.page(asked, "pages/fault.html", **told)


def _sent(request: Request) -> Mapping[str, Sequence[str]]:
    """Return the fields of the form that was sent, its key among them: again it is the same act."""
    form: Form | None = getattr(request.state, "sent", None)
    return form.lists if form else {}


def _within(request: Request) -> Asked | None:
    """Return who asks for a page of which workspace, if that was told before all else failed."""
    asked: Asked | None = getattr(request.state, "asked", None)
    return None if _is_stream(request) else asked


def _takes_only_forms(error: Exception) -> bool:
    """Whether an address is that of a form, where its answer stood that is asked for again."""
    return isinstance(error, HTTPException) and error.status_code == ONLY_FORMS


def _is_stream(request: Request) -> bool:
    return "/live/" in request.url.path


def fault_of(error: Exception, request: Request) -> Fault:
    """Return what is shown for an error."""
    match error:
        case AwayError():
            return _away(error, request)
        case DraftGoneError():
            return replace(DRAFT_GONE, path=error.path)
        case StaleFormError() | FormTooLargeError() | ForbiddenError():
            return SAME[type(error)]
        # An address that is none of ours is no page, whatever of it is wrong.
        case NotFoundError() | HTTPException(status_code=404) | RequestValidationError():
            return NOT_FOUND
        case ProblemError():
            return _refused(error, request)
        case HTTPException():
            return Fault(error.status_code, "That did not work", str(error.detail))
    raise error


def _refused(error: ProblemError, request: Request) -> Fault:
    """Say what a service refuses; of an address that it cannot read, what to do is enough."""
    if isinstance(error, InvalidError) and request.method == "GET":
        return replace(CUT_OFF, path=request.url.path)
    said = error.problem
    meaning = helping.of_problem(said.type)
    return Fault(said.status, "That cannot be done now", said.detail, help=meaning)


def _away(error: AwayError, request: Request) -> Fault:
    """Say that a service is silent; of a change, that nobody knows whether it was made."""
    kept = bool(_sent(request))
    if isinstance(error, UnconfirmedError):
        again = "What you sent is kept in this tab: sent once more from here, it is done only once."
        return Fault(
            AWAY,
            "Nobody has confirmed this",
            f"{error.service} did not answer in time: it may have been done, or not. "
            f"{again if kept else 'Look again before you repeat it.'}",
            "Look again",
            looked_at(request),
        )
    nothing = "Nothing was changed, and what you sent is kept in this tab."
    return Fault(
        AWAY,
        f"{error.service} does not answer",
        f"{nothing if kept else 'Nothing was changed.'} Syncs go on as far as they do not need it.",
        "Back to the page" if kept else "Try again",
        looked_at(request),
    )
