"""Where the services are and as whom to call them: the environment, else `.local/up.json`."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tablesync.cli.errors import NotConfiguredError

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
UP_FILE = Path(".local/up.json")
TOKEN_VARIABLE = "TABLESYNC_API_TOKEN"  # noqa: S105 - a variable's name


@dataclass(frozen=True)
class Addresses:
    """The services' URLs by name, and the API token."""

    urls: Mapping[str, str]
    api_token: str = field(repr=False)

    def url(self, service: str) -> str:
        """Return a service's URL; raises NotConfiguredError."""
        if service not in SERVICES:
            known = ", ".join(SERVICES)
            raise NotConfiguredError(f"There is no service {service!r}; there are {known}.")
        if url := self.urls.get(service):
            return url
        raise NotConfiguredError(
            f"{variable_of(service)} is not set and {UP_FILE} does not name it. "
            "Set it, or run this where `make up` runs."
        )


def variable_of(service: str) -> str:
    """Name the environment variable with a service's URL."""
    return f"{service.upper().replace('-', '_')}_URL"


def find(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Addresses:
    """Read the environment, and for what it lacks the file that `make up` writes.

    Raises NotConfiguredError without an API token or with an unreadable file.
    """
    found = _read((folder or Path.cwd()) / UP_FILE)
    given = {each: environment.get(variable_of(each)) for each in SERVICES}
    urls = {**found.get("urls", {}), **{each: url for each, url in given.items() if url}}
    api_token = environment.get(TOKEN_VARIABLE) or found.get("api_token")
    if not api_token:
        raise NotConfiguredError(
            f"{TOKEN_VARIABLE} is not set and there is no {UP_FILE} here. "
            "Set it to an API token of your workspace, or run this where `make up` runs."
        )
    return Addresses(urls, api_token)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotConfiguredError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise NotConfiguredError(f"{path} does not hold what `make up` writes.")
    return content
