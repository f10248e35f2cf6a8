"""What a tab is told of its stream: that it is over and why, or that nobody tells what is new."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from tablesync.client import AwayError, NotFoundError, ProblemError, TableSyncError
from tablesync.dashboard.web.answers import SeeOtherError, page_before
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.rendering import partial

NOTICE = "notice"
ENDED = b"event: ended\ndata: \n\n"
# Takes back what was told of a service that answers again.
NOTHING = partial(NOTICE, "", "innerHTML")


@dataclass(frozen=True)
class Over:
    """Why a stream is over, and where its viewer can go on."""

    title: str
    text: str
    path: str
    action: str


MEMBERSHIP = Over(
    "You are no member of this workspace any more",
    "What this page shows is as it was then.",
    "/workspaces",
    "See your workspaces",
)
DELETED = Over(
    "What this page shows has been deleted", "It is as it was then.", "/", "Go to the first page"
)


def signed_out(request: Request) -> Over:
    """Say that a session is over; whoever signs in again is back on the same page."""
    return Over(
        "You are signed out",
        "What this page shows is as it was then.",
        f"/sign-in?return_to={quote(page_before(request), safe='/')}",
        "Sign in again",
    )


def why_over(error: SeeOtherError | NotFoundError, request: Request) -> Over:
    """Return why somebody has no stream (any more)."""
    return MEMBERSHIP if isinstance(error, NotFoundError) else signed_out(request)


def last(desk: Desk, over: Over) -> str:
    """Render what the last message of a stream says."""
    return partial(NOTICE, desk.rendering.part("parts/live.html", "over", over), "innerHTML")


def untold(desk: Desk, asked: Asked, error: TableSyncError) -> str:
    """Render which service is silent, or why one refuses to tell."""
    part = desk.rendering.part
    match error:
        case AwayError():
            html = part("parts/live.html", "silent", error.service, asked.clock)
        case ProblemError():
            html = part("parts/live.html", "refused", error.service, error.problem.detail)
        case _:
            return ""
    return partial(NOTICE, html, "innerHTML")
