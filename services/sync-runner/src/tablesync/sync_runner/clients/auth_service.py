"""auth-service, as sync-runner asks it: tokens, rulings on refused ones, connection states."""

import httpx
import structlog
from tablesync.contracts.internal_api import (
    GRANT_UNREADABLE,
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    Body,
    Verdict,
)
from tablesync.service_kit import clock
from tablesync.service_kit.errors import UnknownToPeerError
from tablesync.service_kit.http.answers import is_problem, not_connected, read
from tablesync.service_kit.http.peer import AuthServicePeer
from tablesync.service_kit.http.problems import UNREADABLE_DOCUMENT
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.errors import ConnectionLostError, RunFailedError

log = structlog.get_logger()

# Asking again does not mend what is stored of a connection.
UNREADABLE = (GRANT_UNREADABLE, UNREADABLE_DOCUMENT)


class AuthServiceClient(AuthServicePeer):
    """Asks auth-service; raises DependencyUnavailableError while it gives no answer.

    Raises RunFailedError (internal) where what it has stored of a connection cannot be read.
    """

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        """Get an access token: the one place that says whether a run may go on.

        Raises ConnectionLostError if the connection is not connected, or was removed.
        """
        asked_at, wanted = clock.seconds(), AccessTokenRequest(workspace_id=workspace_id)
        try:
            response = await self._ask_about(connection_id, "access-token", wanted)
        except UnknownToPeerError as error:
            reason = "The connection no longer exists."
            raise ConnectionLostError(connection_id, reason) from error
        if known := not_connected(response):
            raise ConnectionLostError.not_connected(connection_id, known)
        return Grant.of(read(AccessTokenAnswer, response, self.name), asked_at)

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        """Report a refused token; auth-service rules whether the grant is lost.

        With its connection removed, it is: nobody will ever say otherwise.
        """
        report = AuthFailureReport(
            workspace_id=workspace_id, grant_version=version, status_code=status_code
        )
        try:
            response = await self._ask_about(connection_id, "auth-failures", report)
        except UnknownToPeerError:
            log.info("auth failure of a removed connection", connection_id=connection_id)
            return AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=version)
        ruling = read(AuthFailureRuling, response, self.name)
        log.info("auth failure reported", connection_id=connection_id, verdict=ruling.verdict)
        return ruling

    async def _ask_about(self, connection_id: str, what: str, body: Body) -> httpx.Response:
        response = await self._post(f"/connections/{connection_id}/{what}", body)
        fault = httpx.codes.INTERNAL_SERVER_ERROR
        if any(is_problem(response, fault, each) for each in UNREADABLE):
            raise RunFailedError.internal(
                "What TableSync has stored of this connection cannot be read: our own fault.",
                connection_id,
            )
        return response
