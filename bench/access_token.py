"""S5: what an access token costs the server, as a ratio to a bare route with one indexed find.

Three servers on one mongod: a bare FastAPI route, today's auth-service and an earlier commit's.
They take turns in rounds; a round is so many requests, some at once, and what counts is the
server's own CPU time. Prints JSON and writes it to `bench/results/access_token.json`.

    .venv/bin/python bench/access_token.py [--before COMMIT] [--requests N] [--rounds N]
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import httpx
import psutil
import typer
from tablesync.demo.api import Api
from tablesync.demo.person import Person
from tablesync.local_stack import LocalStack
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.waiting import wait_until
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.test_kit import free_port
from tablesync.test_kit.commit_source import source_of

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench" / "results" / "access_token.json"
PROGRAMS = ("kafka", "mongod", "sandbox", "auth-service")
NAME = "bench-access-token"
AT_ONCE = 8


@dataclass(frozen=True)
class Server:
    """A process under load, and the request that it is asked again and again."""

    name: str
    pid: int
    request: Callable[[httpx.AsyncClient], httpx.Request]
    auth: httpx.Auth | None = None

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used so far, its own and the kernel's."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system


def main(
    before: Annotated[str, typer.Option(help="The commit to compare with; none by default.")] = "",
    requests: Annotated[int, typer.Option(help="Requests of one round.")] = 2_000,
    rounds: Annotated[int, typer.Option(help="Rounds; the median counts.")] = 5,
) -> None:
    """Measure, print, and keep the result."""
    alone = {"SCHEDULER_URL": "http://127.0.0.1:1"}  # nobody asks the scheduler here
    earlier = source_of(before).environment if before else {}
    environment = {"auth-service": alone, "auth-service-2": {**alone, **earlier}}
    with (
        LocalStack(ROOT, NAME, programs=PROGRAMS, fresh=True, env=environment) as stack,
        bare_server(stack.info.mongodb) as bare,
    ):
        if before:
            stack.add_replica("auth-service")
        result = asyncio.run(measure(stack, bare, before, requests, rounds))
    stack.remove()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    typer.echo(json.dumps(result, indent=2))


async def measure(
    stack: LocalStack, bare: Server, before: str, requests: int, rounds: int
) -> dict[str, Any]:
    """Return CPU microseconds per request of each server, and the ratios round by round."""
    connection_id = await connect(stack)
    servers = [bare, server_of(stack, "auth-service", "today", connection_id)]
    if before:
        servers.append(server_of(stack, "auth-service-2", "before", connection_id))
    for each in servers:
        await load(each, requests // 4)
    cost: dict[str, list[float]] = {each.name: [] for each in servers}
    for _ in range(rounds):
        for each in servers:
            cost[each.name].append(await load(each, requests))
    return {
        "requests": requests,
        "rounds": rounds,
        "at_once": AT_ONCE,
        "before": before or None,
        "cpu_us_per_request": {name: round(1e6 * median(found)) for name, found in cost.items()},
        **{f"{name}_to_bare": ratios(cost[name], cost["bare"]) for name in cost if name != "bare"},
        **({"today_to_before": ratios(cost["today"], cost["before"])} if before else {}),
    }


def ratios(ours: list[float], others: list[float]) -> dict[str, float]:
    """Return the least, the median and the greatest ratio of rounds that were run in turn."""
    found = [one / other for one, other in zip(ours, others, strict=True)]
    return {
        "min": round(min(found), 3),
        "median": round(median(found), 3),
        "max": round(max(found), 3),
    }


async def load(server: Server, requests: int) -> float:
    """Send the requests, some at once; return the server's CPU seconds per request."""
    waiting = iter(range(requests))
    async with httpx.AsyncClient(auth=server.auth, timeout=30, trust_env=False) as client:

        async def caller() -> None:
            for _ in waiting:
                response = await client.send(server.request(client))
                response.raise_for_status()

        began = server.cpu_seconds()
        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
        return (server.cpu_seconds() - began) / requests


async def connect(stack: LocalStack) -> str:
    """Connect a HubSpot portal; return the connection's id."""
    api = Api(stack.info.urls, stack.info.api_token)
    async with SandboxControl(stack.info.sandbox or "") as sandbox:
        person = Person(api, sandbox)
        outcome = await person.connect("hubspot", "7001")
        await person.close()
    await api.close()
    return str(outcome["connection_id"])


def server_of(stack: LocalStack, program: str, name: str, connection_id: str) -> Server:
    """Return auth-service as sync-runner asks it for a token."""
    key = stack.plan.keys.private_key_file("sync-runner")
    auth = ServiceAuth(Signer.from_file("sync-runner", key), "auth-service")
    url = f"http://127.0.0.1:{stack.plan.port(program)}"
    path = f"/internal/v1/connections/{connection_id}/access-token"
    body = {"workspace_id": stack.info.workspace_id}
    pid = stack.pid(program)
    assert pid is not None, f"{program} runs"
    return Server(
        name, pid, lambda client: client.build_request("POST", url + path, json=body), auth
    )


@contextmanager
def bare_server(mongodb: str) -> Iterator[Server]:
    """Run the route that all is compared with."""
    port = free_port()
    script = Path(__file__).with_name("bare_route.py")
    environment = {**os.environ, "MONGODB_URI": mongodb, "HTTP_PORT": str(port)}
    process = subprocess.Popen([sys.executable, str(script)], env=environment)
    url = f"http://127.0.0.1:{port}/one"
    try:
        wait_until(lambda: answers(url), timeout=30, what="the bare route")
        yield Server("bare", process.pid, lambda client: client.build_request("POST", url))
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Whether the server takes connections and knows its document."""
    try:
        return httpx.post(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    typer.run(main)
