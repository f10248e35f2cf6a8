"""The OpenAPI document: problems with their media type, who may call, and Idempotency-Key."""

from typing import Any, Literal

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http import idempotency, openapi, pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import NO_TOKEN, declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import invalid
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.service_kit.http.user_auth import OperatorRole, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

MEDIA_TYPE = "application/problem+json"
Json = dict[str, Any]


class Interval(BaseModel):
    kind: Literal["interval"]
    seconds: int
    jitter: int | None


class Cron(BaseModel):
    kind: Literal["cron"]
    line: str | None
    zone: str | None


EXAMPLE = {
    "name": "a",
    "hold": None,
    "schedules": [
        {"kind": "interval", "seconds": 60, "jitter": None},
        {"kind": "cron", "line": None, "zone": None},
    ],
}


class State(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: str
    hold: str | None
    schedules: list[Interval | Cron]


class Sync(BaseModel):
    name: str


def some_routes(verifier: Verifier, units: UnitsOfWork) -> APIRouter:
    router = APIRouter()
    viewer = at_least(verifier, OperatorRole.VIEWER)
    once_as_viewer = idempotency.dependency(units, viewer)
    a_page = pages.requested(default=2, most=10)

    @router.get("/v1/syncs", dependencies=[Depends(viewer)])
    async def list_syncs(at: PageRequest = a_page) -> Page[Sync]:
        return Page(items=[Sync(name="a")], next_cursor=at.cursor)

    @router.post("/v1/syncs", responses=declares(404))
    async def create_sync(body: Sync, once: Once = once_as_viewer) -> Sync:
        return body

    @router.get("/internal/v1/states", dependencies=[Depends(callers(verifier, "notifier"))])
    async def states() -> State:
        return State.model_validate(EXAMPLE)

    @router.post("/v1/tokens", openapi_extra=NO_TOKEN)
    async def exchange(body: Sync) -> Sync:
        return body

    @router.get("/pages/{name}", response_class=HTMLResponse)
    async def page(name: str) -> str:
        return name

    return router


@pytest.fixture
def document(service_keys: ServiceKeys, units: UnitsOfWork) -> Json:
    app = FastAPI()
    openapi.complete(app)
    verifier = Verifier.from_file("scheduler", service_keys.trusted_keys_file)
    app.include_router(some_routes(verifier, units))
    assert app.openapi() is app.openapi()
    return app.openapi()


def problems_of(operation: Json) -> set[int]:
    """Return the statuses for which a problem is declared, with its media type alone."""
    ref = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {
        int(status)
        for status, response in operation["responses"].items()
        if response["content"] == {MEDIA_TYPE: ref}
    }


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/v1/syncs", "get", {401, 403, 422, 431, 503}),
        ("/v1/syncs", "post", {400, 401, 403, 404, 408, 409, 413, 415, 422, 431, 503}),
        ("/internal/v1/states", "get", {401, 403, 431, 503}),
        ("/v1/tokens", "post", {400, 408, 413, 415, 422, 431, 503}),
        ("/pages/{name}", "get", {422, 431}),
    ],
)
def test_problems_follow_from_what_a_route_takes(
    document: Json, path: str, method: str, statuses: set[int]
) -> None:
    operation = document["paths"][path][method]
    assert problems_of(operation) == statuses
    assert set(map(int, operation["responses"])) == statuses | {200}


def test_what_may_be_tried_again_says_when(document: Json) -> None:
    unavailable = document["paths"]["/internal/v1/states"]["get"]["responses"]["503"]
    assert unavailable["headers"]["Retry-After"]["schema"] == {"type": "integer"}


def test_each_route_says_who_may_call(document: Json) -> None:
    paths = document["paths"]
    assert paths["/v1/syncs"]["get"]["security"] == [{"user_jwt": []}]
    assert paths["/v1/syncs"]["post"]["security"] == [{"user_jwt": []}]
    assert paths["/internal/v1/states"]["get"]["security"] == [{"service_jwt": []}]
    assert paths["/v1/tokens"]["post"]["security"] == []
    schemes = document["components"]["securitySchemes"]
    assert {(each["type"], each["scheme"], each["bearerFormat"]) for each in schemes.values()} == {
        ("http", "bearer", "JWT")
    }


def test_mutations_take_an_idempotency_key(document: Json) -> None:
    (key,) = document["paths"]["/v1/syncs"]["post"]["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", False)
    assert key["description"]


def test_lists_take_a_limit_and_a_cursor(document: Json) -> None:
    operation = document["paths"]["/v1/syncs"]["get"]
    limit, cursor = operation["parameters"]
    assert limit["name"] == "limit"
    assert (limit["schema"]["default"], limit["schema"]["maximum"]) == (2, 10)
    assert cursor["name"] == "cursor"
    (ref,) = operation["responses"]["200"]["content"]["application/json"]["schema"].values()
    page = document["components"]["schemas"][ref.rpartition("/")[2]]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Sync"}
    assert page["required"] == ["items", "next_cursor", "unread_ids"]


def test_the_schema_is_that_of_a_real_problem(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    answer = openapi.ProblemDetails.model_validate_json(invalid("a", "b", "c").response().body)
    assert answer.errors[0].model_dump() == {"field": "a", "message": "b", "remedy": "c"}
    (example,) = schemas["ProblemDetails"]["examples"]
    assert openapi.ProblemDetails.model_validate(example).model_dump(exclude_unset=True) == example


def test_examples_keep_their_nulls(document: Json) -> None:
    assert document["components"]["schemas"]["State"]["examples"] == [EXAMPLE]
