"""What a tab is told of its stream: that it is over and why, or that nobody tells what is new."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from tablesync.client import AwayError, NotFoundError, ProblemError, TableSyncError
from tablesync.dashboard.shown.workspace import people
from tablesync.dashboard.web.answers import SeeOtherError, page_before
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.rendering import partial

NOTICE = "notice"
ENDED = b"event: ended\ndata: \n\n"
# The script of the tab tells this one, since it knows when the tab is looked at again.
CROWDED = b"event: crowded\ndata: \n\n" + ENDED
# Takes back what was told of a service that answers again.
NOTHING = partial(NOTICE, "", "innerHTML")


@dataclass(frozen=True)
class Notice:
    """Why a page is as it was, and where its viewer can go on."""

    title: str
    text: str
    path: str
    action: str


MEMBERSHIP = Notice(
    "You are no member of this workspace any more",
    "What this page shows is as it was then.",
    "/workspaces",
    "See your workspaces",
)
DELETED = Notice(
    "What this page shows has been deleted", "It is as it was then.", "/", "Go to the first page"
)


def signed_out(request: Request) -> Notice:
    """Say that a session is over; whoever signs in again is back on the same page."""
    return Notice(
        "You are signed out",
        "What this page shows is as it was then.",
        f"/sign-in?return_to={quote(page_before(request), safe='/')}",
        "Sign in again",
    )


def role_changed(desk: Desk, asked: Asked) -> str:
    """Render that somebody may do more or less by now than when their page was made."""
    role = people.role(str(asked.visitor.who.role)).lower()
    changed = Notice(
        f"Your role here is {role} now",
        "What changes by itself offers what that allows; load the page again for the rest of it.",
        page_before(asked.request),
        "Load it again",
    )
    return rendered(desk, changed)


def why_over(error: SeeOtherError | NotFoundError, request: Request) -> Notice:
    """Return why somebody has no stream (any more)."""
    return MEMBERSHIP if isinstance(error, NotFoundError) else signed_out(request)


def rendered(desk: Desk, notice: Notice) -> str:
    """Render why a page is not what it would be by now."""
    return partial(NOTICE, desk.rendering.part("parts/live.html", "over", notice), "innerHTML")


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
