"""The staged reconnect: exchange → who is it, what was granted → compare → swap, or nothing."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

import stamina
from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.consent import findings
from tablesync.auth_service.consent.askers import Askers
from tablesync.auth_service.consent.authorizations import Authorization, Authorizations, Completion
from tablesync.auth_service.consent.left_out import LeftOut, Reach
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.renewal import UNSAVED
from tablesync.auth_service.opaque_tokens import digest
from tablesync.auth_service.providers.base import (
    Identity,
    OAuthHost,
    OAuthProvider,
    TokenSet,
    missing_scopes,
    told_account,
    told_scopes,
)
from tablesync.auth_service.store import through_outages
from tablesync.contracts import (
    ConnectionEstablished,
    ConnectionEvent,
    ConnectionReconnected,
    ConnectionStatus,
    new_id,
)
from tablesync.contracts.internal_api import WrittenBase
from tablesync.contracts.public_api.connections import AuthorizationStatus, Finding
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import database_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.single_flight import SingleFlight

# Longer than an exchange takes and finding out whose account it is; then MongoDB must be away.
PATIENCE_SECONDS = 25.0
IDENTIFY_TRIES = 3


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, for the page that the browser shows."""

    status: AuthorizationStatus
    connection: Connection | None = None
    finding: Finding | None = None
    completion: Completion | None = None

    @property
    def holds_still(self) -> bool:
        """Whether the connection is as this attempt left it: refreshes change no state."""
        connection, completion = self.connection, self.completion
        return bool(connection and completion and connection.sequence == completion.sequence)


@dataclass(frozen=True)
class Consent:
    """What a person has allowed: not stored until it is known whose it is."""

    provider: OAuthProvider
    tokens: TokenSet
    identity: Identity
    reach: Reach

    @property
    def scopes(self) -> tuple[str, ...]:
        """What was granted, as far as the provider says."""
        return told_scopes(self.identity.scopes or self.tokens.scopes or ())

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """What was asked for and left out, as far as the provider says."""
        return missing_scopes(self.provider, self.scopes)


