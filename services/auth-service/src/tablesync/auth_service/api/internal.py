"""`/internal/v1`: what other services ask, each route with the callers it admits."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.grants.access_tokens import AccessTokens
from tablesync.auth_service.grants.auth_failures import AuthFailures
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Member, Members
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.contracts.internal_api import (
    STATES_LIMIT,
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    ConnectionStates,
    InvitationLinkAnswer,
    InvitationLinkRequest,
    Inviter,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
)
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.service_kit.mongo import LARGEST_INTEGER
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

Sequence = Annotated[int, Query(ge=0, le=LARGEST_INTEGER)]
Limit = Annotated[int, Query(ge=1, le=STATES_LIMIT)]


def token_routes(
    access_tokens: AccessTokens, auth_failures: AuthFailures, verifier: Verifier
) -> APIRouter:
    """Make the routes that sync-runner asks for every run."""
    runner = Depends(callers(verifier, "sync-runner"))
    router = APIRouter(prefix="/internal/v1/connections", tags=["internal"], dependencies=[runner])

    @router.post("/{connection_id}/access-token", responses=declares(404, 409, 500))
    async def access_token(connection_id: str, body: AccessTokenRequest) -> AccessTokenAnswer:
        return await access_tokens.get(body.workspace_id, connection_id)

    @router.post("/{connection_id}/auth-failures", responses=declares(404, 500))
    async def auth_failure(connection_id: str, body: AuthFailureReport) -> AuthFailureRuling:
        return await auth_failures.judge(connection_id, body)

    return router


def state_routes(connections: Connections, verifier: Verifier) -> APIRouter:
    """Make the route by which others reconcile what they know of connections."""
    readers = Depends(callers(verifier, "scheduler", "sync-runner", "notifier"))
    router = APIRouter(prefix="/internal/v1", tags=["internal"], dependencies=[readers])

    @router.get("/connections")
    async def connection_states(
        since_sequence: Sequence = 0, limit: Limit = STATES_LIMIT
    ) -> ConnectionStates:
        found = await connections.changed_since(since_sequence, limit)
        return ConnectionStates(items=tuple(each.state() for each in found))

    return router


def link_routes(
    units: UnitsOfWork, links: ReconnectLinks, public_url: str, verifier: Verifier
) -> APIRouter:
    """Make the route by which notifier gets a link for a mail."""
    notifier = Depends(callers(verifier, "notifier"))
    router = APIRouter(prefix="/internal/v1", tags=["internal"], dependencies=[notifier])

    @router.post("/connections/{connection_id}/reconnect-links", responses=declares(404))
    async def reconnect_link(connection_id: str, body: ReconnectLinkRequest) -> ReconnectLinkAnswer:
        link = await units.run(
            lambda unit: links.create(unit, body.workspace_id, connection_id, body.recipient_id)
        )
        url = f"{public_url}/reconnect/{link.secret.get_secret_value()}"
        return ReconnectLinkAnswer(url=url, expires_at=link.expires_at)

    return router


def invitation_routes(
    units: UnitsOfWork,
    invitations: Invitations,
    workspaces: Workspaces,
    members: Members,
    public_url: str,
    verifier: Verifier,
) -> APIRouter:
    """Make the route by which notifier learns what an invitation's mail says."""
    notifier = Depends(callers(verifier, "notifier"))
    router = APIRouter(prefix="/internal/v1", tags=["internal"], dependencies=[notifier])

    @router.post("/invitations/{invitation_id}/links", responses=declares(404))
    async def invitation_link(
        invitation_id: str, body: InvitationLinkRequest
    ) -> InvitationLinkAnswer:
        workspace = await workspaces.get(body.workspace_id)
        link = await units.run(
            lambda unit: invitations.new_link(unit, body.workspace_id, invitation_id)
        )
        invitation = link.invitation
        inviter = await members.operator(invitation.invited_by)
        if inviter is None:
            raise not_found("invitation")
        return InvitationLinkAnswer(
            url=f"{public_url}/invitations/{link.secret.get_secret_value()}",
            expires_at=invitation.expires_at,
            email=invitation.email,
            name=invitation.name,
            role=invitation.role.name.lower(),
            workspace_name=workspace.name,
            invited_by=Inviter(email=inviter.email, name=inviter.name),
        )

    return router


def recipient_routes(
    connections: Connections, workspaces: Workspaces, members: Members, verifier: Verifier
) -> APIRouter:
    """Make the routes by which notifier learns whom to tell."""
    notifier = Depends(callers(verifier, "notifier"))
    router = APIRouter(prefix="/internal/v1", tags=["internal"], dependencies=[notifier])

    @router.get("/connections/{connection_id}/recipients", responses=declares(404))
    async def connection_recipients(connection_id: str, workspace_id: str) -> Recipients:
        connection = await connections.get(workspace_id, connection_id)
        told = await members.recipients(workspace_id, connection.owner_id)
        # Its mail carries a link, which is of no use to who may not connect accounts.
        return _recipients([each for each in told if each.role >= OperatorRole.OPERATOR])

    @router.get("/workspaces/{workspace_id}/recipients", responses=declares(404))
    async def workspace_recipients(workspace_id: str, owner_id: str | None = None) -> Recipients:
        await workspaces.get(workspace_id)
        return _recipients(await members.recipients(workspace_id, owner_id))

    return router


def _recipients(members: list[Member]) -> Recipients:
    return Recipients(items=tuple(_recipient(each) for each in members))


def _recipient(member: Member) -> Recipient:
    person = member.operator
    role = member.role.name.lower()
    return Recipient(operator_id=person.id, email=person.email, name=person.name, role=role)
