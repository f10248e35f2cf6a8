"""The staged reconnect: exchange → who is it, what was granted → compare → swap, or nothing."""

from dataclasses import dataclass

from pydantic import SecretStr
from tablesync.auth_service import audit, connections
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent import authorizations, reconnect_links
from tablesync.auth_service.consent.authorizations import Authorization, AuthorizationStatus
from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.base import Identity, OAuthProvider, TokenSet
from tablesync.contracts import (
    ConnectionEstablished,
    ConnectionEvent,
    ConnectionReconnected,
    ConnectionStatus,
    new_id,
)
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, for the page that the browser shows."""

    status: AuthorizationStatus
    connection: Connection | None = None
    finding: Document | None = None


@dataclass(frozen=True)
class Consent:
    """What a person has allowed: not stored until it is known whose it is."""

    tokens: TokenSet
    identity: Identity


class Connecting:
    """Turns a callback into a connection."""

    def __init__(self, units: UnitsOfWork, grants: Grants) -> None:
        self._units = units
        self._grants = grants

    async def complete(
        self,
        authorization: Authorization,
        provider: OAuthProvider,
        code: SecretStr,
        verifier: SecretStr,
    ) -> Outcome:
        """Exchange the code and store the grant, if it is for the right account."""
        try:
            tokens = await provider.exchange(code, verifier)
            identity = await provider.identify(tokens.access_token)
        except (ProviderError, ProviderUnavailableError) as error:
            return await self.fail(authorization, provider, error)
        consent = Consent(tokens, identity)
        return await self._units.run(
            lambda unit: self._settle(unit, authorization, provider, consent)
        )

    async def deny(self, authorization: Authorization) -> Outcome:
        """Note that the person, or the provider, said no."""

        async def work(unit: UnitOfWork) -> Outcome:
            await authorizations.finish(unit, authorization, AuthorizationStatus.DENIED)
            target = await _target(unit, authorization)
            return Outcome(AuthorizationStatus.DENIED, target)

        return await self._units.run(work)

    async def fail(
        self,
        authorization: Authorization,
        provider: OAuthProvider,
        error: ProviderError | ProviderUnavailableError,
    ) -> Outcome:
        """Note that the provider could not finish the attempt, or would not."""
        finding = _failed(provider, error)
        return await self._units.run(lambda unit: _refused(unit, authorization, finding))

    async def _settle(
        self,
        unit: UnitOfWork,
        authorization: Authorization,
        provider: OAuthProvider,
        consent: Consent,
    ) -> Outcome:
        account = consent.identity.account
        target = await _target(unit, authorization)
        if target is not None and target.account.id != account.id:
            finding = authorizations.another_account(target.account, account)
            return await _refused(unit, authorization, finding)
        known = target or await connections.find_by_account(
            unit, authorization.workspace_id, authorization.provider, account.id
        )
        connection = await self._store(unit, authorization, provider, consent, known)
        await authorizations.finish(
            unit, authorization, AuthorizationStatus.COMPLETED, connection_id=connection.id
        )
        return Outcome(AuthorizationStatus.COMPLETED, connection)

    async def _store(
        self,
        unit: UnitOfWork,
        authorization: Authorization,
        provider: OAuthProvider,
        consent: Consent,
        known: Connection | None,
    ) -> Connection:
        """Store connection, grant, event and audit entry; every open link is spent."""
        event: type[ConnectionEvent] = ConnectionReconnected if known else ConnectionEstablished
        before = known or _new(unit, authorization, consent.identity)
        scopes = consent.identity.scopes or consent.tokens.scopes or ()
        connection = await connections.store(
            unit,
            before,
            event,
            account=consent.identity.account,
            status=ConnectionStatus.CONNECTED,
            cause=None,
            grant_version=before.grant_version + 1,
            scopes=scopes,
            missing_scopes=tuple(each for each in provider.required_scopes if each not in scopes),
        )
        await self._grants.replace(unit, connection, consent.tokens, provider.idle_seconds)
        await reconnect_links.spend_all(unit, connection.id)
        await audit.record(
            unit,
            connection.workspace_id,
            authorization.actor,
            "connection.reconnected" if known else "connection.established",
            connection.id,
            account=connection.account.id,
            version=connection.grant_version,
        )
        return connection


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
    )


async def _target(unit: UnitOfWork, authorization: Authorization) -> Connection | None:
    if authorization.connection_id is None:
        return None
    return await connections.read(unit, authorization.workspace_id, authorization.connection_id)


async def _refused(unit: UnitOfWork, authorization: Authorization, finding: Document) -> Outcome:
    await authorizations.finish(unit, authorization, AuthorizationStatus.REFUSED, finding=finding)
    target = await _target(unit, authorization)
    return Outcome(AuthorizationStatus.REFUSED, target, finding)


def _failed(provider: OAuthProvider, error: ProviderError | ProviderUnavailableError) -> Document:
    """Say what went wrong, by the error's kind: its text may come from the provider."""
    away = isinstance(error, ProviderUnavailableError)
    why = "did not answer" if away else "did not accept the sign-in"
    return {
        "kind": "provider_unavailable" if away else "not_accepted",
        "message": f"{provider.label} {why}. Nothing was changed. Please start again.",
    }
