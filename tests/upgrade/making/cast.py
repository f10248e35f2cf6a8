"""The workspaces of the dump and the people in them."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tablesync.contracts import new_id
from tablesync.local_stack import LocalStack
from tablesync.test_kit import eventually, free_port

from tests.upgrade.people import ROLES, Operator, api_token

AT_ONCE = 2


@dataclass
class Workspace:
    """One workspace; `connections` is by the account's short name, `syncs` are as created."""

    number: int
    id: str
    admin: Operator
    operator: Operator
    viewer: Operator
    connections: dict[str, str] = field(default_factory=dict)
    syncs: list[dict[str, Any]] = field(default_factory=list)


def bootstrap_content(number: int) -> dict[str, Any]:
    """Return a bootstrap file: the one door by which workspaces come into being."""
    return {
        "workspace": {"id": new_id("ws"), "name": f"Workspace {number}"},
        "operators": [_operator(number, role) for role in ROLES],
    }


def _operator(number: int, role: str) -> dict[str, Any]:
    return {
        "id": new_id("op"),
        "email": f"{role}@{number}.example.test",
        "name": f"{role.capitalize()} of {number}",
        "role": role,
        "api_token": api_token(number, role),
        "platform": number == 0 and role == "admin",
    }


async def open_workspaces(
    stack: LocalStack,
    http: httpx.AsyncClient,
    urls: Mapping[str, str],
    contents: Sequence[Mapping[str, Any]],
    folder: Path,
) -> list[Workspace]:
    """Start auth-service once with each bootstrap file, a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def open_one(number: int, content: Mapping[str, Any]) -> Workspace:
        async with places:
            await _apply(stack, http, content, folder / f"bootstrap-{number}.json")
        admin, operator, viewer = (Operator(http, urls, api_token(number, role)) for role in ROLES)
        return Workspace(number, content["workspace"]["id"], admin, operator, viewer)

    return await asyncio.gather(*map(open_one, range(len(contents)), contents))


async def _apply(
    stack: LocalStack, http: httpx.AsyncClient, content: Mapping[str, Any], file: Path
) -> None:
    await asyncio.to_thread(file.write_text, json.dumps(content))
    program, port = stack.plan.program("auth-service"), free_port()
    own = {"AUTH_BOOTSTRAP_FILE": str(file), "HTTP_PORT": str(port)}
    with (file.with_suffix(".log")).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *program.argv, "--role", "api",
            env={**os.environ, **program.env, **own}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await eventually(lambda: _is_ready(http, f"http://127.0.0.1:{port}/readyz"), 180)
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.TransportError:
        return False
