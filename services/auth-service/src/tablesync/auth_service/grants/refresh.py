"""Refreshing a grant: one at a time across all processes, and never torn without a trace.

The steps: take the lease → read again → write the intent → send → store by compare-and-set.
An intent that is found open and not quite young means that somebody died, or never learned the
outcome, between sending and storing. For a provider that rotates, the stored access token then
tells: accepted, nothing had happened; rejected, the stored refresh token is tried once more, and
if that is refused too, the rotation is lost.
"""

import asyncio
from enum import Enum

import structlog
from prometheus_client import Counter
from tablesync.auth_service.errors import (
    AppRefusedError,
    GrantLostError,
    ProviderUnavailableError,
    RefreshConflictError,
)
from tablesync.auth_service.grants.ending import Ending
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.renewal import Renewal
from tablesync.auth_service.providers.base import OAuthProvider, Probe
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import ConnectionCause
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.mongo.leases import Lease, Leases

log = structlog.get_logger()

LEASE_SECONDS = 15.0
LEASE_WAIT_SECONDS = 20.0
LEASE_POLL_SECONDS = 0.05
CONFLICT_WAIT_SECONDS = 2.0
FORCED_AT_MOST_EVERY_SECONDS = 300.0
# A refresh ends within its deadline of 10 s: a younger intent may be one under way, whatever
# became of its sender's lease.
UNDER_WAY_SECONDS = 12.0
APP_REFUSED_COOLDOWN_SECONDS = 60.0

REFRESHES = Counter("auth_refreshes_total", "Refreshes by outcome.", ["provider", "outcome"])


class Refusal(Enum):
    """What a provider has refused, for which somebody wants a refresh."""

    TOKEN = "token"  # noqa: S105 - a kind of refusal, not a secret
    OBJECT = "object"  # which it may do to a token that works


class Refreshed(Enum):
    """What came of asking for a refresh; what became of the grant, the grant itself says."""

    HERE = "here"  # the provider was asked
    ELSEWHERE = "elsewhere"  # the grant has moved on by other hands
    NOT_NEEDED = "not_needed"  # the provider takes the token that was said to be refused


