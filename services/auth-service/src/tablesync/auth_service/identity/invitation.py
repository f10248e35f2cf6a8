"""An invitation: somebody may become a member, and is none before accepting."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from tablesync.contracts.specs import Value
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.service_kit.mongo import Document

LIFETIME = timedelta(days=7)
DAY = timedelta(days=1)


class InvitationStatus(StrEnum):
    """What became of an invitation."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class Invitation(Value):
    """An invitation as stored, one for each address and workspace.

    E-mail and name are what the inviting person wrote, whoever has that address elsewhere.
    `mailed_at` holds when mails went out within the last day, `mails` counts all there ever were.
    One that was declined is withdrawn, by the one invited.
    """

    id: str
    workspace_id: str
    email: str
    name: str
    role: OperatorRole
    invited_by: str
    status: InvitationStatus
    expires_at: datetime
    mailed_at: tuple[datetime, ...] = ()
    mails: int = 0
    declined: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether it can be accepted."""
        return self.status is InvitationStatus.PENDING and now < self.expires_at

    def mailed_within_a_day(self, now: datetime) -> tuple[datetime, ...]:
        """Return when mails went out of late."""
        return tuple(each for each in self.mailed_at if now - each < DAY)

    def to_document(self) -> Document:
        """Return the stored form."""
        fields = self.model_dump(exclude={"id"})
        return {"_id": self.id, "email_key": self.email.lower(), **fields}

    @classmethod
    def from_document(cls, document: Document) -> "Invitation":
        """Read the stored form."""
        fields: Mapping[str, object] = {**document, "id": document["_id"]}
        return cls.model_validate(fields)
