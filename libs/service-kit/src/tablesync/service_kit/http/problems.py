"""Problems (RFC 9457): every error answer names what is wrong, where, and the remedy."""

import json
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import structlog
from aiokafka.errors import KafkaError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from tablesync.service_kit.errors import DependencyUnavailableError, is_unavailable
from tablesync.service_kit.http.access import METHODS, route_of
from tablesync.service_kit.mongo.reading import UnreadableDocumentError

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
NOT_FOUND = "not-found"
UNREADABLE_DOCUMENT = "unreadable-document"
# One that is small may have thousands: nobody reads them, and each costs more than it took to send.
LISTED_ERRORS = 50


class AsciiJson(JSONResponse):
    """JSON in ASCII: it can carry whatever a caller sent, lone surrogates included."""

    def render(self, content: Any) -> bytes:
        """Escape what is not ASCII."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class RaisedAnswer(HTTPException, ABC):
    """An HTTP answer that is raised from wherever it becomes clear.

    FastAPI takes every other exception for a fault of the body while it reads one.
    """

    @abstractmethod
    def response(self, help_url: str = "") -> Response:
        """Return the answer to send; problems are explained below `help_url`."""


class Problem(RaisedAnswer):
    """An answer for the caller: `errors` are {field, message, remedy}."""

    def __init__(
        self,
        status: int,
        type_: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(status, detail, headers or {})
        self.status = status
        self.type = type_
        self.errors = errors or []
        self.extra = extra

    def response(self, help_url: str = "") -> JSONResponse:
        """Return the answer as application/problem+json, with the page that explains it."""
        body = {
            "type": problem_uri(self.type),
            "title": self.type.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            **({"help": f"{help_url}/problems/{self.type}"} if help_url else {}),
            **({"errors": self.errors} if self.errors else {}),
            **self.extra,
        }
        return AsciiJson(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def problem_uri(type_: str) -> str:
    """Return what the member `type` of a problem holds."""
    return f"urn:tablesync:problem:{type_}"


def not_found(what: str) -> Problem:
    """Return the one answer for what does not exist and for what belongs to another workspace."""
    return Problem(404, NOT_FOUND, f"There is no such {what} in this workspace.")


def conflict(type_: str, detail: str, **extra: Any) -> Problem:
    """Return the answer for a request that the present state forbids."""
    return Problem(409, type_, detail, **extra)


def limit_reached(what: str, limit: int, remedy: str, setting: str) -> Problem:
    """Return the answer for one more than there may be, which names limit, remedy and setting."""
    detail = f"There may be {limit:,} {what}, and there are. {remedy}"
    raised = f"Whoever runs TableSync can raise {setting}."
    return conflict("limit-reached", f"{detail} {raised}", limit=limit)


def invalid(field: str, message: str, remedy: str) -> Problem:
    """Return the answer for one bad field of a request."""
    return Problem(
        422,
        "invalid-request",
        f"{field}: {message}",
        errors=[{"field": field, "message": message, "remedy": remedy}],
    )


def install(app: FastAPI, help_url: str = "") -> None:
    """Answer every error of an app as a problem, which is explained below `help_url`."""
    app.state.help_url = help_url
    app.add_exception_handler(RaisedAnswer, _on_raised_answer)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(UnreadableDocumentError, _on_unreadable_document)
    for kind in (DependencyUnavailableError, httpx.TransportError, PyMongoError, KafkaError):
        app.add_exception_handler(kind, _on_exception)
    app.add_exception_handler(Exception, _on_exception)


def answer(request: Request, problem: RaisedAnswer) -> Response:
    """Return what to send to whoever asked."""
    return problem.response(request.app.state.help_url)


async def _on_raised_answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, RaisedAnswer)
    return answer(request, error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["loc"] == ("body",) for each in found) and not _says_json(request):
        return answer(request, _no_json(request))
    errors = [
        {
            "field": _field(each),
            "message": each["msg"],
            "remedy": _remedy(each),
        }
        for each in found[:LISTED_ERRORS]
    ]
    more = f" and {len(found) - LISTED_ERRORS} more" if len(found) > LISTED_ERRORS else ""
    fields = ", ".join(each["field"] for each in errors)
    problem = Problem(422, "invalid-request", f"Invalid: {fields}{more}", errors=errors)
    return answer(request, problem)


def _says_json(request: Request) -> bool:
    """Whether the headers call the body JSON: FastAPI takes every other for bytes."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _no_json(request: Request) -> Problem:
    """Return the answer for a body that its header does not call JSON."""
    kind = request.headers.get("content-type")
    message = f"is {kind!r}" if kind else "is missing"
    remedy = "Send the body as JSON, with the header Content-Type: application/json."
    error = {"field": "Content-Type", "message": message, "remedy": remedy}
    return Problem(415, "unsupported-media-type", f"Content-Type {message}.", errors=[error])