class Refresher:
    """Refreshes grants and ends those that the provider has ended; `refresh` owns its lease."""

    def __init__(
        self,
        grants: Grants,
        renewal: Renewal,
        ending: Ending,
        leases: Leases,
        providers: Providers,
    ) -> None:
        self._grants = grants
        self._renewal = renewal
        self._ending = ending
        self._leases = leases
        self._providers = providers

    async def refresh(
        self, connection_id: str, version: int, *, forced: Refusal | None = None
    ) -> Refreshed:
        """Refresh if this version is still the stored one; raises what `errors.py` names.

        Where a refusal forces it, the provider is perhaps only asked whether it takes the token.
        """
        grant = await self._unmoved(connection_id, version)
        lease = await self._lease(grant) if grant else None
        if lease is None:
            return Refreshed.ELSEWHERE
        async with self._leases.kept(lease):
            return await self._under_lease(connection_id, version, forced)

    async def _lease(self, grant: Grant) -> Lease | None:
        """Take the refresh lease; None once the grant has moved on by other hands.

        Raises ProviderUnavailableError if somebody holds the lease for too long.
        """
        deadline = Deadline(LEASE_WAIT_SECONDS)
        while True:
            lease = await self._leases.acquire(f"refresh/{grant.connection_id}", LEASE_SECONDS)
            if lease is not None:
                return lease
            if await self._moved(grant):
                return None
            if deadline.passed():
                raise ProviderUnavailableError("refresh lease", processed=False)
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def _under_lease(
        self, connection_id: str, version: int, forced: Refusal | None
    ) -> Refreshed:
        grant = await self._unmoved(connection_id, version)
        if grant and forced:
            if await self._is_accepted(grant, forced):
                return Refreshed.NOT_NEEDED
            grant = await self._unmoved(connection_id, version)
        if grant is None:
            return Refreshed.ELSEWHERE
        if grant.cooldown_seconds:
            raise ProviderUnavailableError(grant.provider, grant.cooldown_seconds, processed=False)
        uncertain = await self._outcome_unknown(grant)
        if not await self._grants.open_intent(grant, forced=forced is not None):
            return Refreshed.ELSEWHERE
        await self._send(grant, uncertain)
        return Refreshed.HERE

    async def _unmoved(self, connection_id: str, version: int) -> Grant | None:
        """Return the grant; None once it has ended or has another version."""
        grant = await self._grants.get(connection_id)
        return grant if grant and grant.live and grant.version == version else None

    async def _moved(self, grant: Grant) -> bool:
        return await self._unmoved(grant.connection_id, grant.version) is None

    async def _is_accepted(self, grant: Grant, refusal: Refusal) -> bool:
        """Ask with the refused token, where a refresh would do harm or has just been of no use.

        A rotation would break the calls of others, and a refresh often helps only once.
        """
        provider = self._provider(grant)
        since = grant.since_forced_seconds
        lately = since is not None and since < FORCED_AT_MOST_EVERY_SECONDS
        if not (provider.rotates or refusal is Refusal.OBJECT or lately):
            return False
        return await self._probe(grant, provider) is Probe.ACCEPTED

    async def _probe(self, grant: Grant, provider: OAuthProvider) -> Probe:
        try:
            return await provider.probe(self._grants.access_token(grant))
        except AppRefusedError as error:
            raise _app_refused(grant, error) from error

    def _provider(self, grant: Grant) -> OAuthProvider:
        return self._providers.of(grant.provider)

    async def _outcome_unknown(self, grant: Grant) -> bool:
        """Whether an earlier refresh may have used up the stored refresh token."""
        provider = self._provider(grant)
        if grant.intent is None or not provider.rotates:
            return False
        age = grant.intent_age_seconds
        if age is not None and age < UNDER_WAY_SECONDS:
            raise ProviderUnavailableError(provider.name, UNDER_WAY_SECONDS - age, processed=False)
        try:
            return await self._probe(grant, provider) is Probe.REJECTED
        except ProviderUnavailableError as error:
            await self._grants.cool_down(grant, error.retry_after)
            raise

    async def _send(self, grant: Grant, uncertain: bool) -> None:
        provider = self._provider(grant)
        outcome = "stored"
        try:
            tokens = await provider.refresh(self._grants.refresh_token(grant))
            await self._renewal.persist(grant, provider, tokens)
        except GrantLostError as error:
            outcome = "lost"
            await self._on_lost(grant, error, uncertain)
        except RefreshConflictError as error:
            outcome = "conflict"
            await self._on_conflict(grant, error)
        except AppRefusedError as error:
            outcome = "app_refused"
            await self._on_app_refused(grant, error, uncertain)
        except ProviderUnavailableError as error:
            outcome = "unavailable"
            await self._on_unavailable(grant, error, uncertain)
            raise
        finally:
            REFRESHES.labels(provider.name, outcome).inc()

    async def _on_lost(self, grant: Grant, error: GrantLostError, uncertain: bool) -> None:
        """End the grant, unless its version has moved: then only a race was lost."""
        if await self._moved(grant):
            # Said aloud: a provider may take the second sending of a used token for a leak.
            log.warning("refresh refused, lost to another", connection_id=grant.connection_id)
            return
        cause = error.cause
        if uncertain:
            cause = ConnectionCause.ROTATION_LOST
        elif grant.refresh_token_over:
            cause = ConnectionCause.GRANT_EXPIRED
        await self._ending.end(grant, cause)

    async def _on_conflict(self, grant: Grant, error: RefreshConflictError) -> None:
        """Wait for whoever has just refreshed; if nobody stores it, a probe has to decide."""
        deadline = Deadline(CONFLICT_WAIT_SECONDS)
        while not await self._moved(grant):
            if deadline.passed():
                await self._grants.give_up_intent(grant)
                raise ProviderUnavailableError(str(error), CONFLICT_WAIT_SECONDS)
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def _on_app_refused(self, grant: Grant, error: AppRefusedError, uncertain: bool) -> None:
        await self._end_intent(grant, uncertain)
        await self._grants.cool_down(grant, APP_REFUSED_COOLDOWN_SECONDS)
        raise _app_refused(grant, error) from error

    async def _on_unavailable(
        self, grant: Grant, error: ProviderUnavailableError, uncertain: bool
    ) -> None:
        await self._end_intent(grant, uncertain or error.processed)
        await self._grants.cool_down(grant, error.retry_after)

    async def _end_intent(self, grant: Grant, uncertain: bool) -> None:
        """Remember what is uncertain: a request that surely did nothing tells of no earlier one."""
        if uncertain:
            await self._grants.give_up_intent(grant)
        else:
            await self._grants.close_intent(grant)


def _app_refused(grant: Grant, error: AppRefusedError) -> ProviderUnavailableError:
    """Alarm us: no operator can help with this, and no connection is to blame."""
    log.error("provider refuses our app", provider=grant.provider, reason=str(error))
    return ProviderUnavailableError(grant.provider, APP_REFUSED_COOLDOWN_SECONDS, processed=False)
