"""`/openapi.json` describes every route: its answer, an example, its problems, its callers.

What deploy/k8s/README.md says of the entrance shows each of them that people open, and no other.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette import routing
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.service_kit.http.openapi import API
from tablesync.service_kit.http.problems import MEDIA_TYPE

pytestmark = pytest.mark.unit

GUIDE = Path(__file__).resolve().parents[2] / "deploy" / "k8s" / "README.md"
ENTRANCE = GUIDE.read_text("utf-8")
AWAY = "127.0.0.1:1"
INSIDE = {"/internal", "/metrics", "/readyz", "/healthz"}

Json = dict[str, Any]
JSON, HTML = "application/json", "text/html"
NO_CONTENT, FIRST_PROBLEM, UNAVAILABLE = 204, 400, 503
# The scheduler need not know a connection: nothing depends on it then.
KNOWS_EVERY_ID = {
    "/internal/v1/connections/{connection_id}/affected-syncs",
    "/internal/v1/connections/{connection_id}/catch-ups",
    "/internal/v1/connections/{connection_id}/written-bases",
}
# That the process answers is all that it says.
DEPENDS_ON_NOTHING = {"/healthz"}


@dataclass(frozen=True)
class Route:
    """One operation of a service's document."""

    service: str
    method: str
    path: str
    operation: Json
    schemas: Mapping[str, Json]

    def __str__(self) -> str:
        return f"{self.service} {self.method.upper()} {self.path}"

    @property
    def problems(self) -> dict[int, Json]:
        return {status: each for status, each in self._responses() if status >= FIRST_PROBLEM}

    @property
    def is_api(self) -> bool:
        return self.path.startswith(API)

    @property
    def is_page(self) -> bool:
        """Whether a browser is to show it; no route of the API is a page."""
        return not self.is_api and any(HTML in each["content"] for each in self.problems.values())

    @property
    def media_types_of_problems(self) -> set[str]:
        """Return those that its problems may have; `/readyz` answers alike in every case."""
        if self.is_api:
            return {MEDIA_TYPE}
        return {MEDIA_TYPE, HTML} if self.is_page else {JSON}

    @property
    def has_body(self) -> bool:
        """Whether a success has a body to describe."""
        return not any(status == NO_CONTENT for status, _ in self._responses())

    def answers(self) -> Iterator[Json]:
        """Yield the schema of each success, and of what it lists; a page has none."""
        for status, response in self._responses():
            if status < FIRST_PROBLEM and status != NO_CONTENT and not self.is_page:
                answer = self.resolved(response["content"][JSON]["schema"])
                yield answer
                if "items" in answer.get("properties", {}):
                    yield self.resolved(answer["properties"]["items"].get("items", {}))

    def resolved(self, schema: Json) -> Json:
        """Follow references to the schema that they name."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def _responses(self) -> Iterator[tuple[int, Json]]:
        return ((int(status), each) for status, each in self.operation["responses"].items())


@pytest.fixture(scope="module", params=SERVICES)
def routes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    """Return a service's routes; it is built as it is run, and connects to nothing."""
    service = str(request.param)
    document = app_of(service, tmp_path_factory.mktemp(service)).openapi()
    schemas = document["components"]["schemas"]
    return [
        Route(service, method, path, operation, schemas)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def app_of(process: str, folder: Path) -> FastAPI:
    """Build a process as it is run; it connects to nothing."""
    stack = LocalStack(folder, kafka_bootstrap=AWAY, mongodb_uri=f"mongodb://{AWAY}")
    package = f"tablesync.{process.replace('-', '_')}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.plan.program(process).env.items():
            patch.setenv(name, value)
        settings = import_module(f"{package}.settings").Settings()
    app: FastAPI = import_module(f"{package}.bootstrap").build(settings).app
    return app


def is_bare(schema: Json) -> bool:
    """Whether a schema names no member of what comes, nor shows a map of what it describes."""
    if schema.get("type") != "object" or "properties" in schema:
        return not schema
    return "examples" not in schema or not isinstance(schema.get("additionalProperties"), dict)


def lacks_a_model(route: Route) -> bool:
    return any(map(is_bare, route.answers()))


def lacks_an_example(route: Route) -> bool:
    if route.is_page:
        return False
    return route.has_body and not any("examples" in each for each in route.answers())


def lacks_a_scheme(route: Route) -> bool:
    """Whether nothing is said of who may call; an empty list says that everybody may."""
    return "security" not in route.operation


def lacks_a_media_type(route: Route) -> bool:
    allowed = route.media_types_of_problems
    declared = [set(each.get("content", {})) for each in route.problems.values()]
    return not all(each and each <= allowed for each in declared)


def lacks_unavailable(route: Route) -> bool:
    """Whether nothing is said of what a route depends on being away."""
    return UNAVAILABLE not in route.problems and route.path not in DEPENDS_ON_NOTHING


def lacks_not_found(route: Route) -> bool:
    """Whether nothing is said of an unknown id in the path."""
    return "{" in route.path and route.path not in KNOWS_EVERY_ID and 404 not in route.problems


def lacks_plain_names(route: Route) -> bool:
    """Whether a parameter, or a member of any body, is called as only Python has to call it."""
    parameters = {each["name"] for each in route.operation.get("parameters", [])}
    members = {name for each in route.schemas.values() for name in each.get("properties", {})}
    in_path = set(re.findall(r"{(\w+)}", route.path))
    return any(each.endswith("_") for each in parameters | members | in_path)


@pytest.mark.parametrize(
    "lacks",
    [
        lacks_a_model,
        lacks_an_example,
        lacks_a_scheme,
        lacks_a_media_type,
        lacks_unavailable,
        lacks_not_found,
        lacks_plain_names,
    ],
)
def test_every_route_is_described(routes: list[Route], lacks: Callable[[Route], bool]) -> None:
    assert {"/v1/dlq", "/healthz", "/readyz"} <= {each.path for each in routes}
    lacking = [str(each) for each in routes if lacks(each)]
    assert not lacking, "\n".join([f"{len(lacking)} of {len(routes)}:", *lacking])


def test_the_entrance_shows_what_people_open_and_nothing_else(routes: list[Route]) -> None:
    service = routes[0].service
    outside = outside_of(each.path for each in routes)
    assert shown_of(service) == outside
    assert in_the_example(service) in (outside, set())


def test_the_entrance_shows_every_page_of_the_dashboard(tmp_path: Path) -> None:
    routes = app_of("dashboard", tmp_path).routes
    pages = (each for each in routes if isinstance(each, routing.Route | routing.Mount))
    outside = outside_of(each.path for each in pages)
    assert shown_of("dashboard") == in_the_example("dashboard") == outside


def outside_of(paths: Iterable[str]) -> set[str]:
    """Return what the paths open with that is for people."""
    return {f"/{each.split('/')[1]}" for each in paths} - INSIDE


def shown_of(process: str) -> set[str]:
    """Return what the guide lists of a process."""
    (row,) = re.findall(rf"^\| {process} \| (`/.*`) \|$", ENTRANCE, re.MULTILINE)
    return set(row.strip("`").split("`, `"))


def in_the_example(process: str) -> set[str]:
    """Return the paths that the guide's Ingress leads to a process."""
    return set(re.findall(rf"path: (/[\w-]*), .*name: {process},", ENTRANCE))


def test_every_example_is_what_its_schema_describes(routes: list[Route]) -> None:
    assert [f"{each}: {fault}" for each in routes for fault in faults_of_examples(each)] == []


def faults_of_examples(route: Route) -> Iterator[str]:
    """Yield what the examples of a route's answers have that their schemas do not allow."""
    for answer in route.answers():
        valid = Draft202012Validator({**answer, "components": {"schemas": route.schemas}})
        for example in answer.get("examples", []):
            yield from (error.message for error in valid.iter_errors(example))