def _remedy(error: dict[str, Any]) -> str:
    """Say what to send instead, by Pydantic's kind of error and its message."""
    field, place = _field(error), error["loc"][0]
    what = f"the {place}" if field == place else f"{field} in the {place}"
    _, should, rule = error["msg"].partition(" should ")
    match error["type"]:
        case "missing":
            return f"Send {what}."
        case "extra_forbidden":
            return f"Leave {field} out of the {place}."
        case "json_invalid":
            return "Send well-formed JSON."
        case _ if remedy := error.get("ctx", {}).get("remedy"):
            return str(remedy)
        case _ if should:
            return f"Change {what}: it should {rule}."
        case _:
            return f"Send a valid value for {what}."


def _field(error: dict[str, Any]) -> str:
    """Name the field of a validation error; JSON that cannot be read is the whole body."""
    place, *rest = error["loc"]
    return str(place) if error["type"] == "json_invalid" else ".".join(map(str, rest or [place]))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST and error.__cause__:
        return answer(request, _unreadable_body())
    # A path that is no route says nothing of what a caller asked about: see `not_found`.
    kinds = {404: "no-such-route", 405: "method-not-allowed"}
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    kind = kinds.get(error.status_code, "http-error")
    return answer(request, Problem(error.status_code, kind, str(error.detail), headers=headers))


def _allowed(request: Request) -> Iterator[str]:
    """Yield the methods of a path, over all its routes: Starlette names those of the first alone.

    HEAD is answered wherever GET is (`access`).
    """
    for method in METHODS:
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        if any(each.matches(scope)[0] is Match.FULL for each in request.app.routes):
            yield method


async def _on_unreadable_document(request: Request, _: Exception) -> Response:
    detail = "What is stored of this cannot be read by this version. Nothing else is affected."
    return answer(request, Problem(500, UNREADABLE_DOCUMENT, detail))


def _unreadable_body() -> Problem:
    """Return the answer for a body at which FastAPI's parser failed: the cause is in no log."""
    message = "cannot be read: it is not UTF-8, or a number in it has too many digits"
    error = {"field": "body", "message": message, "remedy": "Send well-formed JSON in UTF-8."}
    return Problem(400, "invalid-request", f"body: {message}", errors=[error])


async def _on_exception(request: Request, error: Exception) -> Response:
    if is_unavailable(error):
        seconds = error.retry_after if isinstance(error, DependencyUnavailableError) else 1.0
        headers = {"Retry-After": str(max(1, round(seconds)))}
        detail = "Something this service depends on is away; try again."
        return answer(request, Problem(503, "unavailable", detail, headers=headers))
    log_unhandled(request, error)
    return answer(request, Problem(500, "internal-error", "Our fault; it has been logged."))


def log_unhandled(request: Request, error: Exception) -> None:
    """Log where an error comes from; neither a path nor what it says: either may hold a secret."""
    log.error("unhandled error", route=route_of(request.scope), error="".join(_origin(error)))


def _origin(error: BaseException | None) -> Iterator[str]:
    """Say where an error comes from, and what caused it, by types and lines alone."""
    while error is not None:
        yield f"{type(error).__name__}\n"
        yield from traceback.format_tb(error.__traceback__)
        error = error.__cause__ or error.__context__
