"""Incidents and their mails in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from tablesync.contracts import RunFailureCause
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import (
    IncidentKind,
    IncidentStatus,
    IncidentView,
    MailKind,
    MailStatus,
    MailView,
)
from tablesync.contracts.specs import NOT_GRANTED
from tablesync.contracts.wording import loss, provider_label
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.story import Story

_FAILURES: Mapping[str, str] = {
    RunFailureCause.CONNECTION: "Its connection is lost.",
    RunFailureCause.RESOURCE: "Something that it needs at a provider was gone, full or refused.",
    RunFailureCause.MAPPING: "A field that it maps was gone.",
    RunFailureCause.QUOTA: "The provider’s quota is used up.",
    RunFailureCause.PROVIDER: "The provider fails or does not answer.",
    RunFailureCause.STALLED: "Its runs came to a standstill.",
    RunFailureCause.INTERNAL: "A fault of TableSync.",
    NOT_GRANTED: "Something that it needs was left out when its connection was made.",
}
_MAILS: Mapping[str, str] = {
    MailKind.REVOCATION: "Mail about the loss",
    MailKind.REMINDER: "Reminder",
    MailKind.RECOVERY: "All clear",
    MailKind.FAILURE: "Mail about the failure",
    MailKind.INVITATION: "Invitation",
}
_FATES: Mapping[str, str] = {
    MailStatus.PENDING: "not sent yet",
    MailStatus.SENT: "sent",
    MailStatus.CANCELLED: "not sent: its reason went away before",
    MailStatus.GROUPED: "sent together with others",
    MailStatus.UNWANTED: "not sent: everyone it could go to has switched mails off",
    MailStatus.UNDELIVERABLE: "not sent: no address takes it",
}


@dataclass(frozen=True)
class ShownIncident:
    """One incident, and what it is of; None for what nobody knows any more.

    The `story` is that of a sync that still has the trouble.
    """

    incident: IncidentView
    connection: ConnectionName | None = None
    sync_name: str | None = None
    story: Story | None = None

    @property
    def title(self) -> str:
        """What has happened."""
        if self.incident.kind != IncidentKind.CONNECTION:
            return f"{self.sync_name or 'A sync'} fails"
        if self.connection is None:
            return "A connection was lost"
        label = provider_label(str(self.connection.provider))
        return f"{label}, {self.connection.name} was lost"

    @property
    def cause(self) -> str:
        """Why: as its sync says while it lasts, else by its kind; nothing for a new kind."""
        told = self.incident.cause
        if self.story:
            return self.story.happened
        if self.incident.kind != IncidentKind.CONNECTION:
            return _FAILURES.get(told or "", "")
        return loss(told, str(self.connection.provider)) if self.connection else ""

    @property
    def badge(self) -> Badge:
        """Whether the problem is still there."""
        is_open = self.incident.status == IncidentStatus.OPEN
        return Badge("Open", "warn", "warning") if is_open else Badge("Closed", "idle", "check")


def mail_kind(mail: MailView) -> str:
    """Return what a mail is."""
    return _MAILS.get(str(mail.kind), str(mail.kind).replace("_", " ").capitalize())


def mail_fate(mail: MailView) -> str:
    """Return what became of a mail."""
    waits = f": waits for {mail.waits_for}" if mail.waits_for else ""
    return _FATES.get(str(mail.status), str(mail.status).replace("_", " ")) + waits
