"""What the notifier asks other services: auth-service for people and links, scheduler for syncs."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from tablesync.contracts import ConnectionEvent, Gap, Hold, RunCounts
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.notifier.mails import Recipient
from tablesync.service_kit.errors import DependencyUnavailableError

T = TypeVar("T")
PAGE = 500


class Answer(BaseModel):
    """Base of what peers answer: deaf to fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ReconnectLink(Answer):
    """A fresh link; it is only ever put into a mail's body."""

    url: str
    expires_at: AwareDatetime


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


_RECIPIENTS: TypeAdapter[list[Recipient]] = TypeAdapter(list[Recipient])
_AFFECTED: TypeAdapter[list[AffectedSync]] = TypeAdapter(list[AffectedSync])
_STATES: TypeAdapter[list[ConnectionEvent]] = TypeAdapter(list[ConnectionEvent])


class AuthService:
    """auth-service, as the notifier needs it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def recipients(self, connection_id: str, workspace_id: str) -> list[Recipient]:
        """Give who may be mailed about a connection: its owner first, then admins."""
        path = f"/internal/v1/connections/{connection_id}/recipients"
        return await self._recipients(path, workspace_id=workspace_id)

    async def workspace_recipients(
        self, workspace_id: str, owner_id: str | None
    ) -> list[Recipient]:
        """Give who may be mailed about a sync: its owner first, if known, then admins."""
        path = f"/internal/v1/workspaces/{workspace_id}/recipients"
        return await self._recipients(path, **({"owner_id": owner_id} if owner_id else {}))

    async def reconnect_link(self, connection_id: str, workspace_id: str) -> ReconnectLink:
        """Have a fresh reconnect link made."""
        path = f"/internal/v1/connections/{connection_id}/reconnect-links"
        answer = await _ask(
            self._http, "auth-service", "POST", path, json={"workspace_id": workspace_id}
        )
        return _read(TypeAdapter(ReconnectLink), answer, "auth-service")

    async def connection_states(self, since_sequence: int) -> AsyncIterator[ConnectionEvent]:
        """Give the newest state of each connection that changed since, oldest sequence first."""
        since = since_sequence
        while True:
            query = {"since_sequence": since, "limit": PAGE}
            answer = await _ask(
                self._http, "auth-service", "GET", "/internal/v1/connections", params=query
            )
            states = _read(_STATES, answer.get("items"), "auth-service")
            for state in states:
                yield state
            newest = max((each.sequence for each in states), default=since)
            if newest <= since:
                return
            since = newest

    async def _recipients(self, path: str, **query: str) -> list[Recipient]:
        answer = await _ask(self._http, "auth-service", "GET", path, params=query)
        return _read(_RECIPIENTS, answer.get("items"), "auth-service")


class Scheduler:
    """scheduler, as the notifier needs it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def affected_syncs(self, connection_id: str, workspace_id: str) -> list[AffectedSync]:
        """Give the syncs that use a connection, with holds, next slots and catch-ups."""
        path = f"/internal/v1/connections/{connection_id}/affected-syncs"
        query = {"workspace_id": workspace_id}
        answer = await _ask(self._http, "scheduler", "GET", path, params=query)
        return _read(_AFFECTED, answer.get("items"), "scheduler")

    async def sync(self, sync_id: str, workspace_id: str) -> SyncFacts:
        """Give a sync's name and owner; raises UnknownToPeerError when it was deleted."""
        path = f"/internal/v1/syncs/{sync_id}"
        query = {"workspace_id": workspace_id}
        answer = await _ask(self._http, "scheduler", "GET", path, params=query)
        return _read(TypeAdapter(SyncFacts), answer, "scheduler")


async def _ask(
    http: httpx.AsyncClient, peer: str, method: str, path: str, **options: Any
) -> dict[str, Any]:
    """Ask once; whatever is no answer means later, but for 404."""
    try:
        response = await http.request(method, path, **options)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise UnknownToPeerError(f"{peer} does not know {path}")
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise DependencyUnavailableError(peer) from error
    return answer


def _read(adapter: TypeAdapter[T], value: Any, peer: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise DependencyUnavailableError(peer) from error
