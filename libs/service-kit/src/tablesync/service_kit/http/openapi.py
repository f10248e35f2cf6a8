"""What `/openapi.json` says beyond FastAPI: problems with their statuses, and who may call.

A router or route names its own statuses with `responses=declares(404, 409)`. Those that follow
from what a route takes are added here, once: 401 and 403 where it wants a token, 422 where it
takes input, 400, 408, 413 and 415 where it takes a body, 409 where it takes an Idempotency-Key,
431, which the server answers to a head that is too large, and 503, which any may answer.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from tablesync.service_kit.http.problems import MEDIA_TYPE

Json = dict[str, Any]

API = ("/v1/", "/internal/v1/", "/webhooks/")
IDEMPOTENCY_KEY = "Idempotency-Key"
# The `openapi_extra` of a route that is called without a token: said, not forgotten.
NO_TOKEN: Json = {"security": []}
# Where a route's `openapi_extra` says how many bytes its body may have.
LIMIT = "x-max-body-bytes"

_SCHEMA = "ProblemDetails"
_EXAMPLE: Json = {
    "type": "urn:tablesync:problem:invalid-request",
    "title": "Invalid request",
    "status": 422,
    "detail": "Invalid: schedule.every_seconds",
    "errors": [
        {
            "field": "schedule.every_seconds",
            "message": "Input should be greater than or equal to 60",
            "remedy": "Change schedule.every_seconds in the body: it should be at least 60.",
        }
    ],
}


class FieldProblem(BaseModel):
    """What is wrong with one field, and what to do about it."""

    field: str
    message: str
    remedy: str


class ProblemDetails(BaseModel):
    """An answer to a request that was not served (RFC 9457)."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_EXAMPLE]})

    type: str = Field(description="The kind of problem: `urn:tablesync:problem:…`.")
    title: str
    status: int
    detail: str
    help: str | None = Field(default=None, description="The page that explains this kind.")
    errors: list[FieldProblem] = Field(default=[], description="One for each field at fault.")


def declares(*statuses: int) -> dict[int | str, Json]:
    """Return the `responses` of a router or route that answers with problems of these statuses."""
    return {status: _declared(status) for status in statuses}


def complete(app: FastAPI) -> None:
    """Have an app's document name every problem and its media type."""
    generate = app.openapi

    def openapi() -> Json:
        document = generate()
        if _SCHEMA not in document.setdefault("components", {}).setdefault("schemas", {}):
            _complete(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: Json) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _add_problems(operation, is_api=path.startswith(API))
    schemas = document["components"]["schemas"]
    for fastapis_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(fastapis_own, None)
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {**problem.pop("$defs"), _SCHEMA: problem}
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _restore_nulls(example, schema, schemas)


def _add_problems(operation: Json, *, is_api: bool) -> None:
    """Add what an operation leaves unsaid; FastAPI's own 422 names another media type."""
    responses = operation["responses"]
    takes_input = {422, 431} if "422" in responses else set()
    for status in _following(operation) if is_api else takes_input:
        if MEDIA_TYPE not in responses.get(str(status), {}).get("content", {}):
            responses[str(status)] = _declared(status)
    operation["responses"] = dict(sorted(responses.items()))


def _following(operation: Json) -> Iterator[int]:
    """Yield the statuses that follow from what an operation takes."""
    parameters = operation.get("parameters", [])
    if operation.get("security"):
        yield from (401, 403)
    if "requestBody" in operation:
        yield from (400, 408, 413, 415)
    if "requestBody" in operation or parameters:
        yield 422
    if any(each["name"] == IDEMPOTENCY_KEY for each in parameters):
        yield 409
    yield from (431, 503)


def _declared(status: int) -> Json:
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_SCHEMA}"}}}
    return {"description": HTTPStatus(status).phrase, "content": content, **_headers(status)}


def _headers(status: int) -> Json:
    """Name the header by which an answer says when to try again."""
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return {}
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    return {"headers": {"Retry-After": seconds}}


def _restore_nulls(value: Any, schema: Json, schemas: Json) -> None:
    """Put back what is null in an example: FastAPI drops every null of its document."""
    for form in _forms(schema, schemas):
        if isinstance(value, list):
            for each in value:
                _restore_nulls(each, form.get("items", {}), schemas)
        elif isinstance(value, dict) and _may_be(value, form):
            value |= {name: None for name in form.get("required", ()) if name not in value}
            for name, each in value.items():
                _restore_nulls(each, form["properties"][name], schemas)


def _forms(schema: Json, schemas: Json) -> Iterator[Json]:
    """Yield a schema, and the alternatives in it, whatever their names."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield schema
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _forms(each, schemas)


def _may_be(value: Json, form: Json) -> bool:
    """Whether a form has each member of an object, and the very one where it is fixed."""
    properties = form.get("properties", {})
    return all(
        name in properties and properties[name].get("const", each) == each
        for name, each in value.items()
    )
