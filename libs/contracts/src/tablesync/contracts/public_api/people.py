"""Sign-in, workspaces, their members and whom they have invited (auth-service)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import Text, showing
from tablesync.contracts.names import AllSeen, Name
from tablesync.contracts.public_api.base import Answer, Asked, Open, Secret
from tablesync.contracts.specs import Moment

_WORKSPACE_ID = "ws_01997f2a-3c10-7a41-9d52-6b1f0c8e4a01"
_OPERATOR_ID = "op_01997f2a-3c55-7b02-8f10-2a9d4c7e1b02"
_USER_TOKEN: JsonDict = {
    "access_token": "a JWT of five minutes",
    "token_type": "Bearer",
    "expires_in": 300,
    "workspace_id": _WORKSPACE_ID,
    "operator_id": _OPERATOR_ID,
    "role": "operator",
    "workspace_name": "Acme",
    "email": "ada@acme.example",
    "name": "Ada",
}
_IN_NO_WORKSPACE = ("workspace_id", "operator_id", "role", "workspace_name")
_PERSON_TOKEN: JsonDict = {**_USER_TOKEN, **dict.fromkeys(_IN_NO_WORKSPACE)}
_SESSION: JsonDict = {
    "id": "ses_01997f2a-9c01-7e33-8a12-3f5b7d9c1e06",
    "email": "ada@acme.example",
    "name": "Ada",
    "device": "Chromium on Linux",
    "began_at": "2026-11-22T09:40:00.000Z",
    "used_at": "2026-11-22T09:52:41.803Z",
    "expires_at": "2026-12-06T09:40:00.000Z",
}
_API_TOKEN: JsonDict = {
    "id": "tok_01997f2a-5a77-7d10-8c4e-1b2f6a9d3c05",
    "name": "Ada’s laptop",
    "created_at": "2026-11-22T09:40:00.000Z",
}
_WORKSPACE: JsonDict = {"id": _WORKSPACE_ID, "name": "Acme"}
_NEW_MEMBER: JsonDict = {"email": "ada@acme.example", "name": "Ada", "role": "operator"}
_INVITATION: JsonDict = {
    "id": "inv_01997f31-5b20-7d64-8c0e-91a3f5d7c205",
    **_NEW_MEMBER,
    "expires_at": "2026-11-29T09:52:41.803Z",
}

# Looser than RFC 5321, and free of its rules about which domains are real; but nothing invisible,
# and nothing that ends an address in a header, a URL or a page.
_NOT = r"\s\x00-\x20\x7f-\x9f@<>()\[\],;:\\\""
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern=rf"^[^{_NOT}]+@[^{_NOT}/?#]+$", max_length=254
    ),
    AllSeen,
]


class Role(StrEnum):
    """What somebody may do in a workspace; each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Credentials(Asked):
    """Exactly one of the three; `workspace_id` chooses among somebody's workspaces.

    An API token has a workspace of its own.
    """

    model_config = showing({"api_token": "tsk_the-secret-that-was-shown-once"})

    api_token: Secret | None = None
    id_token: Secret | None = None
    session_token: Secret | None = None
    workspace_id: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "Credentials":
        given = [self.api_token, self.id_token, self.session_token]
        if sum(each is not None for each in given) != 1:
            raise ValueError("send one of api_token, id_token and session_token")
        return self


class UserToken(Answer):
    """A user JWT, which every service takes, and whose it is.

    For a member of no workspace it is a token that is good for seeing and accepting invitations
    and for creating a workspace, and workspace, operator and role are null.
    """

    model_config = showing(_USER_TOKEN, _PERSON_TOKEN)

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")
    workspace_id: str | None
    operator_id: str | None
    role: Open[Role] | None
    session_id: str | None = Field(default=None, description="The session that it is for, if any.")
    workspace_name: str | None = Field(default=None, description="Null for an API token.")
    email: str | None = Field(default=None, description="Whose it is; null for an API token.")
    name: str | None = Field(default=None, description="Theirs; null for an API token.")


class EndedSession(Asked):
    """A sign-in that whoever has its secret ends."""

    model_config = showing({"session_token": "tss_the-secret-that-was-shown-once"})

    session_token: Secret


class NewSession(Asked):
    """A sign-in that lasts: what the identity provider said, and where it was said."""

    model_config = showing({"id_token": "an id token", "device": "Chromium on Linux"})

    id_token: Secret
    nonce: Text | None = Field(
        default=None, description="What the identity provider was sent, to be told again."
    )
    device: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class SessionView(Answer):
    """A sign-in of whoever asks, without its secret."""

    model_config = showing(_SESSION)

    id: str
    email: str
    name: str
    device: str = Field(description="As the browser called itself.")
    began_at: Moment
    used_at: Moment = Field(description="To the minute.")
    expires_at: Moment = Field(description="When it ends, unless it is used before.")


