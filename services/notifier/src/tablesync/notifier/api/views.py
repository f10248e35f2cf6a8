"""What callers see of incidents and their mails, and what they send and see of preferences."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from tablesync.contracts.specs import Moment
from tablesync.notifier.incidents.incidents import ToldIncident
from tablesync.notifier.mail.plan import Mail, MailKind, MailStatus
from tablesync.notifier.models import IncidentKind, IncidentStatus, SyncIncident

_MAIL: dict[str, Any] = {
    "kind": "revocation",
    "status": "sent",
    "to": "ada@acme.example",
    "message_id": "<inc_01997f2e-9d14.revocation.5d41402abc4b2a76@tablesync.example>",
    "sent_at": "2026-11-22T09:52:43.120Z",
    "waits_for": None,
}
_INCIDENT: dict[str, Any] = {
    "id": "inc_01997f2e-9d14-7f46-95d7-ae60bc3f7b06",
    "kind": "connection",
    "connection_id": "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03",
    "sync_id": None,
    "cause": "app_uninstalled",
    "status": "open",
    "opened_at": "2026-11-22T09:52:42.410Z",
    "closed_at": None,
    "mails": [_MAIL],
}


class MailView(BaseModel):
    """A mail about an incident, sent or still to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MAIL]})

    kind: MailKind
    status: MailStatus
    to: str | None = Field(description="An address, once one is chosen.")
    message_id: str | None
    sent_at: Moment | None
    waits_for: str | None = Field(description="What it could not be sent without so far.")

    @classmethod
    def of(cls, mail: Mail) -> "MailView":
        """Show a mail; what it once waited for says nothing of one that is done with."""
        return cls(
            kind=mail.kind,
            status=mail.status,
            to=mail.to.email if mail.to else None,
            message_id=mail.message_id,
            sent_at=mail.sent_at,
            waits_for=mail.waits_for if mail.status is MailStatus.PENDING else None,
        )


class IncidentView(BaseModel):
    """One problem that an operator is told about, with its mails, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_INCIDENT]})

    id: str
    kind: IncidentKind
    connection_id: str | None
    sync_id: str | None = Field(description="Null for an incident of a connection.")
    cause: str | None
    status: IncidentStatus
    opened_at: Moment = Field(description="By the notifier's database clock.")
    closed_at: Moment | None
    mails: list[MailView]

    @classmethod
    def of(cls, told: ToldIncident) -> "IncidentView":
        """Show an incident."""
        incident = told.incident
        return cls(
            id=incident.id,
            kind=incident.kind,
            connection_id=incident.connection_id,
            sync_id=incident.sync_id if isinstance(incident, SyncIncident) else None,
            cause=incident.cause,
            status=incident.status,
            opened_at=incident.opened_at,
            closed_at=incident.closed_at,
            mails=[MailView.of(each) for each in told.mails],
        )


class PreferencesView(BaseModel):
    """What an operator wants to hear."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"mails": False}]}
    )

    mails: bool = Field(description="Whether to be mailed about incidents of this workspace.")
