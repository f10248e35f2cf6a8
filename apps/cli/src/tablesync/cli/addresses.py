"""Where the services are and as whom to call them.

The environment goes first. What it lacks comes from `.local/up.json` of the current folder, where
`make up` runs, else from what `tablesync login` has kept: never a part from each, so that no
token goes to where it does not belong.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tablesync.cli import kept

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
UP_FILE = Path(".local/up.json")
TOKEN_VARIABLE = "TABLESYNC_API_TOKEN"  # noqa: S105 - a variable's name


class NotConfiguredError(Exception):
    """The command does not know where to go, or as whom."""


@dataclass(frozen=True)
class Addresses:
    """The services' URLs by name, and the API token; empty where there is none."""

    urls: Mapping[str, str]
    api_token: str = field(repr=False)


def variable_of(service: str) -> str:
    """Name the environment variable with a service's URL."""
    return f"{service.upper().replace('-', '_')}_URL"


def why_no_address(service: str) -> str:
    """Say what to do where a service's address is missing."""
    return (
        f"{variable_of(service)} is not set, and neither {UP_FILE} nor `tablesync login` names it. "
        "Set it, sign in, or run this where `make up` runs."
    )


def find(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Addresses:
    """Find out; raises NotConfiguredError without an API token or with an unreadable file."""
    found = known(environment, folder)
    if not found.api_token:
        raise NotConfiguredError(
            f"{TOKEN_VARIABLE} is not set, nobody has signed in with `tablesync login`, and there "
            f"is no {UP_FILE} here. Sign in, set it to an API token of your workspace, or run "
            "this where `make up` runs."
        )
    return found


def known(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Addresses:
    """Find out as much as there is; raises NotConfiguredError with an unreadable file."""
    up_file = (folder or Path.cwd()) / UP_FILE
    found = _read(up_file) or _read(kept.path(environment))
    given = {each: environment.get(variable_of(each)) for each in SERVICES}
    urls = {**found.get("urls", {}), **{each: url for each, url in given.items() if url}}
    api_token = environment.get(TOKEN_VARIABLE) or found.get("api_token") or ""
    return Addresses({each: urls[each] for each in SERVICES if urls.get(each)}, api_token)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotConfiguredError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("urls", {}), dict):
        raise NotConfiguredError(f"{path} does not hold what was written there.")
    return content
