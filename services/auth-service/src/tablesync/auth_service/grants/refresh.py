"""Refreshing a grant: one at a time across all processes, and never torn without a trace.

The steps: wait for one's turn → take the lease → read again → write the intent → send → store by
compare-and-set. An intent that is found open, and whose owner shows no life, means that somebody
died, or never learned the outcome, between sending and storing. The stored refresh token is then
tried once more; if a provider of strict rotation refuses it, the rotation is lost.

A grant without a refresh token is never refreshed: a probe alone says whether it lives.
"""

import asyncio
from enum import Enum
from uuid import uuid4

from tablesync.auth_service.connections import Connections
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.grants.attempt import Attempt, Attempts
from tablesync.auth_service.grants.ending import Ending
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.intents import Observation, RefreshSettings
from tablesync.auth_service.grants.probe import is_accepted
from tablesync.auth_service.providers.base import Rotation
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import ConnectionCause
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.mongo.leases import Lease, Leases
from tablesync.service_kit.single_flight import SingleFlight

TURN_WAIT_SECONDS = 20.0
TURN_POLL_SECONDS = 0.05
TURN_POLL_AT_MOST_SECONDS = 0.5
SOON_SECONDS = 1.0
FORCED_AT_MOST_EVERY_SECONDS = 300.0
# Versions before this one named no owner, and ended a refresh within 10 s: a younger intent of
# theirs may be one under way.
UNDER_WAY_SECONDS = 12.0


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
    """Refreshes grants and ends those that the provider has ended; it owns lease and intent.

    All that is done about one version of a grant in this process is one flight, whoever asks:
    nobody passes by tokens that wait in it to be stored.
    """

    def __init__(
        self,
        connections: Connections,
        grants: Grants,
        attempts: Attempts,
        ending: Ending,
        leases: Leases,
        providers: Providers,
        *,
        settings: RefreshSettings,
    ) -> None:
        self._connections = connections
        self._grants = grants
        self._attempts = attempts
        self._ending = ending
        self._leases = leases
        self._providers = providers
        self._settings = settings
        self._owner = uuid4().hex
        self._draining = False
        self._flights: SingleFlight[tuple[Refusal | None, Refreshed]] = SingleFlight()

    async def refresh(
        self, connection_id: str, version: int, *, forced: Refusal | None = None
    ) -> Refreshed:
        """Refresh if this version is still the stored one; raises what `errors.py` names.

        Where a refusal forces it, the provider is perhaps only asked whether it takes the token.
        Raises ProviderUnavailableError also if it takes too long for a caller: it then goes on.
        """
        try:
            async with asyncio.timeout(self._settings.auth_refresh_wait_seconds):
                return await self._join(connection_id, version, forced)
        except TimeoutError:
            raise ProviderUnavailableError("provider", SOON_SECONDS) from None

    async def drain(self) -> None:
        """Wait until no refresh is under way and all new tokens are stored, however long it takes.

        What only waits for its turn gives it up.
        """
        self._draining = True
        await self._flights.drain()

    async def _join(self, connection_id: str, version: int, forced: Refusal | None) -> Refreshed:
        """Wait for what is under way; ask anew if that met a lesser demand."""
        while True:
            demand, outcome = await self._flights.join(
                (connection_id, version), lambda: self._fly(connection_id, version, forced)
            )
            if outcome is not Refreshed.NOT_NEEDED or demand is forced:
                return outcome

    async def _fly(
        self, connection_id: str, version: int, forced: Refusal | None
    ) -> tuple[Refusal | None, Refreshed]:
        observation = Observation(self._settings.auth_refresh_abandoned_seconds)
        lease = await self._turn(connection_id, version, observation)
        if lease is None:
            return forced, Refreshed.ELSEWHERE
        async with self._leases.kept(lease):
            grant = await self._in_need(connection_id, version, forced)
            if isinstance(grant, Refreshed):
                return forced, grant
            if not grant.refreshable:
                return forced, await self._give_up(grant)
            return forced, await self._send(grant, lease, observation, forced is not None)

    async def _turn(
        self, connection_id: str, version: int, observation: Observation
    ) -> Lease | None:
        """Take the refresh lease once nobody is at work; None if the grant has moved on meanwhile.

        Raises ProviderUnavailableError if somebody is for too long.
        """
        deadline = Deadline(TURN_WAIT_SECONDS + self._settings.auth_refresh_abandoned_seconds)
        poll = Backoff(TURN_POLL_SECONDS, TURN_POLL_AT_MOST_SECONDS)
        while grant := await self._grants.unmoved(connection_id, version):
            if not self._is_at_work(grant, observation):
                seconds = self._settings.auth_refresh_lease_seconds
                lease = await self._leases.acquire(f"refresh/{connection_id}", seconds)
                if lease is not None:
                    return lease
            if self._draining or deadline.passed():
                raise ProviderUnavailableError("refresh lease", processed=False)
            await asyncio.sleep(poll.next())
        return None

    def _is_at_work(self, grant: Grant, observation: Observation) -> bool:
        """Whether another may be refreshing; a provider that does not rotate is no worse for two.

        An intent of our own was left by a flight that is over: this is the only one.
        """
        intent = grant.intent
        if intent is None or intent.given_up:
            return False
        if self._providers.of(grant.provider).rotation is Rotation.NONE:
            return False
        if intent.owner is None:
            return (grant.intent_age_seconds or 0.0) < UNDER_WAY_SECONDS
        return intent.owner != self._owner and not observation.shows_no_life(intent)

    async def _in_need(
        self, connection_id: str, version: int, forced: Refusal | None
    ) -> Grant | Refreshed:
        """Return the grant as it is now, or why it needs no refresh."""
        grant = await self._grants.unmoved(connection_id, version)
        if grant and (forced or not grant.refreshable):
            if await self._is_accepted(grant, forced):
                return Refreshed.NOT_NEEDED
            grant = await self._grants.unmoved(connection_id, version)
        return grant or Refreshed.ELSEWHERE

    async def _is_accepted(self, grant: Grant, refusal: Refusal | None) -> bool:
        """Ask with the stored token, where there is no refresh, or one would do harm or no good.

        A strict rotation would break the calls of others, and a refresh often helps only once.
        """
        provider = self._providers.of(grant.provider)
        since = grant.since_forced_seconds
        lately = since is not None and since < FORCED_AT_MOST_EVERY_SECONDS
        gentler = provider.rotation is Rotation.STRICT or refusal is Refusal.OBJECT or lately
        if grant.refreshable and not gentler:
            return False
        return await is_accepted(provider.at(grant.host), self._grants.access_token(grant))

    async def _give_up(self, grant: Grant) -> Refreshed:
        """End a grant whose token the provider has refused, and that nothing can renew."""
        over = grant.remaining_seconds <= 0
        cause = ConnectionCause.GRANT_EXPIRED if over else ConnectionCause.TOKEN_REJECTED
        ended = await self._ending.end(grant, None, cause)
        return Refreshed.HERE if ended else Refreshed.ELSEWHERE

    async def _send(
        self, grant: Grant, lease: Lease, observation: Observation, forced: bool
    ) -> Refreshed:
        """Write the intent and send, unless the provider is to be left alone.

        Raises UnreadableDocumentError for a connection that this version cannot read, and
        UnreadableGrantError for a refresh token.
        """
        if self._is_at_work(grant, observation):
            raise ProviderUnavailableError("refresh lease", SOON_SECONDS, processed=False)
        if grant.cooldown_seconds:
            raise ProviderUnavailableError(grant.provider, grant.cooldown_seconds, processed=False)
        # What comes of it is stored with the connection: new tokens of one that cannot be read
        # would have no place but our memory.
        await self._connections.get(grant.workspace_id, grant.connection_id)
        provider, token = self._providers.of(grant.provider), self._grants.refresh_token(grant)
        intent_id = await self._grants.open_intent(grant, self._owner, forced=forced)
        if intent_id is None:
            return Refreshed.ELSEWHERE
        await self._attempts.make(Attempt(grant, token, provider, lease, intent_id))
        return Refreshed.HERE
