"""What `/v1` says of workspaces, members and tokens, and what it is sent."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from tablesync.auth_service.api import examples
from tablesync.auth_service.identity.api_tokens import ApiToken
from tablesync.auth_service.identity.invitation import Invitation
from tablesync.auth_service.identity.members import Email, Member, Operator
from tablesync.auth_service.identity.own_workspaces import OwnWorkspace
from tablesync.auth_service.identity.sign_in import SignedIn
from tablesync.auth_service.identity.workspaces import Workspace
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.names import Name
from tablesync.contracts.specs import Moment
from tablesync.service_kit.http.user_auth import LIFETIME_SECONDS, OperatorRole


def _role_name(role: object) -> object:
    return role.name.lower() if isinstance(role, OperatorRole) else role


RoleName = Annotated[Literal["viewer", "operator", "admin"], BeforeValidator(_role_name)]


class _View(BaseModel):
    """What is shown of something that has members of the same names."""

    @classmethod
    def of(cls, shown: object) -> Self:
        """Show it."""
        return cls.model_validate(shown, from_attributes=True)


class UserToken(BaseModel):
    """A user JWT, which every service takes, and whose it is.

    For a member of no workspace it is a token that is good for seeing and accepting invitations
    and for creating a workspace, and workspace, operator and role are null.
    """

    model_config = showing(examples.USER_TOKEN, examples.PERSON_TOKEN)

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")
    workspace_id: str | None
    operator_id: str | None
    role: RoleName | None

    @classmethod
    def of(cls, signed_in: SignedIn) -> "UserToken":
        """Hand out what somebody signed in for."""
        who = signed_in.principal
        return cls(
            access_token=signed_in.token.get_secret_value(),
            token_type="Bearer",  # noqa: S106 - a kind of token, not a secret
            expires_in=LIFETIME_SECONDS,
            workspace_id=who.workspace_id if who else None,
            operator_id=who.operator_id if who else None,
            role=who.role if who else None,
        )


class NewApiToken(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid", **showing(examples.NEW_API_TOKEN))

    name: Name


class ApiTokenView(_View):
    """One of the caller's own tokens, without its secret."""

    model_config = showing(examples.API_TOKEN)

    id: str
    name: str
    created_at: Moment | None = Field(description="Null for one of the bootstrap file.")


class CreatedApiToken(ApiTokenView):
    """A new token: this answer alone shows its secret."""

    model_config = showing(examples.CREATED_API_TOKEN)

    api_token: str = Field(repr=False)

    @classmethod
    def with_secret(cls, token: ApiToken, secret: SecretStr) -> "CreatedApiToken":
        """Show a token with its secret."""
        shown = ApiTokenView.of(token)
        return cls(**dict(shown), api_token=secret.get_secret_value())


class DeletedApiToken(BaseModel):
    """A token that works no longer."""

    model_config = showing(examples.DELETED_API_TOKEN)

    id: str
    deleted: Literal[True] = True


class WorkspaceView(_View):
    """The workspace of whoever asks."""

    model_config = showing(examples.WORKSPACE)

    id: str
    name: str


class NewWorkspace(BaseModel):
    """A workspace to make, whose first admin is whoever asks."""

    model_config = ConfigDict(extra="forbid", **showing(examples.NEW_WORKSPACE))

    name: Name


class OwnWorkspaceView(BaseModel):
    """A workspace of whoever asks, with what they are in it."""

    model_config = showing(examples.OWN_WORKSPACE)

    id: str
    name: str
    role: RoleName

    @classmethod
    def of(cls, own: OwnWorkspace) -> "OwnWorkspaceView":
        """Show a workspace and the caller's role."""
        shown = own.workspace
        return cls(id=shown.id, name=shown.name, role=own.member.role)


class NewMember(BaseModel):
    """Somebody to invite."""

    model_config = ConfigDict(extra="forbid", **showing(examples.NEW_MEMBER))

    email: Email
    name: Name
    role: RoleName


class InvitationView(_View):
    """Somebody who has been invited, in the words in which that was asked for."""

    model_config = showing(examples.INVITATION)

    id: str
    email: str
    name: str
    role: RoleName
    expires_at: Moment


class InviterView(_View):
    """Who invites."""

    email: str
    name: str


class ReceivedInvitationView(BaseModel):
    """An invitation as the one invited sees it."""

    model_config = showing(examples.RECEIVED_INVITATION)

    id: str
    workspace: WorkspaceView
    role: RoleName
    invited_by: InviterView | None = Field(description="Null for somebody unknown by now.")
    expires_at: Moment

    @classmethod
    def of(
        cls, invitation: Invitation, workspace: Workspace, inviter: Operator | None
    ) -> "ReceivedInvitationView":
        """Show an invitation to whom it was sent."""
        return cls(
            id=invitation.id,
            workspace=WorkspaceView.of(workspace),
            role=invitation.role,
            invited_by=InviterView.of(inviter) if inviter else None,
            expires_at=invitation.expires_at,
        )


class DeclinedInvitation(BaseModel):
    """An invitation that its receiver has turned down."""

    model_config = showing(examples.DECLINED_INVITATION)

    id: str
    declined: Literal[True] = True


class WithdrawnInvitation(BaseModel):
    """An invitation that cannot be accepted any more."""

    model_config = showing(examples.WITHDRAWN_INVITATION)

    id: str
    withdrawn: Literal[True] = True


class MemberView(BaseModel):
    """A member of the workspace."""

    model_config = showing(examples.MEMBER)

    operator_id: str
    email: str
    name: str
    role: RoleName

    @classmethod
    def of(cls, member: Member) -> "MemberView":
        """Show a member."""
        return cls(
            operator_id=member.operator.id,
            email=member.operator.email,
            name=member.operator.name,
            role=member.role,
        )


class MemberEdit(BaseModel):
    """What to change of a member."""

    model_config = ConfigDict(extra="forbid", **showing(examples.MEMBER_EDIT))

    role: RoleName


class RemovedMember(BaseModel):
    """Somebody who is a member no longer."""

    model_config = showing(examples.REMOVED_MEMBER)

    operator_id: str
    removed: Literal[True] = True
