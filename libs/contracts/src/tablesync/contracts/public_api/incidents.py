"""Incidents, their mails, and what somebody wants to hear of them (notifier)."""

from enum import StrEnum

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked, Open
from tablesync.contracts.specs import Moment, Sparse

_MAIL: JsonDict = {
    "id": "inc_01997f2e-9d14-7f46-95d7-ae60bc3f7b06.revocation",
    "kind": "revocation",
    "status": "sent",
    "to": "ada@acme.example",
    "message_id": "<inc_01997f2e-9d14.revocation.5d41402abc4b2a76@tablesync.example>",
    "sent_at": "2026-11-22T09:52:43.120Z",
    "waits_for": None,
}
_INCIDENT: JsonDict = {
    "id": "inc_01997f2e-9d14-7f46-95d7-ae60bc3f7b06",
    "kind": "connection",
    "connection_id": "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03",
    "sync_id": None,
    "cause": "app_uninstalled",
    "help": "https://tablesync.example/help/causes/app-uninstalled",
    "status": "open",
    "opened_at": "2026-11-22T09:52:42.410Z",
    "closed_at": None,
    "mails": [_MAIL],
}


class IncidentKind(StrEnum):
    """What an incident is about."""

    CONNECTION = "connection"
    SYNC = "sync"


class IncidentStatus(StrEnum):
    """Whether the problem is still there."""

    OPEN = "open"
    CLOSED = "closed"


class MailKind(StrEnum):
    """What a mail says of it."""

    REVOCATION = "revocation"
    REMINDER = "reminder"
    RECOVERY = "recovery"
    FAILURE = "failure"
    INVITATION = "invitation"


class MailStatus(StrEnum):
    """What became of a mail job."""

    PENDING = "pending"
    SENT = "sent"
    CANCELLED = "cancelled"  # its reason went away before it was sent
    GROUPED = "grouped"  # a digest carries it
    UNWANTED = "unwanted"  # everyone it could go to has switched mails off
    UNDELIVERABLE = "undeliverable"  # no address takes it


class MailView(Answer):
    """A mail about an incident, sent or still to be."""

    model_config = showing(_MAIL)

    id: str = Field(description="Where its words are read: `/v1/mails/{id}/preview`.")
    kind: Open[MailKind]
    status: Open[MailStatus]
    to: str | None = Field(description="An address, once one is chosen.")
    message_id: str | None
    sent_at: Moment | None
    waits_for: str | None = Field(description="What it could not be sent without so far.")


class IncidentView(Answer):
    """One problem that an operator is told about, with its mails, oldest first."""

    model_config = showing(_INCIDENT)

    id: str
    kind: Open[IncidentKind]
    connection_id: str | None
    sync_id: str | None = Field(description="Null for an incident of a connection.")
    cause: str | None
    help: Sparse[str] = Field(default=None, description="A page that explains the cause.")
    status: Open[IncidentStatus]
    opened_at: Moment = Field(description="By the notifier's database clock.")
    closed_at: Moment | None
    mails: list[MailView]


class MailPreview(Answer):
    """What a mail says: as it was sent, or as it would be sent now.

    In place of a link stands that it was left out: a link is good for the mail's reader alone.
    """

    model_config = showing(
        {
            "subject": "HubSpot “acme.example” is disconnected: 2 syncs are on hold",
            "text": "HubSpot is disconnected\nacme.example · since 22 November 2026, 09:52 UTC\n…",
            "as_sent": True,
        }
    )

    subject: str
    text: str
    as_sent: bool = Field(description="Whether these are the words that were sent.")


class PreferencesView(Answer):
    """What an operator wants to hear."""

    model_config = showing({"mails": False})

    mails: bool = Field(description="Whether they are mailed about incidents of this workspace.")


class PreferencesEdit(Asked):
    """What an operator wants to hear from now on."""

    model_config = showing({"mails": False})

    mails: bool = Field(strict=True)
