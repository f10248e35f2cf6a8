"""The workspace, its members and invitations, and one's own API tokens (auth-service)."""

from collections.abc import AsyncIterator

from pydantic import SecretStr
from tablesync.client.edge import Edge
from tablesync.client.pages import Page, read_all, read_page
from tablesync.contracts.public_api.people import (
    ApiTokenView,
    AuditEntry,
    CreatedApiToken,
    CreatedSession,
    Credentials,
    DeclinedInvitation,
    DeletedApiToken,
    EndedSession,
    EndedSessions,
    InvitationView,
    MemberEdit,
    MemberView,
    NewApiToken,
    NewMember,
    NewSession,
    NewWorkspace,
    OwnWorkspaceView,
    ReceivedInvitationView,
    RemovedMember,
    SessionView,
    UserToken,
    WithdrawnInvitation,
    WorkspaceView,
)


class SignIn:
    """Exchanges what somebody has for a token of five minutes."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def exchange(self, credentials: Credentials) -> UserToken:
        """Return a user token; raises UnauthorizedError, or ConflictError where one must choose."""
        return await self._edge.ask("/v1/tokens", UserToken, credentials)


class Sessions:
    """One's own sign-ins, wherever they are."""

    def __init__(self, edge: Edge, anybody: Edge) -> None:
        self._edge = edge
        self._anybody = anybody

    async def begin(self, wanted: NewSession) -> CreatedSession:
        """Begin one with what the identity provider says; the answer alone shows its secret."""
        return await self._anybody.ask("/v1/sessions", CreatedSession, wanted)

    async def sign_out(self, secret: SecretStr) -> None:
        """End the one of this secret."""
        await self._anybody.tell("/v1/sessions/end", EndedSession(session_token=secret))

    def all(self) -> AsyncIterator[SessionView]:
        """Yield those that are open, oldest first."""
        return read_all(self._edge, "/v1/sessions", SessionView)

    async def end(self, session_id: str, *, idempotency_key: str | None = None) -> None:
        """End one of them."""
        await self._edge.delete(f"/v1/sessions/{session_id}", idempotency_key=idempotency_key)

    async def end_all(self, *, idempotency_key: str | None = None) -> EndedSessions:
        """End all of them."""
        return await self._edge.change(
            "DELETE", "/v1/sessions", EndedSessions, idempotency_key=idempotency_key
        )


class ApiTokens:
    """One's own API tokens in a workspace."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def all(self) -> AsyncIterator[ApiTokenView]:
        """Yield them, oldest first."""
        return read_all(self._edge, "/v1/api-tokens", ApiTokenView)

    async def create(
        self, wanted: NewApiToken, *, idempotency_key: str | None = None
    ) -> CreatedApiToken:
        """Make one; the answer alone shows its secret."""
        return await self._edge.change(
            "POST", "/v1/api-tokens", CreatedApiToken, wanted, idempotency_key=idempotency_key
        )

    async def delete(self, token_id: str, *, idempotency_key: str | None = None) -> DeletedApiToken:
        """Have one work no longer."""
        return await self._edge.change(
            "DELETE",
            f"/v1/api-tokens/{token_id}",
            DeletedApiToken,
            idempotency_key=idempotency_key,
        )


class Members:
    """The members of a workspace, and whom it has invited."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def workspace(self) -> WorkspaceView:
        """Return the workspace itself."""
        return await self._edge.get("/v1/workspace", WorkspaceView)

    def all(self) -> AsyncIterator[MemberView]:
        """Yield its members."""
        return read_all(self._edge, "/v1/members", MemberView)

    async def invite(
        self, wanted: NewMember, *, idempotency_key: str | None = None
    ) -> InvitationView:
        """Invite somebody by mail; as an admin."""
        return await self._edge.change(
            "POST", "/v1/members", InvitationView, wanted, idempotency_key=idempotency_key
        )

    async def change(
        self, operator_id: str, edit: MemberEdit, *, idempotency_key: str | None = None
    ) -> MemberView:
        """Give somebody another role; as an admin."""
        return await self._edge.change(
            "PATCH",
            f"/v1/members/{operator_id}",
            MemberView,
            edit,
            idempotency_key=idempotency_key,
        )

    async def remove(
        self, operator_id: str, *, idempotency_key: str | None = None
    ) -> RemovedMember:
        """Have somebody leave; as an admin."""
        return await self._edge.change(
            "DELETE",
            f"/v1/members/{operator_id}",
            RemovedMember,
            idempotency_key=idempotency_key,
        )

    def invitations(self) -> AsyncIterator[InvitationView]:
        """Yield who has been invited and has not answered; as an admin."""
        return read_all(self._edge, "/v1/invitations", InvitationView)

    async def send_again(
        self, invitation_id: str, *, idempotency_key: str | None = None
    ) -> InvitationView:
        """Send an invitation's mail once more; as an admin."""
        return await self._edge.change(
            "POST",
            f"/v1/invitations/{invitation_id}/send",
            InvitationView,
            idempotency_key=idempotency_key,
        )

    async def withdraw(
        self, invitation_id: str, *, idempotency_key: str | None = None
    ) -> WithdrawnInvitation:
        """Withdraw an invitation; as an admin."""
        return await self._edge.change(
            "DELETE",
            f"/v1/invitations/{invitation_id}",
            WithdrawnInvitation,
            idempotency_key=idempotency_key,
        )


class Audit:
    """What was done in a workspace, and by whom; for admins."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def page(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[AuditEntry]:
        """Return a page of it, newest first."""
        query = {"limit": limit, "cursor": cursor}
        return await read_page(self._edge, "/v1/audit", AuditEntry, query)


class OwnWorkspaces:
    """The workspaces of whoever is signed in, and the invitations to others."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def all(self) -> AsyncIterator[OwnWorkspaceView]:
        """Yield those that one is a member of."""
        return read_all(self._edge, "/v1/workspaces", OwnWorkspaceView)

    async def create(
        self, wanted: NewWorkspace, *, idempotency_key: str | None = None
    ) -> OwnWorkspaceView:
        """Make one, and be its first admin."""
        return await self._edge.change(
            "POST", "/v1/workspaces", OwnWorkspaceView, wanted, idempotency_key=idempotency_key
        )

    def invitations(self) -> AsyncIterator[ReceivedInvitationView]:
        """Yield the invitations that wait for one's answer."""
        return read_all(self._edge, "/v1/received-invitations", ReceivedInvitationView)

    async def accept(
        self, invitation_id: str, *, idempotency_key: str | None = None
    ) -> OwnWorkspaceView:
        """Become a member."""
        return await self._edge.change(
            "POST",
            f"/v1/received-invitations/{invitation_id}/accept",
            OwnWorkspaceView,
            idempotency_key=idempotency_key,
        )

    async def decline(
        self, invitation_id: str, *, idempotency_key: str | None = None
    ) -> DeclinedInvitation:
        """Turn an invitation down."""
        return await self._edge.change(
            "POST",
            f"/v1/received-invitations/{invitation_id}/decline",
            DeclinedInvitation,
            idempotency_key=idempotency_key,
        )
