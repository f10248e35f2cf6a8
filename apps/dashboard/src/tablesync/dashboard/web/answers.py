"""Answers that are raised: another page is shown than the one that was asked for."""

from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import URL

SEE_OTHER = 303


class SeeOtherError(Exception):
    """Whoever asks is sent to another page of ours."""

    def __init__(self, path: str, *, forget_session: bool = False) -> None:
        super().__init__(path)
        self.path = path
        self.forget_session = forget_session


def see_other(request: Request, path: str) -> Response:
    """Send a browser to another page of ours; htmx loads that page as a whole."""
    if request.headers.get("hx-request") == "true" and "hx-boosted" not in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, SEE_OTHER)


def local_path(wanted: str | None, otherwise: str = "/") -> str:
    """Return where to go on, if that is a page of ours: anything else would be somebody's trap."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return otherwise
    url = URL(wanted)
    return wanted if not url.netloc and "\\" not in wanted and wanted.isprintable() else otherwise


def looked_at(request: Request) -> str:
    """Return the page that was asked for; of a change, the one that its form was on."""
    return _below_ours(str(request.url)) if request.method == "GET" else page_before(request)


def page_before(request: Request) -> str:
    """Return the page that a browser asks from, such as that of a form or of a stream."""
    return _below_ours(request.headers.get("referer", ""))


def _below_ours(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
