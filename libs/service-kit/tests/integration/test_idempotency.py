"""P22: same key and body, same answer; another body, 422; a concurrent second, 409."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from fastapi import FastAPI, Request
from pydantic import BaseModel
from tablesync.service_kit.http import idempotency, problems
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.problems import conflict
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

KEY = {"Idempotency-Key": "0198f0c2-6a0e-7c5e-9d2c-000000000001"}


class Token(BaseModel):
    name: str
    token: str = ""


async def principal(request: Request) -> Principal:
    workspace, _, operator = request.headers["who"].partition("/")
    return Principal(operator_id=operator, workspace_id=workspace, role=OperatorRole.ADMIN)


class Gate:
    """Holds a transaction open until a test lets it go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()


def new_app(units: UnitsOfWork, gate: Gate) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    once = idempotency.dependency(units, principal)

    @app.post("/v1/{folder}/tokens", status_code=201)
    async def create(folder: str, body: Token, once: Once = once) -> Token:
        async def work(unit: UnitOfWork) -> Token:
            if body.name == "taken":
                raise conflict("name-taken", "There is one.")
            row = {"name": body.name, "folder": folder}
            inserted = await unit.database["tokens"].insert_one(row, session=unit.session)
            gate.reached.set()
            await gate.open.wait()
            return Token(name=body.name, token=f"canary-{inserted.inserted_id}")

        return await once(work)

    return app


@pytest_asyncio.fixture
async def gate() -> Gate:
    return Gate()


@pytest_asyncio.fixture
async def client(units: UnitsOfWork, gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(new_app(units, gate)) as client:
        yield client


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://auth-service", headers={"who": "ws_1/op_1"}
    )


async def _tokens(units: UnitsOfWork) -> int:
    return await units.database["tokens"].count_documents({})


async def test_p22_the_same_request_has_one_effect_and_the_same_answer(client, units) -> None:
    first = await client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
    second = await client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await _tokens(units) == 1


async def test_p22_another_body_or_resource_with_the_key_is_422(client, units) -> None:
    await client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
    for path, name in [("/v1/a/tokens", "other"), ("/v1/b/tokens", "ci")]:
        answer = await client.post(path, json={"name": name}, headers=KEY)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await _tokens(units) == 1


async def test_p22_a_concurrent_second_is_409_in_one_process(client, units, gate: Gate) -> None:
    gate.open.clear()
    first = asyncio.create_task(client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY))
    await gate.reached.wait()
    second = await client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
    gate.open.set()
    assert second.status_code == 409
    assert second.headers["Retry-After"] == "1"
    assert (await first).status_code == 201
    assert await _tokens(units) == 1


async def test_p22_a_concurrent_second_is_409_across_processes(client, units, gate: Gate) -> None:
    gate.open.clear()
    first = asyncio.create_task(client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY))
    await gate.reached.wait()
    async with _client(new_app(units, Gate())) as other_process:
        second = await other_process.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
        assert second.status_code == 409
        gate.open.set()
        answer = await first
        third = await other_process.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
    assert third.content == answer.content
    assert await _tokens(units) == 1


async def test_p22_keys_are_apart_by_workspace_and_operator(client, units) -> None:
    for who in ("ws_1/op_1", "ws_1/op_2", "ws_2/op_1"):
        headers = {**KEY, "who": who}
        answer = await client.post("/v1/a/tokens", json={"name": "ci"}, headers=headers)
        assert answer.status_code == 201
        assert "Idempotency-Replayed" not in answer.headers
    assert await _tokens(units) == 3


async def test_without_a_key_nothing_is_remembered(client, units) -> None:
    for _ in range(2):
        assert (await client.post("/v1/a/tokens", json={"name": "ci"})).status_code == 201
    assert await _tokens(units) == 2
    assert await units.database["idempotency"].count_documents({}) == 0


async def test_a_problem_is_not_remembered(client, units) -> None:
    for _ in range(2):
        answer = await client.post("/v1/a/tokens", json={"name": "taken"}, headers=KEY)
        assert answer.status_code == 409
        assert "Idempotency-Replayed" not in answer.headers
    assert await units.database["idempotency"].count_documents({}) == 0


async def test_p18_neither_answer_nor_key_is_stored_in_the_clear(client, units) -> None:
    answer = await client.post("/v1/a/tokens", json={"name": "ci"}, headers=KEY)
    row = await units.database["idempotency"].find_one()
    assert row is not None
    assert answer.json()["token"].startswith("canary-")
    assert "canary" not in str(row)
    assert KEY["Idempotency-Key"] not in str(row)


async def test_p21_a_key_that_is_empty_or_too_long_is_422(client, units) -> None:
    for key in ("", "k" * 256):
        answer = await client.post(
            "/v1/a/tokens", json={"name": "ci"}, headers={"Idempotency-Key": key}
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await _tokens(units) == 0


async def test_answers_expire_after_24_hours(units: UnitsOfWork) -> None:
    indexes = await units.database["idempotency"].index_information()
    assert indexes["expiry"]["expireAfterSeconds"] == 24 * 3600
