"""What the code itself says, for tests that hold documents and manifests to it."""

from collections.abc import Callable
from importlib import import_module
from inspect import isclass

import pytest
from pydantic_settings import BaseSettings

SettingsOf = Callable[..., set[str]]
SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
DEPLOYED = (*SERVICES, "dashboard")

# The HTTP edges of docs/architecture.md, caller and called, and no others. People, with browsers
# and the command line, come in by the entrance and reach every service, and the dashboard, which
# reaches every service, too.
EDGES = frozenset(
    {
        ("scheduler", "auth-service"),
        ("scheduler", "sync-runner"),
        ("sync-runner", "auth-service"),
        ("notifier", "auth-service"),
        ("notifier", "scheduler"),
        ("auth-service", "scheduler"),
    }
)


DASHBOARD_EDGES = frozenset(("dashboard", each) for each in SERVICES)


@pytest.fixture
def edges() -> frozenset[tuple[str, str]]:
    """Return the HTTP edges between services: caller and called."""
    return EDGES


@pytest.fixture
def edges_from_outside() -> frozenset[tuple[str, str]]:
    """Return the HTTP edges that do not begin at a service."""
    return frozenset(
        {*DASHBOARD_EDGES, *(("entrance", each) for each in DEPLOYED)},
    )


@pytest.fixture
def edges_of_dashboard() -> frozenset[tuple[str, str]]:
    """Return the HTTP edges of the dashboard, which asks every service."""
    return DASHBOARD_EDGES


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Return each service in turn."""
    return str(request.param)


@pytest.fixture(params=DEPLOYED)
def deployed(request: pytest.FixtureRequest) -> str:
    """Return each service in turn, and the dashboard."""
    return str(request.param)


@pytest.fixture(params=(*DEPLOYED, "sandbox"))
def process(request: pytest.FixtureRequest) -> str:
    """Return each service in turn, the dashboard, and the sandbox."""
    return str(request.param)


@pytest.fixture
def settings_class() -> Callable[[str], type[BaseSettings]]:
    """Return a function from a process to the class that reads its settings."""
    return find_settings_class


@pytest.fixture
def settings_of() -> SettingsOf:
    """Return a function from a process to the environment variables that it reads.

    With `required=True`, only to those without which it refuses to start.
    """

    def names(process: str, *, required: bool = False) -> set[str]:
        model = find_settings_class(process)
        prefix = model.model_config.get("env_prefix", "")
        fields = model.model_fields.items()
        return {
            f"{prefix}{name}".upper() for name, it in fields if it.is_required() or not required
        }

    return names


def find_settings_class(process: str) -> type[BaseSettings]:
    """Find the one settings class that a process's own module defines."""
    module = import_module(f"tablesync.{process.replace('-', '_')}.settings")
    (found,) = (
        each
        for each in vars(module).values()
        if isclass(each) and issubclass(each, BaseSettings) and each.__module__ == module.__name__
    )
    return found
