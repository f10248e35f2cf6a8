"""A real service in the test's own process or in one of its own, and its routes for its peers."""

import asyncio
import multiprocessing
import os
import runpy
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from tablesync.contracts.internal_api import Body
from tablesync.local_stack.keys import SERVICES, ServiceKeys
from tablesync.local_stack.loopback import NO_TLS
from tablesync.local_stack.waiting import eventually
from tablesync.service_kit.http.client import new_client
from tablesync.service_kit.http.problems import MEDIA_TYPE
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.service import Service

B = TypeVar("B", bound=Body)
READY_SECONDS = 60.0
# Processes are forked from one that has imported what they are, so that they start at once.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [f"tablesync.{each}.bootstrap" for each in ("auth_service", "scheduler", "sync_runner")]
)


@asynccontextmanager
async def serving(service: Service, *roles: str) -> AsyncIterator[str]:
    """Run a service, or some of its roles, until the block ends; yields its URL once ready."""
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop, roles))
    url = f"http://{service.settings.http_host}:{service.settings.http_port}"
    try:
        async with asyncio.timeout(READY_SECONDS):
            await service.prepared.wait()
        await eventually(lambda: is_ready(url), timeout=READY_SECONDS)
        yield url
    finally:
        stop.set()
        await task


async def is_ready(url: str) -> bool:
    """Whether a service answers that it is ready."""
    try:
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            return (await client.get(f"{url}/readyz")).is_success
    except httpx.TransportError:
        return False


def become(
    module: str, environment: Mapping[str, str], log: Path, arguments: Sequence[str] = ()
) -> None:
    """Be a module, or a script, as if started with this environment and these arguments."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    if module.endswith(".py"):
        runpy.run_path(module, run_name="__main__")
    else:
        runpy.run_module(module, run_name="__main__")


class InternalEdge:
    """The internal routes of one service, asked in the name of another."""

    def __init__(self, service: str, url: str, keys: ServiceKeys) -> None:
        self._callers = {
            each: ServiceAuth(Signer.from_file(each, keys.private_key_file(each)), service)
            for each in SERVICES
        }
        self._http = new_client(f"{url}/internal/v1")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, caller: str, path: str, **query: str | int) -> httpx.Response:
        """Read something."""
        return await self._http.get(path, params=query, auth=self._callers[caller])

    async def post(self, caller: str, path: str, body: Body | Mapping[str, Any]) -> httpx.Response:
        """Send a body of the contract, or one that breaks it."""
        content = body.model_dump(mode="json", by_alias=True) if isinstance(body, Body) else body
        return await self._http.post(path, json=content, auth=self._callers[caller])

    async def ask_as_nobody(self, method: str, path: str) -> httpx.Response:
        """Ask without a token."""
        return await self._http.request(method, path)


def answer_of(model: type[B], response: httpx.Response) -> B:
    """Read an answer, which has to have the members of the contract and no others."""
    assert response.status_code == httpx.codes.OK, response.text
    answer = model.model_validate_json(response.content)
    assert answer.model_dump(mode="json", by_alias=True) == response.json()
    return answer


def problem_of(response: httpx.Response, status: int, type_: str) -> dict[str, Any]:
    """Read a problem of this status and type."""
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["status"]) == (status, status), response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    assert problem["type"] == f"urn:tablesync:problem:{type_}"
    return problem
