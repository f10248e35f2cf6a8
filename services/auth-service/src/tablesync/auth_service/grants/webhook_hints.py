"""Hints that a grant may have ended: the provider is asked, and only its own answer is believed."""

import httpx
import structlog
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.grants.auth_failures import AuthFailures
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.base import Hint
from tablesync.contracts import Provider
from tablesync.contracts.internal_api import AuthFailureReport
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.single_flight import SingleFlight

log = structlog.get_logger()


class WebhookHints:
    """Follows hints in the background: whoever sends a webhook is answered at once."""

    def __init__(
        self, connections: Connections, grants: Grants, auth_failures: AuthFailures
    ) -> None:
        self._connections = connections
        self._grants = grants
        self._auth_failures = auth_failures
        self._flights: SingleFlight[None] = SingleFlight()

    def follow(self, provider: Provider, hint: Hint) -> None:
        """Look into a hint; the same one, sent again meanwhile, is looked into once."""
        self._flights.launch((provider, hint), lambda: self._look_into(provider, hint))

    async def drain(self) -> None:
        """Wait until no hint is being looked into."""
        await self._flights.drain()

    async def _look_into(self, provider: Provider, hint: Hint) -> None:
        for each in await self._connections.at_host(provider, hint.host):
            await self._judge_alone(each, hint)

    async def _judge_alone(self, connection: Connection, hint: Hint) -> None:
        """Have a grant judged; one that cannot be is no other's trouble, but an outage is."""
        try:
            await self._judge(connection, hint)
        except Exception as error:
            if is_unavailable(error):
                raise
            kind = type(error).__name__
            log.error("hint not looked into", connection_id=connection.id, error=kind)

    async def _judge(self, connection: Connection, hint: Hint) -> None:
        """Have a connection's grant judged, unless its tokens are newer than the hint."""
        grant = await self._grants.get(connection.id)
        if grant is None or (grant.obtained_at and grant.obtained_at > hint.at):
            return
        report = AuthFailureReport(
            workspace_id=connection.workspace_id,
            grant_version=grant.version,
            # As for a forbidden object: a probe comes first, since no call has been refused.
            status_code=httpx.codes.FORBIDDEN,
        )
        ruling = await self._auth_failures.judge(connection.id, report)
        log.info("hint looked into", connection_id=connection.id, verdict=ruling.verdict)