class Connecting:
    """Turns a callback into a connection."""

    def __init__(
        self,
        units: UnitsOfWork,
        connections: Connections,
        grants: Grants,
        authorizations: Authorizations,
        links: ReconnectLinks,
        left_out: LeftOut,
        *,
        askers: Askers,
    ) -> None:
        self._units = units
        self._connections = connections
        self._grants = grants
        self._authorizations = authorizations
        self._askers = askers
        self._links = links
        self._left_out = left_out
        self._flights: SingleFlight[Outcome | None] = SingleFlight()

    async def see_through(
        self,
        state: SecretStr,
        answer: Callable[[], Coroutine[Any, Any, Outcome | None]],
    ) -> Outcome | None:
        """Answer a callback to the end: its code is burnt by the first use.

        Neither a browser that is closed nor a stop of the process cancels it. The same callback,
        sent again meanwhile, waits for the same outcome.

        Raises DependencyUnavailableError if it takes too long for a browser: it then goes on.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._flights.join(digest(state), answer)
        except TimeoutError:
            raise DependencyUnavailableError("mongodb") from None

    async def outcome_of(self, authorization: Authorization) -> Outcome:
        """Return what became of an attempt until now, with its connection as it is now."""
        found = await self._authorizations.get(authorization.workspace_id, authorization.id)
        status = found.status_at(await database_now(self._units.database))
        connection_id = found.connection_id
        connection = await self._connections.find(connection_id) if connection_id else None
        return Outcome(status, connection, found.finding, found.completion)

    async def drain(self) -> None:
        """Wait until no callback is being answered."""
        await self._flights.drain()

    async def complete(
        self,
        authorization: Authorization,
        provider: OAuthProvider,
        code: SecretStr,
        verifier: SecretStr,
    ) -> Outcome:
        """Exchange the code and store the grant, if it is for the right account."""
        host = provider.at(authorization.host)
        try:
            tokens = await host.exchange(code, verifier)
            identity = await _identified(host, tokens)
        except (ProviderError, ProviderUnavailableError) as error:
            return await self.fail(authorization, provider, error)
        reach = await self._left_out.find(
            host, tokens.access_token, authorization.workspace_id, identity.account
        )
        return await self._stored(authorization, Consent(provider, tokens, identity, reach))

    async def _stored(self, authorization: Authorization, consent: Consent) -> Outcome:
        """Store what came of it, however long MongoDB is away: nobody else has the tokens."""
        with UNSAVED.track_inprogress():
            return await through_outages(
                lambda: self._units.run(lambda unit: self._swap(unit, authorization, consent)),
                "store consent",
            )

    async def deny(self, authorization: Authorization) -> Outcome:
        """Note that the person, or the provider, said no."""
        return await self._units.run(
            lambda unit: self._end(unit, authorization, AuthorizationStatus.DENIED)
        )

    async def fail(
        self,
        authorization: Authorization,
        provider: OAuthProvider,
        error: ProviderError | ProviderUnavailableError,
    ) -> Outcome:
        """Note that the provider could not finish the attempt, or would not."""
        finding = findings.failed(provider.name, error)
        return await self._units.run(
            lambda unit: self._end(unit, authorization, AuthorizationStatus.REFUSED, finding)
        )

    async def _swap(
        self, unit: UnitOfWork, authorization: Authorization, consent: Consent
    ) -> Outcome:
        """Store the grant, if its asker may connect still, for the account that is meant."""
        if not await self._authorizations.is_pending(unit, authorization):
            return Outcome(AuthorizationStatus.EXPIRED)
        if not await self._askers.act(unit, authorization.workspace_id, authorization.asker_id):
            return await self._end(unit, authorization, AuthorizationStatus.EXPIRED)
        account = consent.identity.account
        known = await self._target(unit, authorization)
        if known is not None and known.account.id != account.id:
            finding = findings.another_account(known.account, account)
            return await self._end(unit, authorization, AuthorizationStatus.REFUSED, finding)
        if known is None:
            known = await self._connections.find_by_account(
                authorization.workspace_id, authorization.provider, account.id, unit.session
            )
        connection = await self._store(unit, authorization, consent, known)
        outcome = _completed(known, connection, consent.reach.left_out)
        await self._authorizations.finish(
            unit,
            authorization,
            outcome.status,
            connection_id=connection.id,
            finding=outcome.finding,
            completion=outcome.completion,
        )
        return outcome

    async def _store(
        self,
        unit: UnitOfWork,
        authorization: Authorization,
        consent: Consent,
        known: Connection | None,
    ) -> Connection:
        """Store connection, grant, event and audit entry; every open link is spent."""
        event: type[ConnectionEvent] = ConnectionReconnected if known else ConnectionEstablished
        before = known or _new(unit, authorization, consent.identity)
        connection = await self._connections.store(
            unit,
            before,
            event,
            by=authorization.asker_id,
            account=consent.identity.account,
            host=authorization.host,
            status=ConnectionStatus.CONNECTED,
            cause=None,
            grant_version=before.grant_version + 1,
            scopes=consent.scopes,
            missing_scopes=consent.missing_scopes,
            resources=consent.reach.bases,
        )
        idle_seconds, endpoint = consent.provider.idle_seconds, consent.identity.endpoint
        await self._grants.replace(unit, connection, consent.tokens, idle_seconds, endpoint)
        await self._links.spend_all(unit, connection.id)
        await audit.record(
            unit,
            connection.workspace_id,
            authorization.actor,
            "connection.reconnected" if known else "connection.established",
            connection.id,
            account=connection.account.id,
            version=connection.grant_version,
            **({"recipient": authorization.recipient_id} if authorization.recipient_id else {}),
        )
        return connection

    async def _end(
        self,
        unit: UnitOfWork,
        authorization: Authorization,
        status: AuthorizationStatus,
        finding: Finding | None = None,
    ) -> Outcome:
        """Store that an attempt came to nothing; its connection stays as it is."""
        await self._authorizations.finish(unit, authorization, status, finding=finding)
        return Outcome(status, await self._target(unit, authorization), finding)

    async def _target(self, unit: UnitOfWork, authorization: Authorization) -> Connection | None:
        """Return the connection that an attempt is about; None if it is to make a new one."""
        if authorization.connection_id is None:
            return None
        return await self._connections.get(
            authorization.workspace_id, authorization.connection_id, unit.session
        )


async def _identified(provider: OAuthHost, tokens: TokenSet) -> Identity:
    """Ask whose the tokens are, and again after a hiccup: their code is burnt."""
    async for attempt in stamina.retry_context(
        on=ProviderUnavailableError, attempts=IDENTIFY_TRIES, wait_initial=0.3, wait_max=1.0
    ):
        with attempt:
            found = await provider.identify(tokens.access_token)
            return replace(found, account=told_account(found.account, provider.name))
    raise AssertionError("unreachable: the last try returns or raises")


def _completed(
    known: Connection | None, connection: Connection, left_out: Sequence[WrittenBase] | None
) -> Outcome:
    completion = Completion(
        was=known.status if known else None,
        sequence=connection.sequence,
        reaches_bases=None if left_out is None else not left_out,
    )
    finding = findings.bases_left_out(left_out) if left_out else None
    return Outcome(AuthorizationStatus.COMPLETED, connection, finding, completion)


def _new(unit: UnitOfWork, authorization: Authorization, identity: Identity) -> Connection:
    return Connection(
        id=new_id("con"),
        workspace_id=authorization.workspace_id,
        provider=authorization.provider,
        account=identity.account,
        grant_version=0,
        status=ConnectionStatus.CONNECTED,
        owner_id=authorization.operator_id,
        changed_at=unit.now,
        established_at=unit.now,
    )
