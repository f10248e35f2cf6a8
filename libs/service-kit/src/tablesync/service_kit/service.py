"""A service as one process: its API, its roles, and a drain within 30 seconds."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
import uvicorn
from fastapi import FastAPI
from tablesync.service_kit.http import openapi
from tablesync.service_kit.http.access import use_instead_of_fastapis
from tablesync.service_kit.http.health import Check
from tablesync.service_kit.roles import Role, persist, unless_stopped
from tablesync.service_kit.settings import ServiceSettings, refuse

log = structlog.get_logger()

DRAIN_SECONDS = 25.0
# Longer than any of our clients keeps an idle connection: a server that closes first loses what a
# client is just sending on it.
KEEP_ALIVE_SECONDS = 75


@dataclass
class Service:
    """What `bootstrap.build` gives: an app, roles, and what to do first and last.

    `prepare` creates indexes and the like; it is repeated until it succeeds, and roles start
    after it, while `/healthz` answers from the first moment.
    """

    name: str
    settings: ServiceSettings
    app: FastAPI
    roles: Sequence[Role] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    _only: Sequence[str] = field(default=(), init=False)

    @property
    def role_names(self) -> set[str]:
        """What `--role` may name; HTTP is always served, so that probes are answered."""
        return {"api", *(role.name for role in self.roles)}

    def __post_init__(self) -> None:
        """Note every request of the app, whoever serves it, and describe its problems."""
        use_instead_of_fastapis(self.app)
        openapi.complete(self.app)

    async def run(self, stop: asyncio.Event, only: Sequence[str] = ()) -> None:
        """Run the chosen roles, or all, until `stop`; `api` alone means no role but HTTP."""
        self._only = only
        chosen = [role for role in self.roles if self._is_chosen(role.name)]
        server = _Server(self._http_config())
        http = asyncio.create_task(server.serve())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_stop_with(http, stop, server))
                group.create_task(self._run_roles(chosen, stop))
        finally:
            server.should_exit = True
            await http
            for close in self.closers:
                await close()

    def once_started(self, role: str, started: asyncio.Event) -> Check:
        """Make a check that a role has started; it passes where the role is not chosen."""

        async def check() -> bool:
            return started.is_set() or not self._is_chosen(role)

        return check

    def _is_chosen(self, role: str) -> bool:
        return not self._only or role in self._only

    async def _run_roles(self, roles: Sequence[Role], stop: asyncio.Event) -> None:
        if self.prepare is not None:
            await unless_stopped(persist(self.prepare, "prepare"), stop)
        if stop.is_set():
            return
        self.prepared.set()
        tasks = [asyncio.create_task(role.run(stop), name=role.name) for role in roles]
        waiting = asyncio.create_task(stop.wait())
        while not stop.is_set() and _first_failure(tasks) is None:
            going = [task for task in tasks if not task.done()]
            await asyncio.wait({waiting, *going}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await _drain(tasks)
        if failed := _first_failure(tasks):
            raise failed

    def _http_config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            host=self.settings.http_host,
            port=self.settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers: the service decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(build: Callable[[], Service], only: Sequence[str] = ()) -> None:
    """Build a service inside the event loop and run it until SIGTERM or SIGINT.

    Exits with 2 for a role that the service does not have.
    """

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stop.set)
        service = build()
        if unknown := set(only) - service.role_names:
            refuse(f"{service.name} has no role {sorted(unknown)}, only {service.role_names}")
        log.info("starting", roles=list(only) or "all")
        await service.run(stop, only)
        log.info("stopped")

    asyncio.run(main())


async def _stop_with(http: "asyncio.Task[None]", stop: asyncio.Event, server: _Server) -> None:
    """Stop HTTP while the roles drain; and everything if HTTP ends by itself.

    A taken port must not leave half a service.
    """
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({http, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    stop.set()
    server.should_exit = True


def _first_failure(tasks: Sequence["asyncio.Task[None]"]) -> BaseException | None:
    done = (task for task in tasks if task.done() and not task.cancelled())
    return next((error for task in done if (error := task.exception())), None)


async def _drain(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Leave roles time to finish what they have begun, then cancel what is left."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
    for task in late:
        log.warning("role did not drain in time", role=task.get_name())
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