class CreatedSession(SessionView):
    """A new sign-in: this answer alone shows its secret."""

    model_config = showing({**_SESSION, "session_token": "tss_the-secret-that-is-shown-once"})

    session_token: str = Field(repr=False)


class EndedSessions(Answer):
    """How many sign-ins were ended."""

    model_config = showing({"ended": 3})

    ended: int


class NewApiToken(Asked):
    """A token to make."""

    model_config = showing({"name": "Ada’s laptop"})

    name: Name


class ApiTokenView(Answer):
    """One of the caller's own tokens, without its secret."""

    model_config = showing(_API_TOKEN)

    id: str
    name: str
    created_at: Moment | None = Field(description="Null for one of the bootstrap file.")


class CreatedApiToken(ApiTokenView):
    """A new token: this answer alone shows its secret."""

    model_config = showing({**_API_TOKEN, "api_token": "tsk_the-secret-that-is-shown-once"})

    api_token: str = Field(repr=False)


class DeletedApiToken(Answer):
    """A token that works no longer."""

    model_config = showing({"id": _API_TOKEN["id"], "deleted": True})

    id: str
    deleted: Literal[True] = True


class WorkspaceView(Answer):
    """The workspace of whoever asks."""

    model_config = showing(_WORKSPACE)

    id: str
    name: str


class NewWorkspace(Asked):
    """A workspace to make, whose first admin is whoever asks."""

    model_config = showing({"name": "Acme"})

    name: Name


class OwnWorkspaceView(Answer):
    """A workspace of whoever asks, with what they are in it."""

    model_config = showing({**_WORKSPACE, "role": "admin"})

    id: str
    name: str
    role: Open[Role]


class NewMember(Asked):
    """Somebody to invite."""

    model_config = showing(_NEW_MEMBER)

    email: Email
    name: Name
    role: Role


class InvitationView(Answer):
    """Somebody who has been invited, in the words in which that was asked for."""

    model_config = showing(_INVITATION)

    id: str
    email: str
    name: str
    role: Open[Role]
    expires_at: Moment


class InviterView(Answer):
    """Who invites."""

    email: str
    name: str


class ReceivedInvitationView(Answer):
    """An invitation as the one invited sees it."""

    model_config = showing(
        {
            "id": _INVITATION["id"],
            "workspace": _WORKSPACE,
            "role": "operator",
            "invited_by": {"email": "eve@acme.example", "name": "Eve"},
            "expires_at": _INVITATION["expires_at"],
        }
    )

    id: str
    workspace: WorkspaceView
    role: Open[Role]
    invited_by: InviterView | None = Field(description="Null for somebody unknown by now.")
    expires_at: Moment


class DeclinedInvitation(Answer):
    """An invitation that its receiver has turned down."""

    model_config = showing({"id": _INVITATION["id"], "declined": True})

    id: str
    declined: Literal[True] = True


class WithdrawnInvitation(Answer):
    """An invitation that cannot be accepted any more."""

    model_config = showing({"id": _INVITATION["id"], "withdrawn": True})

    id: str
    withdrawn: Literal[True] = True


class MemberView(Answer):
    """A member of the workspace."""

    model_config = showing({"operator_id": _OPERATOR_ID, **_NEW_MEMBER})

    operator_id: str
    email: str
    name: str
    role: Open[Role]


class MemberEdit(Asked):
    """What to change of a member."""

    model_config = showing({"role": "viewer"})

    role: Role


class RemovedMember(Answer):
    """Somebody who is a member no longer."""

    model_config = showing({"operator_id": _OPERATOR_ID, "removed": True})

    operator_id: str
    removed: Literal[True] = True


class AuditEntry(Answer):
    """One entry of the audit trail: who did what to what."""

    model_config = showing(
        {
            "number": 17,
            "at": "2026-11-22T09:52:41.803Z",
            "actor_id": _OPERATOR_ID,
            "actor": "Ada",
            "action": "connection.disconnected",
            "subject": "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03",
            "detail": {},
        }
    )

    number: int = Field(description="Its place in the workspace's chain, from 1.")
    at: Moment
    actor_id: str = Field(
        description="An operator, the address of somebody who was invited, or what acted by itself."
    )
    actor: str | None = Field(description="The operator's name, while somebody has that id.")
    action: str
    subject: str = Field(description="Id of what it was done to.")
    detail: dict[str, str | int | bool | list[str] | None]
