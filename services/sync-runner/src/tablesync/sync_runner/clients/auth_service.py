"""The two things this service asks of auth-service about a grant, and the states of all."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import structlog
from tablesync.contracts import Account, ConnectionEvent
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.sync_runner.errors import ConnectionLostError

log = structlog.get_logger()

Verdict = Literal["stale", "recovered", "not_confirmed", "inconclusive", "revoked"]
_CONFLICT, _NOT_FOUND = 409, 404


@dataclass(frozen=True)
class Grant:
    """A short-lived access token, its end by the monotonic clock, and which grant it belongs to."""

    token: str = field(repr=False)
    version: int
    ends_at: float
    account: Account


@dataclass(frozen=True)
class AuthFailureRuling:
    """What auth-service found out about a grant that a provider refused."""

    verdict: Verdict
    retry_after: float


class AuthServiceClient:
    """auth-service as sync-runner sees it; raises DependencyUnavailableError while it is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        """Get an access token: the one place that says whether a run may go on.

        Raises ConnectionLostError if the connection is not connected, or was removed.
        """
        asked_at = time.monotonic()
        response = await self._post(
            f"/internal/v1/connections/{connection_id}/access-token",
            {"workspace_id": workspace_id},
        )
        if response.status_code == _NOT_FOUND:
            raise ConnectionLostError(connection_id, "The connection no longer exists.")
        body = self._body(response, accept=_CONFLICT)
        if response.status_code == _CONFLICT:
            cause = body.get("cause") or body.get("connection_status") or "unknown"
            raise ConnectionLostError(connection_id, f"The connection is not connected: {cause}.")
        if "expires_in" not in body:  # an auth-service that is yet to be upgraded
            raise DependencyUnavailableError("auth-service")
        return _grant(body, asked_at)

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        """Report a refused token; auth-service finds out whether the grant is lost.

        With its connection removed, it is: nobody will ever say otherwise.
        """
        response = await self._post(
            f"/internal/v1/connections/{connection_id}/auth-failures",
            {
                "workspace_id": workspace_id,
                "grant_version": version,
                "status_code": status_code,
            },
        )
        if response.status_code == _NOT_FOUND:
            log.info("auth failure of a removed connection", connection_id=connection_id)
            return AuthFailureRuling("revoked", 0.0)
        body = self._body(response)
        log.info("auth failure reported", connection_id=connection_id, verdict=body["verdict"])
        return AuthFailureRuling(body["verdict"], float(body.get("retry_after") or 1.0))

    async def connections(self, since_sequence: int, limit: int) -> list[ConnectionEvent]:
        """Get the states of connections that changed since, oldest first."""
        query = {"since_sequence": since_sequence, "limit": limit}
        try:
            response = await self._http.get("/internal/v1/connections", params=query)
        except httpx.TransportError as error:
            raise DependencyUnavailableError("auth-service") from error
        items = self._body(response)["items"]
        return [ConnectionEvent.model_validate(each) for each in items]

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        try:
            return await self._http.post(path, json=body)
        except httpx.TransportError as error:
            raise DependencyUnavailableError("auth-service") from error

    def _body(self, response: httpx.Response, accept: int = httpx.codes.OK) -> dict[str, Any]:
        """Read an answer; any other than success or `accept` means: not now."""
        body = json_or_none(response)
        if response.status_code in (httpx.codes.OK, accept) and isinstance(body, dict):
            return body
        log.warning("auth-service did not answer", status=response.status_code)
        raise DependencyUnavailableError("auth-service", retry_after(response))


def _grant(body: dict[str, Any], asked_at: float) -> Grant:
    return Grant(
        token=body["token"],
        version=body["grant_version"],
        # What is left was counted after we asked: this is never too late, whatever the clocks say.
        ends_at=asked_at + body["expires_in"],
        account=Account.model_validate(body["account"]),
    )
