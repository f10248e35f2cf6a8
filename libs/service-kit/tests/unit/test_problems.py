"""Problems: every error is an RFC 9457 answer that names the field and the remedy."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from pymongo.errors import ServerSelectionTimeoutError
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.problems import conflict, invalid, not_found

HELP = "https://tablesync.test/help"
RAISED: dict[str, Exception] = {
    "not-found": not_found("sync"),
    "held": conflict("sync-held", "The sync is held.", hold={"kind": "connection"}),
    "invalid": invalid("schedule.every_seconds", "must not be 0", "Choose 60 or more."),
    "away": DependencyUnavailableError("auth-service", retry_after=7),
    "mongodb-away": ServerSelectionTimeoutError("no primary"),
    "kafka-away": KafkaConnectionError("no broker"),
    "http-away": httpx.ConnectError("refused"),
    "bug": RuntimeError("canary"),
}


class Schedule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    every_seconds: int


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app, HELP)

    @app.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise RAISED[name]

    @app.get("/fail/{token}")
    async def choke(token: str) -> None:
        try:
            (token + "\ud800").encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{token} is no text") from error

    @app.post("/schedules")
    async def schedules(body: Schedule, limit: int = 1) -> int:
        return body.every_seconds * limit

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as client:
        yield client


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_p21_a_body_that_is_not_called_json_names_the_header(client, kind) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await client.post("/schedules", content=b'{"every_seconds": 60}', headers=headers)
    assert answer.status_code == 415
    (error,) = answer.json()["errors"]
    assert error["field"] == "Content-Type"
    assert "application/json" in error["remedy"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/merge+json"])
async def test_what_is_called_json_is_read(client, kind) -> None:
    content = b'{"every_seconds": 60}'
    answer = await client.post("/schedules", content=content, headers={"Content-Type": kind})
    assert answer.json() == 60


@pytest.mark.parametrize(
    ("name", "status", "type_"),
    [
        ("not-found", 404, "not-found"),
        ("held", 409, "sync-held"),
        ("invalid", 422, "invalid-request"),
        ("away", 503, "unavailable"),
        ("mongodb-away", 503, "unavailable"),
        ("kafka-away", 503, "unavailable"),
        ("http-away", 503, "unavailable"),
        ("bug", 500, "internal-error"),
    ],
)
async def test_p21_each_error_is_a_problem(client, name: str, status: int, type_: str) -> None:
    answer = await client.get(f"/raise/{name}")
    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:tablesync:problem:{type_}"
    assert body["help"] == f"{HELP}/problems/{type_}"
    assert body["detail"]
    assert "canary" not in answer.text


async def test_p18_an_unhandled_error_is_logged_without_path_or_values(client, capsys) -> None:
    await client.get("/fail/canary")
    said = capsys.readouterr().out
    assert '"route": "/fail/{token}"' in said
    assert "ValueError" in said
    assert "UnicodeEncodeError" in said
    assert "in choke" in said
    assert "canary" not in said


async def test_what_is_away_says_when_to_come_back(client) -> None:
    assert (await client.get("/raise/away")).headers["Retry-After"] == "7"
    assert (await client.get("/raise/mongodb-away")).headers["Retry-After"] == "1"


async def test_a_problem_carries_its_extras_and_errors(client) -> None:
    assert (await client.get("/raise/held")).json()["hold"] == {"kind": "connection"}
    (error,) = (await client.get("/raise/invalid")).json()["errors"]
    assert error == {
        "field": "schedule.every_seconds",
        "message": "must not be 0",
        "remedy": "Choose 60 or more.",
    }


@pytest.mark.parametrize(
    ("body", "query", "field", "remedy"),
    [
        (b'{"every_seconds": "often"}', "", "every_seconds", "it should be a valid integer"),
        (b"{}", "", "every_seconds", "Send every_seconds in the body."),
        (b'{"every_seconds": 1', "", "body", "well-formed JSON"),
        (b'{"every_seconds": 1}', "?limit=many", "limit", "Change limit in the query: it should"),
        (b'{"every_seconds": 1, "\\ud800": 1}', "", "body", "Change the body: it should"),
        (b"", "", "body", "Send the body."),
    ],
)
async def test_p21_bad_input_names_the_field_and_the_remedy(
    client, body: bytes, query: str, field: str, remedy: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"/schedules{query}", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert remedy in error["remedy"]


async def test_unknown_paths_and_methods_are_problems(client) -> None:
    unknown = await client.get("/nowhere")
    assert (unknown.status_code, unknown.json()["title"]) == (404, "No such route")
    missing = await client.get("/raise/not-found")
    assert unknown.json()["type"] != missing.json()["type"], "nobody may think that a thing is gone"
    method = await client.put("/schedules")
    assert (method.status_code, method.json()["title"]) == (405, "Method not allowed")
    assert method.headers["Allow"] == "POST"


async def test_a_problem_names_no_page_where_nobody_has_said_where_they_are() -> None:
    app = FastAPI()
    problems.install(app)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as client:
        assert "help" not in (await client.get("/nowhere")).json()
