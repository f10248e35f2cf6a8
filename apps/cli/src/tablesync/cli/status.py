"""What `tablesync status` knows: connections, syncs and incidents of the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel
from tablesync.cli.errors import told
from tablesync.cli.session import Pages, whole
from tablesync.client import AwayError, TableSync
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.incidents import IncidentStatus, IncidentView
from tablesync.contracts.public_api.syncs import SyncView

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Status:
    """The workspace as far as its services answered; `problems` says who did not.

    `unread` are what nobody can read of what is stored: the lists go without.
    """

    connections: Sequence[ConnectionView]
    syncs: Sequence[SyncView]
    incidents: Sequence[IncidentView]
    problems: Sequence[str]
    unread: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`, in the services' own words."""
        unread = {"unread": list(self.unread)} if self.unread else {}
        return {
            "connections": [each.said for each in self.connections],
            "syncs": [each.said for each in self.syncs],
            "incidents": [each.said for each in self.incidents],
            "problems": list(self.problems),
            **unread,
        }


async def read(tablesync: TableSync) -> Status:
    """Ask every service, to the last page; one that is away takes only its own part with it.

    Raises UnauthorizedError, and AwayError if auth-service is away: nobody would know us.
    """
    problems: list[str] = []
    unread: list[str] = []

    async def part(pages: Pages[M]) -> list[M]:
        try:
            return await whole(pages, unread)
        except AwayError as error:
            problems.append(told(error))
            return []

    connections = await whole(tablesync.connections.page, unread)
    syncs = await part(tablesync.syncs.page)
    incidents = await part(partial(tablesync.incidents.page, status=IncidentStatus.OPEN))
    return Status(connections, syncs, incidents, problems, unread)
