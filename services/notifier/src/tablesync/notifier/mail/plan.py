"""Mails to be: what is planned about an incident, in the transaction that brought it about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tablesync.notifier.store import MAILS
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.telemetry import current_traceparent


class MailKind(StrEnum):
    """What a mail is about."""

    REVOCATION = "revocation"
    REMINDER = "reminder"
    RECOVERY = "recovery"
    FAILURE = "failure"


class MailStatus(StrEnum):
    """What became of a mail job."""

    PENDING = "pending"
    SENT = "sent"
    CANCELLED = "cancelled"  # its reason went away before it was sent
    GROUPED = "grouped"  # a digest carries it
    UNWANTED = "unwanted"  # everyone it could go to has switched mails off
    UNDELIVERABLE = "undeliverable"  # no address takes it


@dataclass(frozen=True)
class Recipient:
    """A person whom a mail may go to."""

    operator_id: str
    email: str
    name: str


@dataclass(frozen=True)
class Plan:
    """A mail to be: who it concerns is decided when it is sent."""

    kind: MailKind
    incident_ids: Sequence[str]
    workspace_id: str
    about: str
    due_at: datetime
    step: int = 0
    digest: bool = False
    to: Document | None = None

    @property
    def id(self) -> str:
        """The job's id: planning the same mail again changes nothing."""
        step = f"-{self.step}" if self.step else ""
        return f"{self.incident_ids[0]}/{self.kind}{step}{'-digest' if self.digest else ''}"


async def plan(unit: UnitOfWork, mail: Plan) -> None:
    """Store a mail job in the caller's transaction; a second time nothing happens."""
    row = {
        "incident_ids": list(mail.incident_ids),
        "workspace_id": mail.workspace_id,
        "about": mail.about,
        "kind": mail.kind,
        "step": mail.step,
        "digest": mail.digest,
        "status": MailStatus.PENDING,
        "due_at": mail.due_at,
        "created_at": unit.now,
        "fence": 0,
        "attempts": 0,
        "handovers": 0,
        "refused": [],
        "traceparent": current_traceparent(),
        "to": mail.to,
    }
    await unit.database[MAILS].update_one(
        {"_id": mail.id}, {"$setOnInsert": row}, upsert=True, session=unit.session
    )


async def cancel_unsent(unit: UnitOfWork, incident_ids: Sequence[str], *kinds: MailKind) -> None:
    """Cancel what was surely not handed over; what may have been is settled by the worker."""
    await unit.database[MAILS].update_many(
        {
            "incident_ids": {"$in": list(incident_ids)},
            "kind": {"$in": list(kinds)},
            "status": MailStatus.PENDING,
            "handovers": 0,
        },
        {"$set": {"status": MailStatus.CANCELLED}},
        session=unit.session,
    )


def later(moment: datetime, seconds: float) -> datetime:
    """Return the moment that many seconds later."""
    return moment + timedelta(seconds=seconds)
