"""A service in a process of its own, what it costs, and a client that reads while it sends."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx
import psutil
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import NO_TLS, eventually

REQUESTS, TRIES = 3, 12
RECEIVE_SECONDS = 2.0
# The promise, for one request.
CPU_SECONDS, MEMORY_BYTES = 0.05, 2_000_000
KNOWN_WORK_SECONDS = 0.025


@dataclass(frozen=True)
class Answer:
    """An answer, and whether the service closed the connection after it."""

    status: int
    headers: dict[str, str]
    text: str
    closed: bool


@dataclass(frozen=True)
class Running:
    """A service, and what it has cost so far."""

    name: str
    port: int
    pid: int
    keys: ServiceKeys

    @property
    def cpu_seconds(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def forget_peak(self) -> None:
        """Have the kernel count the peak of memory from here, where it does."""
        if sys.platform == "linux":
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def peak_bytes(self) -> int:
        """How much memory it had at most; elsewhere than on Linux, how much it has."""
        if sys.platform != "linux":
            return int(psutil.Process(self.pid).memory_info().rss)
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (each for each in status.splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    async def send(self, head: bytes, parts: Iterable[bytes] = ()) -> Answer:
        """Send a request part by part, and read meanwhile, as a good client does."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        sending = asyncio.create_task(_send(writer, head, parts))
        try:
            async with asyncio.timeout(60):
                return await _read(reader)
        finally:
            sending.cancel()
            writer.close()

    async def send_json(
        self, route: str, *parts: bytes, size: int | None = None, **more: str
    ) -> Answer:
        """Send JSON to a route such as `POST /`, in chunks if it is not said how long it is."""
        length = f"Content-Length: {size}" if size is not None else "Transfer-Encoding: chunked"
        named = [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        lines = ["Host: tablesync", "Content-Type: application/json", length, *named]
        head = "\r\n".join([f"{route} HTTP/1.1", *lines, "", ""]).encode()
        return await self.send(head, parts if size is not None else _chunked(parts))


@asynccontextmanager
async def running(name: str, folder: Path, **env: str) -> AsyncIterator[Running]:
    """Run the HTTP side of a service; Kafka and MongoDB are away."""
    away = {"kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "mongodb://127.0.0.1:1"}
    plan = LocalStack(folder, env={name: env}, **away).plan  # type: ignore[arg-type]
    program = plan.program(name)
    process = await asyncio.create_subprocess_exec(
        *program.argv, "--role", "api", env={**os.environ, **program.env}
    )
    port = int(program.env["HTTP_PORT"])
    try:
        await eventually(lambda: _answers(port), timeout=240)
        yield Running(name, port, process.pid, plan.keys)
    finally:
        process.kill()
        await process.wait()


def problem(answer: Answer) -> tuple[int, str]:
    """Return status and type of a problem, each of whose errors has to name a remedy."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = json.loads(answer.text)
    assert all(each["field"] and each["remedy"] for each in body.get("errors", []))
    return answer.status, body["type"].rpartition(":")[2]


async def costs_next_to_nothing(service: Running, ask: Callable[[], Awaitable[None]]) -> None:
    """Ask several times, and hold the cost of each against the promise.

    What others do on the machine makes the same work dearer, so CPU time is counted by what a known
    piece of work costs meanwhile, and measured again where it is too much. Memory is not: what was
    taken once is there to be taken again.
    """
    await ask()  # what is imported late is no cost
    for _ in range(TRIES):
        dear_before = _dearness()
        cpu, memory = await _cost(service, ask)
        cpu /= max(1.0, (dear_before + _dearness()) / 2)
        assert memory <= MEMORY_BYTES
        if cpu <= CPU_SECONDS:
            return
    raise AssertionError(f"one request costs {cpu:.3f} seconds of CPU time")


def _dearness() -> float:
    """Return how many times as much CPU time a piece of work takes as on a machine of its own.

    A slow one of 2026 takes 25 ms, a fast one half of that.
    """
    begun = time.process_time()
    sum(each * each % 7 for each in range(200_000))
    return (time.process_time() - begun) / KNOWN_WORK_SECONDS


async def _cost(service: Running, ask: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return what one of several requests costs: CPU seconds, and bytes of memory."""
    service.forget_peak()
    cpu, memory = service.cpu_seconds, service.peak_bytes
    for _ in range(REQUESTS):
        await ask()
    return (service.cpu_seconds - cpu) / REQUESTS, (service.peak_bytes - memory) / REQUESTS


async def _answers(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            return (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success
    return False


async def _send(writer: asyncio.StreamWriter, head: bytes, parts: Iterable[bytes]) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(head)
        for each in parts:
            writer.write(each)
            await writer.drain()


def _chunked(parts: Iterable[bytes]) -> Iterable[bytes]:
    for each in parts:
        yield b"%x\r\n%b\r\n" % (len(each), each)
    yield b"0\r\n\r\n"


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status, _, lines = head.partition(b"\r\n")
    parsed: Any = BytesParser(policy=HTTP).parsebytes(lines)
    headers = {name.lower(): str(value) for name, value in parsed.items()}
    body = await reader.readexactly(int(headers["content-length"]))
    closed = headers.get("connection") == "close"
    return Answer(int(status.split()[1]), headers, body.decode(), closed)
