"""One sending of a refresh token, from its open intent to the outcome that is stored.

Its intent is renewed all the while. Tokens that a provider has given are in memory alone until
they are stored: whoever wants to act on this version of the grant waits for that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from pydantic import SecretStr
from tablesync.auth_service.errors import (
    AppRefusedError,
    GrantLostError,
    ProviderUnavailableError,
    RefreshConflictError,
)
from tablesync.auth_service.grants.ending import Ending
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.probe import APP_REFUSED_COOLDOWN_SECONDS, app_refused
from tablesync.auth_service.grants.renewal import Renewal
from tablesync.auth_service.providers.base import OAuthProvider, Rotation
from tablesync.auth_service.store import through_outages
from tablesync.contracts import ConnectionCause
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.repeats import Trouble
from tablesync.service_kit.roles import end

log = structlog.get_logger()

CONFLICT_WAIT_SECONDS = 2.0
CONFLICT_POLL_SECONDS = 0.05
# A beat that hangs must not stand in the way of the next ones.
BEAT_AT_MOST_SECONDS = 5.0

REFRESHES = Counter("auth_refreshes_total", "Refreshes by outcome.", ["provider", "outcome"])


@dataclass(frozen=True)
class Attempt:
    """A refresh whose intent is written."""

    grant: Grant
    refresh_token: SecretStr
    provider: OAuthProvider
    lease: Lease
    intent_id: str

    @property
    def uncertain(self) -> bool:
        """Whether an earlier one, whose intent was found, may have used up the refresh token.

        With grace it has not: a refusal then is no consequence of ours.
        """
        return self.provider.rotation is Rotation.STRICT and self.grant.intent is not None

    def may_be_sent(self) -> bool:
        """Whether nobody else can have taken over: asked right before the bytes go out."""
        return self.lease.remaining() > 0


class Attempts:
    """Sends refresh tokens, and stores what came of it."""

    def __init__(
        self, grants: Grants, renewal: Renewal, ending: Ending, beat_seconds: float
    ) -> None:
        self._grants = grants
        self._renewal = renewal
        self._ending = ending
        self._beat_seconds = beat_seconds

    async def make(self, attempt: Attempt) -> None:
        """Send, and store the outcome; raises ProviderUnavailableError where there was none."""
        async with self._kept_alive(attempt):
            await self._send(attempt)

    async def _send(self, attempt: Attempt) -> None:
        grant, provider = attempt.grant, attempt.provider
        outcome = "stored"
        try:
            host = provider.at(grant.host)
            tokens = await host.refresh(attempt.refresh_token, attempt.may_be_sent)
            await self._renewal.persist(grant, provider, tokens)
        except GrantLostError as error:
            outcome = "lost"
            await self._on_lost(attempt, error)
        except RefreshConflictError as error:
            outcome = "conflict"
            await self._on_conflict(attempt, error)
        except AppRefusedError as error:
            outcome = "app_refused"
            await self._on_app_refused(attempt, error)
        except ProviderUnavailableError as error:
            outcome = "unavailable"
            await self._on_unavailable(attempt, error)
            raise
        finally:
            REFRESHES.labels(provider.name, outcome).inc()

    @asynccontextmanager
    async def _kept_alive(self, attempt: Attempt) -> AsyncIterator[None]:
        beating = asyncio.create_task(self._beat(attempt))
        try:
            yield
        finally:
            await end(beating)

    async def _beat(self, attempt: Attempt) -> None:
        about = {"connection_id": attempt.grant.connection_id}
        trouble, ours = Trouble("intent not renewed", "intent renewed again", **about), True
        while ours:
            await asyncio.sleep(self._beat_seconds)
            try:
                async with asyncio.timeout(BEAT_AT_MOST_SECONDS):
                    ours = await self._grants.renew_intent(attempt.grant, attempt.intent_id)
            except Exception as error:  # an unforeseen one, too: the refresh goes on without it
                trouble.met(error)
            else:
                trouble.over()

    async def _on_lost(self, attempt: Attempt, error: GrantLostError) -> None:
        """End the grant, unless it moved or another has taken over: then only a race was lost.

        However long MongoDB is away: from the intent alone nobody learns why the grant ended.
        """
        grant, cause = attempt.grant, error.cause
        if attempt.uncertain:
            cause = ConnectionCause.ROTATION_LOST
        elif grant.refresh_token_over:
            cause = ConnectionCause.GRANT_EXPIRED
        ended = await through_outages(
            lambda: self._ending.end(grant, attempt.intent_id, cause), "end lost grant"
        )
        if not ended:
            # Said aloud: a provider may take the second sending of a used token for a leak.
            log.warning("refresh refused, lost to another", connection_id=grant.connection_id)

    async def _on_conflict(self, attempt: Attempt, error: RefreshConflictError) -> None:
        """Wait for whoever has just refreshed; if nobody stores it, it has to be tried again."""
        deadline = Deadline(CONFLICT_WAIT_SECONDS)
        while await self._grants.unmoved(attempt.grant.connection_id, attempt.grant.version):
            if deadline.passed():
                await self._grants.give_up_intent(attempt.grant, attempt.intent_id)
                raise ProviderUnavailableError(str(error), CONFLICT_WAIT_SECONDS)
            await asyncio.sleep(CONFLICT_POLL_SECONDS)

    async def _on_app_refused(self, attempt: Attempt, error: AppRefusedError) -> None:
        await self._end_intent(attempt, error.processed)
        await self._grants.cool_down(attempt.grant, APP_REFUSED_COOLDOWN_SECONDS)
        raise app_refused(attempt.grant.provider, error) from error

    async def _on_unavailable(self, attempt: Attempt, error: ProviderUnavailableError) -> None:
        await self._end_intent(attempt, error.processed)
        if attempt.may_be_sent():  # else it is another's turn, and not for us to hold up
            await self._grants.cool_down(attempt.grant, error.retry_after)

    async def _end_intent(self, attempt: Attempt, processed: bool) -> None:
        """Remember what is uncertain: a request that surely did nothing tells of no earlier one."""
        uncertain = attempt.uncertain or processed
        end = self._grants.give_up_intent if uncertain else self._grants.close_intent
        await end(attempt.grant, attempt.intent_id)
