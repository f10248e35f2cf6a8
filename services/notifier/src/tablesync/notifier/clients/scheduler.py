"""The scheduler, as the notifier needs it: the syncs behind an incident."""

from datetime import datetime

import httpx
from pydantic import TypeAdapter
from tablesync.contracts import Gap, Hold, RunCounts
from tablesync.notifier.clients.answers import Answer, ask, read


class CatchUp(Answer):
    """The run that covers a gap, as far as scheduler knows it."""

    run_id: str
    status: str
    counts: RunCounts | None = None


class AffectedSync(Answer):
    """One sync that uses a connection."""

    sync_id: str
    name: str
    object: str | None = None
    status: str
    hold: Hold | None = None
    gap: Gap | None = None
    next_slot_at: datetime | None = None
    catch_up: CatchUp | None = None


class SyncFacts(Answer):
    """What a failure mail says of a sync."""

    sync_id: str
    name: str
    owner_id: str | None = None


_AFFECTED: TypeAdapter[list[AffectedSync]] = TypeAdapter(list[AffectedSync])


class SchedulerClient:
    """Asks the scheduler; raises DependencyUnavailableError while it is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def affected_syncs(self, connection_id: str, workspace_id: str) -> list[AffectedSync]:
        """Return the syncs that use a connection, with holds, next slots and catch-ups."""
        path = f"/internal/v1/connections/{connection_id}/affected-syncs"
        query = {"workspace_id": workspace_id}
        answer = await ask(self._http, "scheduler", "GET", path, params=query)
        return read(_AFFECTED, answer.get("items"), "scheduler")

    async def sync(self, sync_id: str, workspace_id: str) -> SyncFacts:
        """Return a sync's name and owner; raises UnknownToPeerError when it was deleted."""
        path = f"/internal/v1/syncs/{sync_id}"
        query = {"workspace_id": workspace_id}
        answer = await ask(self._http, "scheduler", "GET", path, params=query)
        return read(TypeAdapter(SyncFacts), answer, "scheduler")
