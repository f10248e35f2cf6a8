"""Auth-failure reports: what became of a grant that a provider refused, asked once for all."""

import httpx
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.refresh import Refreshed, Refresher, Refusal
from tablesync.contracts.internal_api import AuthFailureReport, AuthFailureRuling, Verdict
from tablesync.service_kit.mongo import LARGEST_INTEGER

SOON_SECONDS = 1.0


class AuthFailures:
    """Judges reports; those of one connection at one time share one refresh or probe."""

    def __init__(self, connections: Connections, grants: Grants, refresher: Refresher) -> None:
        self._connections = connections
        self._grants = grants
        self._refresher = refresher

    async def judge(self, connection_id: str, report: AuthFailureReport) -> AuthFailureRuling:
        """Return the ruling on a failure seen with a grant version; raises Problem 404."""
        connection = await self._connections.get(report.workspace_id, connection_id)
        if not connection.connected:
            return _ruling(Verdict.REVOKED, connection.grant_version)
        version = min(report.grant_version, LARGEST_INTEGER)
        if connection.grant_version > version:
            return _ruling(Verdict.STALE, connection.grant_version)
        forbidden = report.status_code == httpx.codes.FORBIDDEN
        refusal = Refusal.OBJECT if forbidden else Refusal.TOKEN
        return await self._verify(connection_id, version, refusal)

    async def _verify(
        self, connection_id: str, version: int, refusal: Refusal
    ) -> AuthFailureRuling:
        """Ask the provider: by a refresh, or by a probe where that is gentler."""
        try:
            refreshed = await self._refresher.refresh(connection_id, version, forced=refusal)
        except ProviderUnavailableError as error:
            return _ruling(Verdict.INCONCLUSIVE, version, error.retry_after)
        if refreshed is Refreshed.NOT_NEEDED:
            return _ruling(Verdict.NOT_CONFIRMED, version)
        verdict = Verdict.RECOVERED if refreshed is Refreshed.HERE else Verdict.STALE
        return await self._unless_ended(connection_id, version, verdict)

    async def _unless_ended(
        self, connection_id: str, version: int, verdict: Verdict
    ) -> AuthFailureRuling:
        """Return the verdict if the grant lives on with a newer version."""
        now = await self._grants.get(connection_id)
        if now is None or not now.live:
            return _ruling(Verdict.REVOKED, version)
        if now.version == version:
            return _ruling(Verdict.INCONCLUSIVE, version, SOON_SECONDS)
        return _ruling(verdict, now.version)


def _ruling(verdict: Verdict, version: int, retry_after: float | None = None) -> AuthFailureRuling:
    return AuthFailureRuling(verdict=verdict, grant_version=version, retry_after=retry_after)
