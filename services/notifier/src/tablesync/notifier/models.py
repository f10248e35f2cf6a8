"""What the notifier keeps beside its mails: incidents, and what it knows of connections and syncs.

A model's fields stand in the order in which they are stored.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from tablesync.contracts import Account, Gap, Hold, RunCounts, RunStatus
from tablesync.contracts.internal_api.base import is_none
from tablesync.contracts.public_api.incidents import IncidentKind, IncidentStatus
from tablesync.service_kit.mongo import Document


class Stored(BaseModel):
    """Base of all that is stored; what others change is changed in the database, never in here."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form; members that this version does not know are passed over."""
        return cls.model_validate(document)

    def to_document(self) -> Document:
        """Return the form to store."""
        return self.model_dump(by_alias=True)


class _Incident(Stored):
    """One problem that an operator is told about.

    `key` is what opened it and unique for ever, so that a replay opens nothing again. `open_key`
    is unique as well, and gone once the incident is closed. Provider and cause are kept as they
    came: a version that does not know them has words for them all the same.
    """

    id: str = Field(alias="_id")
    key: str
    open_key: str | None = None
    kind: IncidentKind
    workspace_id: str


class ConnectionIncident(_Incident):
    """A confirmed loss of a connection, until it is back or taken away."""

    kind: Literal[IncidentKind.CONNECTION] = IncidentKind.CONNECTION
    connection_id: str
    provider: str
    account: Account
    owner_id: str
    cause: str | None
    lost_at: datetime = Field(description="By auth-service's database clock.")
    status: IncidentStatus = IncidentStatus.OPEN
    opened_at: datetime
    closed_at: datetime | None = None


class SyncIncident(_Incident):
    """A sync that fails for one cause, until its next success."""

    kind: Literal[IncidentKind.SYNC] = IncidentKind.SYNC
    sync_id: str
    connection_id: str | None
    cause: str
    summary: str
    last_failed_at: datetime = Field(description="By sync-runner's database clock.")
    status: IncidentStatus = IncidentStatus.OPEN
    opened_at: datetime
    closed_at: datetime | None = None


Incident = ConnectionIncident | SyncIncident


def incident_from_document(document: Document) -> Incident:
    """Read an incident of either kind."""
    kind = SyncIncident if document["kind"] == IncidentKind.SYNC else ConnectionIncident
    return kind.from_document(document)


class Announcement(Stored):
    """An operator's word that a grant is going to be revoked: what was to end, and when."""

    grant_version: int
    planned_for: datetime


class KnownConnection(Stored):
    """The newest known state of a connection; `planned` while an operator's announcement holds.

    Versions before kept nothing more of the announcement.
    """

    id: str = Field(alias="_id")
    workspace_id: str
    provider: str
    status: str
    sequence: int
    planned: bool
    grant_version: int = 0
    announcement: Announcement | None = Field(default=None, exclude_if=is_none)


class HoldState(Stored):
    """Whether a sync is held or was released, and the gap that its catch-up covers."""

    sync_id: str = Field(alias="_id")
    workspace_id: str
    name: str
    sequence: int
    held: bool
    hold: Hold
    gap: Gap
    catch_up_run_id: str | None = None


class CatchUpEnd(Stored):
    """How a catch-up ended, and what it brought."""

    run_id: str = Field(alias="_id")
    sync_id: str
    status: RunStatus
    counts: RunCounts
    received_at: datetime
