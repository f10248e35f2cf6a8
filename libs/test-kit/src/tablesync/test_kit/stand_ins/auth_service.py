"""auth-service as its peers see it: connections that are lost and regained as a test says."""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query
from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionEvent,
    ConnectionStatus,
    Provider,
    next_sequence,
)
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    STATES_LIMIT,
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    ConnectionNotConnected,
    ConnectionStates,
    InvitationLinkAnswer,
    InvitationLinkRequest,
    Inviter,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
    Verdict,
)
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.http import problems
from tablesync.test_kit.stand_ins.base import PREFIX, StandIn, unavailable

E = TypeVar("E", bound=ConnectionEvent)
ACME = Account(id="7001", name="Acme")
LINK_LIFETIME = timedelta(days=7)


@dataclass
class HeldConnection:
    """A connection and its grant, as auth-service holds them; tests change what they like."""

    id: str
    workspace_id: str
    provider: Provider
    account: Account
    owner_id: str = "op_1"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    version: int = 1
    status: ConnectionStatus = ConnectionStatus.CONNECTED
    cause: ConnectionCause | None = None
    sequence: int = field(default_factory=lambda: unix_milliseconds(datetime.now(UTC)))
    changed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    token_seconds: float = 1800.0
    scopes: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    endpoint: str | None = None

    @property
    def connected(self) -> bool:
        """Whether its grant may be used."""
        return self.status is ConnectionStatus.CONNECTED

    def event(self, kind: type[E]) -> E:
        """Make an event of its state."""
        return kind(
            workspace_id=self.workspace_id,
            sequence=self.sequence,
            connection_id=self.id,
            provider=self.provider,
            account=self.account,
            grant_version=self.version,
            status=self.status,
            cause=self.cause,
            owner_id=self.owner_id,
            changed_at=self.changed_at,
            scopes=self.scopes,
            resources=self.resources,
        )

    def change(self, status: ConnectionStatus, cause: ConnectionCause | None) -> None:
        """Enter a state, now."""
        self.status, self.cause, self.changed_at = status, cause, datetime.now(UTC)
        self.sequence = next_sequence(self.sequence, unix_milliseconds(self.changed_at))


@dataclass(frozen=True)
class Reported:
    """An auth-failure report as it came in."""

    connection_id: str
    workspace_id: str
    grant_version: int
    status_code: int | None


NewToken = Callable[[HeldConnection], Awaitable[str]]
OnReport = Callable[[HeldConnection], Awaitable[None]]
Since = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=STATES_LIMIT)]


async def _random_token(_: HeldConnection) -> str:
    return secrets.token_urlsafe(24)


async def _do_nothing(_: HeldConnection) -> None:
    pass


