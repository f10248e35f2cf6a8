"""Shows workspaces, members and tokens as `/v1` says them."""

from collections.abc import Mapping

from pydantic import SecretStr
from tablesync.auth_service.audit_trail import Entry
from tablesync.auth_service.identity.api_tokens import ApiToken
from tablesync.auth_service.identity.invitation import Invitation
from tablesync.auth_service.identity.members import Member, Operator
from tablesync.auth_service.identity.own_workspaces import OwnWorkspace
from tablesync.auth_service.identity.sessions import Session
from tablesync.auth_service.identity.sign_in import SignedIn
from tablesync.auth_service.identity.workspaces import Workspace
from tablesync.contracts.public_api.connections import Named
from tablesync.contracts.public_api.people import (
    ApiTokenView,
    AuditEntry,
    CreatedApiToken,
    CreatedSession,
    InvitationView,
    InviterView,
    MemberView,
    OwnWorkspaceView,
    ReceivedInvitationView,
    Role,
    SessionView,
    UserToken,
    WorkspaceView,
)
from tablesync.service_kit.http.user_auth import LIFETIME_SECONDS, OperatorRole


def user_token(signed_in: SignedIn) -> UserToken:
    """Hand out what somebody signed in for."""
    who, person = signed_in.principal, signed_in.person
    return UserToken(
        access_token=signed_in.token.get_secret_value(),
        token_type="Bearer",  # noqa: S106 - a kind of token, not a secret
        expires_in=LIFETIME_SECONDS,
        workspace_id=who.workspace_id if who else None,
        operator_id=who.operator_id if who else None,
        role=_role(who.role) if who else None,
        session_id=signed_in.session_id,
        workspace_name=signed_in.workspace_name,
        email=person.email if person else None,
        name=person.name if person else None,
    )


def session(shown: Session) -> SessionView:
    """Show a sign-in without its secret."""
    return SessionView.model_validate(shown, from_attributes=True)


def created_session(shown: Session, secret: SecretStr) -> CreatedSession:
    """Show a sign-in with its secret."""
    return CreatedSession(**dict(session(shown)), session_token=secret.get_secret_value())


def api_token(shown: ApiToken) -> ApiTokenView:
    """Show a token without its secret."""
    return ApiTokenView(id=shown.id, name=shown.name, created_at=shown.created_at)


def created_api_token(shown: ApiToken, secret: SecretStr) -> CreatedApiToken:
    """Show a token with its secret."""
    return CreatedApiToken(**dict(api_token(shown)), api_token=secret.get_secret_value())


def workspace(shown: Workspace) -> WorkspaceView:
    """Show a workspace."""
    return WorkspaceView(id=shown.id, name=shown.name)


def own_workspace(shown: OwnWorkspace) -> OwnWorkspaceView:
    """Show a workspace and the caller's role."""
    role = _role(shown.member.role)
    return OwnWorkspaceView(id=shown.workspace.id, name=shown.workspace.name, role=role)


def invitation(shown: Invitation) -> InvitationView:
    """Show an invitation to whoever sent it."""
    return InvitationView(
        id=shown.id,
        email=shown.email,
        name=shown.name,
        role=_role(shown.role),
        expires_at=shown.expires_at,
    )


def received_invitation(
    shown: Invitation, inviting: Workspace, inviter: Operator | None
) -> ReceivedInvitationView:
    """Show an invitation to whom it was sent."""
    return ReceivedInvitationView(
        id=shown.id,
        workspace=workspace(inviting),
        role=_role(shown.role),
        invited_by=InviterView(email=inviter.email, name=inviter.name) if inviter else None,
        expires_at=shown.expires_at,
    )


def member(shown: Member) -> MemberView:
    """Show a member."""
    return MemberView(
        operator_id=shown.operator.id,
        email=shown.operator.email,
        name=shown.operator.name,
        role=_role(shown.role),
    )


def audit_entry(shown: Entry, people: Mapping[str, Named]) -> AuditEntry:
    """Show an entry of the audit trail."""
    actor = people.get(shown.actor)
    return AuditEntry(
        number=shown.number,
        at=shown.at,
        actor_id=shown.actor,
        actor=actor.name if actor else None,
        action=shown.action,
        subject=shown.subject,
        detail=shown.detail,
    )


def _role(role: OperatorRole) -> Role:
    return Role[role.name]
