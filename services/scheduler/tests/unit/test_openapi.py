"""What `/openapi.json` says of the scheduler's own routes: bodies by example, and problems."""

from collections.abc import Iterator
from typing import Any

import pytest
from tablesync.local_stack.keys import ServiceKeys
from tablesync.scheduler.bootstrap import build
from tablesync.scheduler.settings import NAME, Settings

pytestmark = pytest.mark.unit

Json = dict[str, Any]
OWN = (
    "/v1/syncs",
    "/v1/runs",
    "/v1/connections/",
    "/v1/bulk-changes/",
    "/v1/sync-drafts",
    "/v1/schedules/",
    "/internal/v1/",
)
NOWHERE = "127.0.0.1:1"


@pytest.fixture
async def document(service_keys: ServiceKeys) -> Json:
    """Return the document of a service that is connected to nothing."""
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": NOWHERE,
            "mongodb_uri": f"mongodb://{NOWHERE}",
            "http_port": 1,
            "service_key_file": service_keys.private_key_file(NAME),
            "trusted_keys_file": service_keys.trusted_keys_file,
            "auth_service_url": f"http://{NOWHERE}",
            "sync_runner_url": f"http://{NOWHERE}",
        }
    )
    return build(settings).app.openapi()


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        if path.startswith(OWN):
            yield from ((f"{method} {path}", each) for method, each in methods.items())


def bodies(operation: Json) -> Iterator[Json]:
    """Yield the schemas of what a route takes, and of what it answers with if all is well."""
    answers = (each for status, each in operation["responses"].items() if status < "300")
    for each in (operation.get("requestBody", {}), *answers):
        if content := each.get("content"):
            yield content["application/json"]["schema"]


def has_examples(document: Json, schema: Json) -> bool:
    """Whether a schema, or that of the items of a page, shows what it means."""
    found = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    items = found["properties"].get("items", {}).get("items")
    return "examples" in found or (items is not None and has_examples(document, items))


async def test_every_body_is_shown_by_example(document: Json) -> None:
    shown = [
        (route, has_examples(document, schema))
        for route, each in operations(document)
        for schema in bodies(each)
    ]
    assert [route for route, is_shown in shown if not is_shown] == []
    assert len(shown) == 39


async def test_every_route_of_one_thing_may_not_find_it(document: Json) -> None:
    of_one = [(route, each) for route, each in operations(document) if "_id}" in route]
    assert [route for route, each in of_one if "404" not in each["responses"]] == [
        "get /internal/v1/connections/{connection_id}/affected-syncs",
        "get /internal/v1/connections/{connection_id}/catch-ups",
        "get /internal/v1/connections/{connection_id}/written-bases",
    ]
