"""HubSpot as the sandbox plays it, whose answers a test changes on their way to the runner."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web
from sync_runner_rig import Rig

# What belongs to one connection, and is made anew for the other.
_OF_THE_CONNECTION = {"connection", "content-length", "transfer-encoding", "keep-alive"}
_LARGEST = 2**30
# The status of an answer that has none: its body is all that is sent.
NO_HTTP = 0


@dataclass(frozen=True)
class Told:
    """One answer; of a `cut` one so many bytes come, and then the connection ends."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: int | None = None


Alter = Callable[[Told], Told]


@dataclass
class _Alteration:
    path_contains: str
    alter: Alter
    left: int | None

    def applies(self, path: str) -> bool:
        return self.path_contains in path and self.left != 0


@dataclass
class HostileHubSpot:
    """A server before the sandbox's HubSpot; `asked` is the paths that came, in their order."""

    upstream: str
    url: str = ""
    asked: list[str] = field(default_factory=list)
    alterations: list[_Alteration] = field(default_factory=list)

    def alter(self, path_contains: str, alter: Alter, times: int | None = None) -> None:
        """Change answers to matching requests, so many times or always."""
        self.alterations.append(_Alteration(path_contains, alter, times))

    def edit(
        self, path_contains: str, edit: Callable[[Any], Any], times: int | None = None
    ) -> None:
        """Change the JSON of answers; what json can write, it may be no proper JSON."""

        def alter(told: Told) -> Told:
            return replace(told, body=json.dumps(edit(json.loads(told.body))).encode())

        self.alter(path_contains, alter, times)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Ask the sandbox, and answer what a test made of it."""
        self.asked.append(request.path)
        told = await self._ask(request)
        found = next((each for each in self.alterations if each.applies(request.path)), None)
        if found is not None:
            found.left = None if found.left is None else found.left - 1
            told = found.alter(told)
        return await _tell(request, told)

    async def _ask(self, request: web.Request) -> Told:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", *_OF_THE_CONNECTION}
        }
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                self.upstream + request.path_qs,
                data=await request.read(),
                headers=headers,
                allow_redirects=False,
            ) as response,
        ):
            kept = {
                name: value
                for name, value in response.headers.items()
                if name.lower() not in _OF_THE_CONNECTION
            }
            return Told(response.status, kept, await response.read())


async def _tell(request: web.Request, told: Told) -> web.StreamResponse:
    if told.status == NO_HTTP and request.transport is not None:
        request.transport.write(told.body)
        request.transport.close()
        return web.Response()  # to nobody
    length = {"Content-Length": str(len(told.body))}
    response = web.StreamResponse(status=told.status, headers=told.headers | length)
    await response.prepare(request)
    await response.write(told.body[: told.cut])
    if told.cut is not None and request.transport is not None:
        request.transport.close()
    return response


@asynccontextmanager
async def hostile_runner(rig: Rig, **changes: Any) -> AsyncIterator[HostileHubSpot]:
    """Run a worker that asks a hostile HubSpot; yields it."""
    async with hostile_hubspot(rig) as hubspot, rig.runner(hubspot_api_url=hubspot.url, **changes):
        yield hubspot


@asynccontextmanager
async def hostile_hubspot(rig: Rig) -> AsyncIterator[HostileHubSpot]:
    """Serve it before the sandbox's HubSpot."""
    hubspot = HostileHubSpot(str(rig.settings.hubspot_api_url).rstrip("/"))
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_route("*", "/{path:.*}", hubspot.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    hubspot.url = f"http://{host}:{port}"
    yield hubspot
    await runner.cleanup()
