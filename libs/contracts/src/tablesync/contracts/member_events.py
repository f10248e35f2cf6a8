"""Events of the topic `member-events`, produced by auth-service."""

from typing import ClassVar

from pydantic import Field
from tablesync.contracts.event import Event

TOPIC = "member-events"


class MemberInvited(Event):
    """Somebody is to be mailed an invitation to a workspace; again for each time it is sent.

    Neither address nor link is in it: whoever sends the mail asks auth-service for both.
    """

    type: ClassVar[str] = "tablesync.member.invited.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "workspace_id"

    invitation_id: str
    role: str = Field(description="`viewer`, `operator` or `admin`.")
    invited_by: str = Field(description="The operator who invites.")
    mail_number: int = Field(ge=1, description="Which mail of this invitation it is.")


class MemberRoleChanged(Event):
    """A member of a workspace may do more, or less, than before."""

    type: ClassVar[str] = "tablesync.member.role-changed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "workspace_id"

    operator_id: str
    role: str = Field(description="`viewer`, `operator` or `admin`.")
    previous_role: str
    changed_by: str = Field(description="The operator who changed it.")


class MemberRemoved(Event):
    """Somebody is no member of a workspace any more."""

    type: ClassVar[str] = "tablesync.member.removed.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "workspace_id"

    operator_id: str
    removed_by: str = Field(description="The operator who removed them; their own where they left.")
