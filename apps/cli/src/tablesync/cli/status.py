"""What `tablesync status` knows: connections, syncs and incidents of the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tablesync.cli.answers import Connection, Incident, Item, Json, Sync
from tablesync.cli.client import Client
from tablesync.cli.errors import AwayError, NotConfiguredError

V = TypeVar("V", bound=Item)


@dataclass(frozen=True)
class Status:
    """The workspace as far as its services answered; `problems` says who did not.

    `unread` says what a service could not read of what it has stored: the lists go without.
    """

    connections: Sequence[Connection]
    syncs: Sequence[Sync]
    incidents: Sequence[Incident]
    problems: Sequence[str]
    unread: Sequence[str] = ()

    def as_json(self) -> Json:
        """Return it for `--json`, in the services' own words."""
        lists = {"connections": self.connections, "syncs": self.syncs, "incidents": self.incidents}
        said = {name: [each.said for each in items] for name, items in lists.items()}
        unread = {"unread": list(self.unread)} if self.unread else {}
        return {**said, "problems": list(self.problems), **unread}


def read(client: Client) -> Status:
    """Ask every service, to the last page; one that is away takes only its own part with it.

    Raises UnauthorizedError, and AwayError if auth-service is away: nobody would know us.
    """
    client.unread.clear()
    connections = list(client.items(Connection, "auth-service", "/v1/connections"))
    problems: list[str] = []

    def part(model: type[V], service: str, path: str, **query: str) -> list[V]:
        try:
            return list(client.items(model, service, path, **query))
        except (AwayError, NotConfiguredError) as error:
            problems.append(str(error))
            return []

    syncs = part(Sync, "scheduler", "/v1/syncs")
    incidents = part(Incident, "notifier", "/v1/incidents", status="open")
    return Status(connections, syncs, incidents, problems, list(client.unread))
