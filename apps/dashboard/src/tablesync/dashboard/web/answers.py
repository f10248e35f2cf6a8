"""Answers that are raised: another page is shown than the one that was asked for."""

from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import URL
from starlette.routing import Match, Route

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
    asked = str(request.url) if request.method == "GET" else request.headers.get("referer", "")
    return _page_at(request, asked)


def page_before(request: Request) -> str:
    """Return the page that a browser asks from, such as that of a form or of a stream."""
    return _page_at(request, request.headers.get("referer", ""))


def _page_at(request: Request, address: str) -> str:
    """Return a page of ours; of an address that only takes forms, the nearest page above it.

    A page that answers a form stands at the address of the form, which no link can lead to.
    """
    try:
        asked = urlsplit(address)
    except ValueError:
        return "/"
    path = asked.path
    while path and not _is_page(request, path):
        path = path.rpartition("/")[0]
    kept = f"?{asked.query}" if asked.query and path == asked.path else ""
    return local_path(f"{path or '/'}{kept}")


def _is_page(request: Request, path: str) -> bool:
    """Whether what an address is of, by the first route that fits, can be asked for by a link."""
    routes = [each for each in request.app.routes if isinstance(each, Route)]
    asked = {**request.scope, "method": "GET", "path": path}
    whose = next((each for each in routes if each.matches(asked)[0] is not Match.NONE), None)
    alike = (each.methods for each in routes if whose and each.path == whose.path)
    return any("GET" in (methods or ()) for methods in alike)