class AuthServiceStandIn(StandIn):
    """Knows connections and members; rules as told, and that a grant is lost if not told.

    `new_token` makes the token of each fresh grant: one of the sandbox's, say. `on_report` is
    awaited between a report and its ruling. `clock_ahead_seconds` is how wrong its clock is, and
    `token_takes_seconds` how long it takes to hand out a token; `troubles` are what it answers
    to all questions about a connection instead.
    """

    name = "auth-service"

    def __init__(self, trusted_keys_file: Path) -> None:
        super().__init__(trusted_keys_file)
        self.connections: dict[str, HeldConnection] = {}
        self.members: dict[str, list[Recipient]] = {}
        self.verdicts: deque[Verdict] = deque()
        self.reports: list[Reported] = []
        self.links: list[str] = []
        self.links_for: list[str | None] = []
        self.invitations: dict[tuple[str, str], InvitationLinkAnswer] = {}
        self.makes_links = True
        self.clock_ahead_seconds = 0.0
        self.wait_seconds = 0.2
        self.token_takes_seconds = 0.0
        self.troubles: dict[str, problems.Problem] = {}
        self.new_token: NewToken = _random_token
        self.on_report: OnReport = _do_nothing

    # what happens to members

    def invite(self, workspace_id: str, invitation_id: str, **changes: Any) -> None:
        """Hold an open invitation from Eve to Grace."""
        fields = {
            "url": "",
            "expires_at": datetime.now(UTC) + LINK_LIFETIME,
            "email": "grace@acme.test",
            "name": "Grace",
            "role": "operator",
            "workspace_name": "Acme",
            "invited_by": Inviter(email="eve@acme.test", name="Eve"),
        }
        answer = InvitationLinkAnswer.model_validate({**fields, **changes})
        self.invitations[workspace_id, invitation_id] = answer

    def withdraw(self, workspace_id: str, invitation_id: str) -> None:
        """Take an invitation back."""
        del self.invitations[workspace_id, invitation_id]

    # what happens to connections

    def connect(
        self,
        connection_id: str,
        workspace_id: str,
        provider: Provider,
        account: Account = ACME,
        **more: Any,
    ) -> HeldConnection:
        """Hold a connection that was connected just now."""
        held = HeldConnection(connection_id, workspace_id, provider, account, **more)
        newest = max((each.sequence for each in self.connections.values()), default=0)
        held.sequence = next_sequence(newest, held.sequence)
        self.connections[connection_id] = held
        return held

    def know(self, event: ConnectionEvent) -> HeldConnection:
        """Hold the connection that an event tells of, in the event's state."""
        known = self.connections.get(event.connection_id)
        self.connections[event.connection_id] = HeldConnection(
            id=event.connection_id,
            workspace_id=event.workspace_id,
            provider=event.provider,
            account=event.account,
            owner_id=event.owner_id,
            token=known.token if known else secrets.token_urlsafe(24),
            version=event.grant_version,
            status=event.status,
            cause=event.cause,
            sequence=event.sequence,
            changed_at=event.changed_at,
            scopes=event.scopes,
            resources=event.resources,
        )
        return self.connections[event.connection_id]

    def lose(
        self, connection_id: str, cause: ConnectionCause = ConnectionCause.APP_UNINSTALLED
    ) -> None:
        """Find that the provider has ended a grant."""
        self.connections[connection_id].change(ConnectionStatus.REVOKED, cause)

    def disconnect(self, connection_id: str) -> None:
        """Do as an operator does who disconnects."""
        held = self.connections[connection_id]
        held.change(ConnectionStatus.DISCONNECTED, ConnectionCause.OPERATOR)

    async def refresh(self, connection_id: str) -> None:
        """Replace the grant by one whose version is one higher."""
        held = self.connections[connection_id]
        held.token, held.version = await self.new_token(held), held.version + 1

    async def reconnect(self, connection_id: str) -> None:
        """Connect the same account again."""
        await self.refresh(connection_id)
        self.connections[connection_id].change(ConnectionStatus.CONNECTED, None)

    # routes

    def routes(self) -> APIRouter:
        """Make the routes below `/internal/v1`."""
        router = APIRouter(prefix=PREFIX)
        self._add_grant_routes(router)
        self._add_routes_for_mails(router)
        readers = self.admits("scheduler", "sync-runner", "notifier")

        @router.get("/connections", dependencies=[readers])
        async def states(
            since_sequence: Since = 0, limit: Limit = STATES_LIMIT
        ) -> ConnectionStates:
            return self._states(since_sequence, limit)

        return router

    def _add_grant_routes(self, router: APIRouter) -> None:
        runner = self.admits("sync-runner")

        @router.post("/connections/{connection_id}/access-token", dependencies=[runner])
        async def access_token(connection_id: str, body: AccessTokenRequest) -> AccessTokenAnswer:
            await asyncio.sleep(self.token_takes_seconds)
            held = self._of(body.workspace_id, connection_id)
            if not held.connected:
                raise _not_connected(held)
            return self._token(held)

        @router.post("/connections/{connection_id}/auth-failures", dependencies=[runner])
        async def auth_failure(connection_id: str, body: AuthFailureReport) -> AuthFailureRuling:
            held = self._of(body.workspace_id, connection_id)
            told = body.model_dump(include={"workspace_id", "grant_version", "status_code"})
            self.reports.append(Reported(connection_id, **told))
            return await self._rule(held, body)

    def _add_routes_for_mails(self, router: APIRouter) -> None:
        notifier = self.admits("notifier")

        @router.post("/connections/{connection_id}/reconnect-links", dependencies=[notifier])
        async def link(connection_id: str, body: ReconnectLinkRequest) -> ReconnectLinkAnswer:
            self._of(body.workspace_id, connection_id)
            if not self.makes_links:
                raise unavailable()
            return self._link_for(body.workspace_id, body.recipient_id)

        @router.post("/invitations/{invitation_id}/links", dependencies=[notifier])
        async def invited(invitation_id: str, body: InvitationLinkRequest) -> InvitationLinkAnswer:
            return self._invitation(body.workspace_id, invitation_id)

        @router.get("/connections/{connection_id}/recipients", dependencies=[notifier])
        async def of_connection(connection_id: str, workspace_id: str) -> Recipients:
            told = self._recipients(workspace_id, self._of(workspace_id, connection_id).owner_id)
            return Recipients(items=tuple(each for each in told.items if _may_connect(each)))

        @router.get("/workspaces/{workspace_id}/recipients", dependencies=[notifier])
        async def of_workspace(workspace_id: str, owner_id: str | None = None) -> Recipients:
            if workspace_id not in self.members:
                raise problems.not_found("workspace")
            return self._recipients(workspace_id, owner_id)

    # answers

    def _of(self, workspace_id: str, connection_id: str) -> HeldConnection:
        if connection_id in self.troubles:
            raise self.troubles[connection_id]
        held = self.connections.get(connection_id)
        if held is None or held.workspace_id != workspace_id:
            raise problems.not_found("connection")
        return held

    def _token(self, held: HeldConnection) -> AccessTokenAnswer:
        ends_in = timedelta(seconds=held.token_seconds + self.clock_ahead_seconds)
        return AccessTokenAnswer(
            token=held.token,
            expires_at=datetime.now(UTC) + ends_in,
            expires_in=held.token_seconds,
            grant_version=held.version,
            account=held.account,
            endpoint=held.endpoint,
        )

    async def _rule(self, held: HeldConnection, report: AuthFailureReport) -> AuthFailureRuling:
        if not held.connected:
            return AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=held.version)
        if report.grant_version < held.version:
            return AuthFailureRuling(verdict=Verdict.STALE, grant_version=held.version)
        await self.on_report(held)
        self._of(held.workspace_id, held.id)  # it may be gone by now
        verdict = self.verdicts.popleft() if self.verdicts else Verdict.REVOKED
        if verdict == Verdict.REVOKED:
            self.lose(held.id)
        if verdict == Verdict.RECOVERED:
            await self.refresh(held.id)
        wait = self.wait_seconds if verdict == Verdict.INCONCLUSIVE else None
        return AuthFailureRuling(verdict=verdict, grant_version=held.version, retry_after=wait)

    def _link_for(self, workspace_id: str, recipient_id: str | None) -> ReconnectLinkAnswer:
        able = [
            each.operator_id for each in self.members.get(workspace_id, []) if _may_connect(each)
        ]
        if recipient_id is not None and recipient_id not in able:
            raise problems.not_found("recipient")
        self.links_for.append(recipient_id)
        url = f"https://tablesync.example/reconnect/secret-link-{len(self.links)}"
        self.links.append(url)
        return ReconnectLinkAnswer(url=url, expires_at=datetime.now(UTC) + LINK_LIFETIME)

    def _invitation(self, workspace_id: str, invitation_id: str) -> InvitationLinkAnswer:
        found = self.invitations.get((workspace_id, invitation_id))
        if found is None:
            raise problems.not_found("invitation")
        url = f"https://tablesync.example/invitations/secret-link-{len(self.links)}"
        self.links.append(url)
        return found.model_copy(update={"url": url})

    def _recipients(self, workspace_id: str, owner_id: str | None) -> Recipients:
        members = self.members.get(workspace_id, [])
        owner = [each for each in members if each.operator_id == owner_id]
        admins = [each for each in members if each.role == "admin" and each not in owner]
        return Recipients(items=(*owner, *admins))

    def _states(self, since: int, limit: int) -> ConnectionStates:
        """Answer with states in order of change, never with part of one moment."""
        held = sorted(self.connections.values(), key=lambda each: each.sequence)
        newer = [each for each in held if each.sequence > since]
        last = newer[:limit][-1].sequence if newer else since
        return ConnectionStates(
            items=tuple(each.event(ConnectionEvent) for each in newer if each.sequence <= last)
        )


def _may_connect(member: Recipient) -> bool:
    return member.role != "viewer"


def _not_connected(held: HeldConnection) -> problems.Problem:
    members = ConnectionNotConnected(
        connection_id=held.id,
        connection_status=held.status,
        cause=held.cause,
        grant_version=held.version,
    )
    return problems.conflict(
        CONNECTION_NOT_CONNECTED,
        "This connection is not connected; an operator has to reconnect it.",
        **members.model_dump(mode="json"),
    )
