"""The command line of every service: `python -m tablesync.<service> [--role NAME ...]`."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from tablesync.service_kit import telemetry
from tablesync.service_kit.service import Service, serve
from tablesync.service_kit.settings import ServiceSettings, load

S = TypeVar("S", bound=ServiceSettings)
Roles = Annotated[
    list[str] | None, typer.Option("--role", help="A role to run, repeatable; all by default.")
]


def run(build: Callable[[S], Service], settings_class: type[S], service: str) -> None:
    """Read the settings, build the service and run it until SIGTERM or SIGINT.

    Exits with 2, naming what is wrong, for a bad setting or an unknown role.
    """

    def main(role: Roles = None) -> None:
        settings = load(settings_class)
        endpoint = settings.otel_exporter_otlp_endpoint
        telemetry.configure(service, settings.log_level, str(endpoint) if endpoint else None)
        serve(lambda: build(settings), role or ())

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=f"Run {service}, or some of its roles.")(main)
    app()
