"""What `tablesync status` knows: connections, syncs and incidents of the workspace."""

from dataclasses import dataclass, field
from typing import Any

from tablesync.cli.client import Client
from tablesync.cli.errors import AwayError, NotConfiguredError

Json = dict[str, Any]


@dataclass
class Status:
    """The workspace as far as its services answered; `problems` says who did not."""

    connections: list[Json] = field(default_factory=list)
    syncs: list[Json] = field(default_factory=list)
    incidents: list[Json] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return it for `--json`, in the services' own words."""
        return dict(vars(self))


def read(client: Client) -> Status:
    """Ask every service; one that is away takes only its own part with it.

    Raises UnauthorizedError, and AwayError if auth-service is away: nobody would know us.
    """
    status = Status(connections=client.get("auth-service", "/v1/connections")["items"])
    status.syncs = _part(client, status, "scheduler", "/v1/syncs")
    status.incidents = _part(client, status, "notifier", "/v1/incidents?status=open")
    return status


def _part(client: Client, status: Status, service: str, path: str) -> list[Json]:
    try:
        items: list[Json] = client.get(service, path)["items"]
    except (AwayError, NotConfiguredError) as error:
        status.problems.append(str(error))
        return []
    return items
