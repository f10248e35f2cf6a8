"""auth-service, as sync-runner asks it: tokens, rulings on refused ones, connection states."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import structlog
from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import (
    STATES_LIMIT,
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    Body,
    ConnectionNotConnected,
    ConnectionStates,
    Verdict,
)
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.answers import read, read_items
from tablesync.service_kit.http.client import json_or_none
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.errors import ConnectionLostError

log = structlog.get_logger()

NAME = "auth-service"
PATH = "/internal/v1/connections"


class AuthServiceClient:
    """Asks auth-service; raises DependencyUnavailableError while it gives no answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        """Get an access token: the one place that says whether a run may go on.

        Raises ConnectionLostError if the connection is not connected, or was removed.
        """
        asked_at, wanted = time.monotonic(), AccessTokenRequest(workspace_id=workspace_id)
        response = await self._post(f"{PATH}/{connection_id}/access-token", wanted)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise ConnectionLostError(connection_id, "The connection no longer exists.")
        body = json_or_none(response)
        if response.status_code == httpx.codes.CONFLICT and isinstance(body, dict):
            known = ConnectionNotConnected.model_validate(body)
            raise ConnectionLostError.not_connected(connection_id, known)
        return Grant.of(read(AccessTokenAnswer, response, NAME), asked_at)

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        """Report a refused token; auth-service rules whether the grant is lost.

        With its connection removed, it is: nobody will ever say otherwise.
        """
        report = AuthFailureReport(
            workspace_id=workspace_id, grant_version=version, status_code=status_code
        )
        response = await self._post(f"{PATH}/{connection_id}/auth-failures", report)
        if response.status_code == httpx.codes.NOT_FOUND:
            log.info("auth failure of a removed connection", connection_id=connection_id)
            return AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=version)
        ruling = read(AuthFailureRuling, response, NAME)
        log.info("auth failure reported", connection_id=connection_id, verdict=ruling.verdict)
        return ruling

    async def connection_states(self) -> AsyncIterator[ConnectionEvent]:
        """Yield the state of every connection, oldest change first."""
        since: int | None = 0
        while since is not None:
            query = {"since_sequence": since, "limit": STATES_LIMIT}
            page = read_items(ConnectionStates, await self._ask("GET", PATH, params=query), NAME)
            for state in page.items:
                yield state
            since = page.next_since(since)

    async def _post(self, path: str, body: Body) -> httpx.Response:
        return await self._ask("POST", path, json=body.model_dump(mode="json"))

    async def _ask(self, method: str, path: str, **parts: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **parts)
        except httpx.TransportError as error:
            raise DependencyUnavailableError(NAME) from error
