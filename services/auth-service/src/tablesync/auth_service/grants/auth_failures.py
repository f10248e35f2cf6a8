"""Auth-failure reports: what became of a grant that a provider refused, asked once for all."""

from dataclasses import dataclass
from enum import StrEnum

import httpx
import structlog
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.errors import AppRefusedError, ProviderUnavailableError
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.refresh import APP_REFUSED_COOLDOWN_SECONDS, Refresher
from tablesync.auth_service.providers.base import OAuthProvider, Probe
from tablesync.contracts import Provider
from tablesync.service_kit.mongo.leases import Leases
from tablesync.service_kit.single_flight import SingleFlight

log = structlog.get_logger()

FORCED_AT_MOST_EVERY_SECONDS = 300.0
SOON_SECONDS = 1.0


class Verdict(StrEnum):
    """What whoever reported is to do."""

    STALE = "stale"  # use the newer token
    RECOVERED = "recovered"  # refreshed: try again
    NOT_CONFIRMED = "not_confirmed"  # the grant works: this object is forbidden
    INCONCLUSIVE = "inconclusive"  # the provider cannot be asked: wait
    REVOKED = "revoked"  # stop


@dataclass(frozen=True)
class AuthFailureRuling:
    """A verdict, the grant's version now, and seconds to wait where that helps."""

    verdict: Verdict
    grant_version: int
    retry_after: float | None = None


class AuthFailures:
    """Judges reports; those of one connection at one time share one judgement."""

    def __init__(
        self,
        connections: Connections,
        grants: Grants,
        refresher: Refresher,
        leases: Leases,
        providers: dict[Provider, OAuthProvider],
    ) -> None:
        self._connections = connections
        self._grants = grants
        self._refresher = refresher
        self._leases = leases
        self._providers = providers
        self._flights: SingleFlight[AuthFailureRuling] = SingleFlight()

    async def judge(
        self, workspace_id: str, connection_id: str, version: int, status_code: int | None
    ) -> AuthFailureRuling:
        """Return the ruling on a failure seen with this grant version; raises Problem 404."""
        connection = await self._connections.get(workspace_id, connection_id)
        if connection.grant_version > version:
            verdict = Verdict.STALE if connection.connected else Verdict.REVOKED
            return AuthFailureRuling(verdict, connection.grant_version)
        if not connection.connected:
            return AuthFailureRuling(Verdict.REVOKED, connection.grant_version)
        forbidden = status_code == httpx.codes.FORBIDDEN
        key = (connection_id, version, forbidden)
        return await self._flights.join(
            key, lambda: self._verify(connection_id, version, forbidden)
        )

    async def drain(self) -> None:
        """Wait until no judgement is under way."""
        await self._flights.drain()

    async def _verify(self, connection_id: str, version: int, forbidden: bool) -> AuthFailureRuling:
        grant = await self._grants.get(connection_id)
        if grant is None or not grant.live:
            return AuthFailureRuling(Verdict.REVOKED, version)
        try:
            lease = await self._refresher.lease(grant)
            if lease is None:
                return await self._after(grant, Verdict.STALE)
            async with self._leases.kept(lease):
                return await self._ask(connection_id, version, forbidden)
        except ProviderUnavailableError as error:
            return AuthFailureRuling(Verdict.INCONCLUSIVE, version, error.retry_after)
        except AppRefusedError as error:
            return self._on_app_refused(grant, error)

    def _on_app_refused(self, grant: Grant, error: AppRefusedError) -> AuthFailureRuling:
        """Alarm us: a refusal of our own credentials says nothing of a grant."""
        log.error("provider refuses our app", provider=grant.provider, reason=str(error))
        return AuthFailureRuling(Verdict.INCONCLUSIVE, grant.version, APP_REFUSED_COOLDOWN_SECONDS)

    async def _ask(self, connection_id: str, version: int, forbidden: bool) -> AuthFailureRuling:
        """Ask the provider, under the lease: by a refresh, or by a probe where that is gentler."""
        grant = await self._grants.get(connection_id)
        if grant is None or not grant.live:
            return AuthFailureRuling(Verdict.REVOKED, version)
        if grant.version != version:
            return AuthFailureRuling(Verdict.STALE, grant.version)
        provider = self._providers[grant.provider]
        if self._probe_first(grant, provider, forbidden):
            probe = await provider.probe(self._grants.access_token(grant))
            if probe is Probe.ACCEPTED:
                return AuthFailureRuling(Verdict.NOT_CONFIRMED, version)
        await self._refresher.refresh_held(connection_id, version, forced=True)
        return await self._after(grant, Verdict.RECOVERED)

    def _probe_first(self, grant: Grant, provider: OAuthProvider, forbidden: bool) -> bool:
        """A rotation would break the calls of others, and a refresh often helps only once."""
        since = grant.since_forced_seconds
        lately = since is not None and since < FORCED_AT_MOST_EVERY_SECONDS
        return provider.rotates or forbidden or lately

    async def _after(self, before: Grant, verdict: Verdict) -> AuthFailureRuling:
        """Return the verdict if the grant lives on with a newer version."""
        now = await self._grants.get(before.connection_id)
        if now is None or not now.live:
            return AuthFailureRuling(Verdict.REVOKED, before.version)
        if now.version == before.version:
            return AuthFailureRuling(Verdict.INCONCLUSIVE, now.version, SOON_SECONDS)
        return AuthFailureRuling(verdict, now.version)
