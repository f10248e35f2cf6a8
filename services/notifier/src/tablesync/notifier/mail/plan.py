"""Mails to be: what is planned about an incident, in the transaction that brought it about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from tablesync.contracts.public_api.incidents import IncidentKind, MailKind, MailStatus
from tablesync.notifier.models import Stored
from tablesync.notifier.store import MAILS
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read, read_all
from tablesync.service_kit.telemetry import current_traceparent


class MailSubject(StrEnum):
    """What a mail is about: incidents of a kind, or an invitation."""

    CONNECTION = IncidentKind.CONNECTION.value
    SYNC = IncidentKind.SYNC.value
    INVITATION = "invitation"


# A mail that a digest carries, or that was cancelled, is no mail to whoever reads of its incident.
SHOWN = [
    MailStatus.PENDING,
    MailStatus.SENT,
    MailStatus.UNDELIVERABLE,
    MailStatus.UNWANTED,
]


class Addressee(BaseModel):
    """Whom a mail goes to; who is invited has the invitation's id for an operator's."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    operator_id: str
    email: str
    name: str


class Words(BaseModel):
    """What a mail says, its links left out: they are secrets of its reader's."""

    model_config = ConfigDict(frozen=True)

    subject: str
    text: str


class PlannedMail(Stored):
    """A mail to be: whom it goes to is decided when it is sent, unless it answers another.

    `incident_ids` are what it is about; one about an invitation has that invitation's id alone.
    """

    incident_ids: tuple[str, ...]
    workspace_id: str
    about: MailSubject
    kind: MailKind
    step: int = 0
    digest: bool = False
    status: MailStatus = MailStatus.PENDING
    due_at: datetime
    created_at: datetime
    fence: int = 0
    attempts: int = 0
    handovers: int = 0
    refused: tuple[str, ...] = ()
    traceparent: str | None = None
    to: Addressee | None = None

    @property
    def id(self) -> str:
        """The job's id: planning the same mail again changes nothing."""
        step = f"-{self.step}" if self.step else ""
        return f"{self.incident_ids[0]}/{self.kind}{step}{'-digest' if self.digest else ''}"

    @property
    def public_id(self) -> str:
        """The id as it stands in a path."""
        return self.id.replace("/", ".")


def stored_id(public_id: str) -> str:
    """Return the job's id; an incident's has no dot."""
    return public_id.replace(".", "/", 1)


class Mail(PlannedMail):
    """A mail and what became of it."""

    message_id: str | None = None
    waits_for: str | None = None
    sent_at: datetime | None = None
    words: Words | None = None


class Mails:
    """The mails of incidents; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._rows = database[MAILS]

    async def plan(self, mail: PlannedMail, session: Session) -> None:
        """Store a mail job; a second time nothing happens."""
        row = mail.to_document() | {"traceparent": current_traceparent()}
        await self._rows.update_one(
            {"_id": mail.id}, {"$setOnInsert": row}, upsert=True, session=session
        )

    async def cancel_unsent(
        self, incident_ids: Sequence[str], *kinds: MailKind, session: Session
    ) -> None:
        """Cancel what was surely not handed over; what may have been is settled by the worker."""
        query = {"incident_ids": {"$in": list(incident_ids)}, "kind": {"$in": list(kinds)}}
        await self._cancel_unsent(query, session)

    async def cancel_unsent_of_one(
        self, incident_id: str, kind: MailKind, session: Session
    ) -> None:
        """Cancel what was surely not handed over and speaks for this incident alone."""
        await self._cancel_unsent({"incident_ids": [incident_id], "kind": kind}, session)

    async def told_by(self, incident_id: str, kind: MailKind, session: Session) -> Mail | None:
        """Return the mail that told of an incident, or may have."""
        may_have = {"status": MailStatus.PENDING, "handovers": {"$gt": 0}}
        query = {
            "incident_ids": incident_id,
            "kind": kind,
            "$or": [{"status": MailStatus.SENT}, may_have],
        }
        return self._mail(await self._rows.find_one(query, session=session))

    async def of_incident(
        self, incident_id: str, kind: MailKind, *, addressed: bool = False
    ) -> Mail | None:
        """Return a mail about an incident, whatever became of it."""
        query = {"incident_ids": incident_id, "kind": kind}
        return self._mail(
            await self._rows.find_one(query | ({"to": {"$ne": None}} if addressed else {}))
        )

    async def shown(self, incident_ids: Sequence[str]) -> list[Mail]:
        """Return the mails that those who read of these incidents want to see, oldest first.

        They come without their words.
        """
        query = {"incident_ids": {"$in": list(incident_ids)}, "status": {"$in": SHOWN}}
        rows = await self._rows.find(query, {"words": 0}, sort=[("created_at", 1)]).to_list(None)
        return read_all(self._rows, Mail.from_document, rows).items

    def _mail(self, found: Document | None) -> Mail | None:
        return read(self._rows, Mail.from_document, found) if found else None

    async def _cancel_unsent(self, query: Document, session: Session) -> None:
        unsent = {"status": MailStatus.PENDING, "handovers": 0}
        await self._rows.update_many(
            query | unsent, {"$set": {"status": MailStatus.CANCELLED}}, session=session
        )


def later(moment: datetime, seconds: float) -> datetime:
    """Return the moment that many seconds later."""
    return moment + timedelta(seconds=seconds)
