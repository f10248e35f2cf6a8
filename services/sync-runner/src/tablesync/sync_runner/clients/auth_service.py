"""auth-service as sync-runner asks it: tokens, rulings on refused ones, connection states."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import httpx
import structlog
from prometheus_client import Counter
from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import (
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
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.errors import ConnectionLostError

log = structlog.get_logger()

B = TypeVar("B", bound=Body)
PEER = "auth-service"
CONNECTIONS = "/internal/v1/connections"
UNREADABLE = Counter(
    "connection_states_unreadable_total", "States of connections that could not be read."
)


class AuthServiceClient:
    """Raises DependencyUnavailableError while auth-service is away, or cannot be understood."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        """Get an access token: the one place that says whether a run may go on.

        Raises ConnectionLostError if the connection is not connected, or was removed.
        """
        asked_at, wanted = time.monotonic(), AccessTokenRequest(workspace_id=workspace_id)
        response = await self._post(f"{CONNECTIONS}/{connection_id}/access-token", wanted)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise ConnectionLostError(connection_id, "The connection no longer exists.")
        if response.status_code == httpx.codes.CONFLICT:
            why = _read(ConnectionNotConnected.model_validate, response)
            raise ConnectionLostError.not_connected(connection_id, why)
        answer = _read(AccessTokenAnswer.model_validate, _success(response))
        return Grant.of(answer, asked_at)

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        """Report a refused token; auth-service rules whether the grant is lost.

        With its connection removed, it is: nobody will ever say otherwise.
        """
        report = AuthFailureReport(
            workspace_id=workspace_id, grant_version=version, status_code=status_code
        )
        response = await self._post(f"{CONNECTIONS}/{connection_id}/auth-failures", report)
        if response.status_code == httpx.codes.NOT_FOUND:
            log.info("auth failure of a removed connection", connection_id=connection_id)
            return AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=version)
        ruling = _read(AuthFailureRuling.model_validate, _success(response))
        log.info("auth failure reported", connection_id=connection_id, verdict=ruling.verdict)
        return ruling

    async def connection_states(self) -> AsyncIterator[ConnectionEvent]:
        """Yield the state of every connection, page by page, oldest change first.

        A state that this version cannot read is passed over, counted and logged.
        """
        since: int | None = 0
        while since is not None:
            page = await self._states_since(since)
            for state in page.items:
                yield state
            since = page.next_since(since)

    async def _states_since(self, since: int) -> ConnectionStates:
        response = await self._send("GET", CONNECTIONS, params={"since_sequence": since})
        page = _read(ConnectionStates.read, _success(response))
        for each in page.unreadable:
            UNREADABLE.inc()
            log.error("connection state not read", why=each.why)
        return page

    async def _post(self, path: str, body: Body) -> httpx.Response:
        return await self._send("POST", path, json=body.model_dump(mode="json"))

    async def _send(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, int] | None = None,
    ) -> httpx.Response:
        try:
            return await self._http.request(method, path, json=json, params=params)
        except httpx.TransportError as error:
            raise DependencyUnavailableError(PEER) from error


def _success(response: httpx.Response) -> httpx.Response:
    """Return a success as it is; any other answer means: not now."""
    if response.is_success:
        return response
    log.warning("auth-service did not answer", status=response.status_code)
    raise DependencyUnavailableError(PEER, retry_after(response))


def _read(read: Callable[[Any], B], response: httpx.Response) -> B:
    """Read an answer's body; what cannot be understood now may be after an upgrade."""
    try:
        return read(response.json())
    except ValueError as error:  # no JSON, or not the body that was asked for
        log.warning("auth-service was not understood", error=type(error).__name__)
        raise DependencyUnavailableError(PEER, retry_after(response)) from error
