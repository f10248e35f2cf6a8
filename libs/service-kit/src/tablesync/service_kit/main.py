"""The command line of every service: `python -m tablesync.<service> [--role NAME ...]`."""

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence
from typing import Annotated, Protocol, TypeVar

import structlog
import typer
import uvloop
from tablesync.service_kit import telemetry
from tablesync.service_kit.settings import ProcessSettings, load, refuse

log = structlog.get_logger()

S = TypeVar("S", bound=ProcessSettings)


class Runnable(Protocol):
    """What has roles and runs them until it is stopped."""

    name: str

    @property
    def role_names(self) -> set[str]:
        """What `--role` may name."""
        ...

    async def run(self, stop: asyncio.Event, only: Sequence[str] = ()) -> None:
        """Run the chosen roles, or all, until `stop`."""
        ...


Roles = Annotated[
    list[str] | None, typer.Option("--role", help="A role to run, repeatable; all by default.")
]


def run(build: Callable[[S], Runnable], settings_class: type[S], name: str) -> None:
    """Read the settings, build the service and run it until SIGTERM or SIGINT.

    Exits with 2, naming what is wrong, for a bad setting or an unknown role.
    """

    def main(role: Roles = None) -> None:
        settings = load(settings_class)
        endpoint = settings.otel_exporter_otlp_endpoint
        telemetry.configure(name, settings.log_level, str(endpoint) if endpoint else None)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(lambda: build(settings), role or ()))

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=f"Run {name}, or some of its roles.")(main)
    app()


async def _serve(build: Callable[[], Runnable], only: Sequence[str]) -> None:
    """Build a service inside the event loop and run it until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    service = build()
    if unknown := set(only) - service.role_names:
        refuse(f"{service.name} has no role {sorted(unknown)}, only {service.role_names}")
    log.info("starting", roles=list(only) or "all")
    _spare_what_stays()
    await service.run(stop, only)
    log.info("stopped")


def _spare_what_stays() -> None:
    """Have garbage collections pass over all that was imported and built: it lives to the end.

    Each looks at some more objects, but there are few: hardly anything here is garbage in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
