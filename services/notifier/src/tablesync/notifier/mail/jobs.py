"""Mail jobs: each is one mail to one person, claimed by lease and marked around its hand-over.

A job's due time is also its lease: claiming moves it into the future, so that a worker that dies
gives its job back by doing nothing. The fence guards every later write of the claim. `handovers`
counts how often the mail was given to the mail server without a known answer; it is raised before
and lowered after a known failure, so that a crash in between counts as unknown.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from tablesync.notifier.errors import ClaimLostError
from tablesync.notifier.mail.plan import MailKind, MailStatus, Recipient
from tablesync.notifier.store import MAILS
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class MailJob:
    """One claimed mail job; `claimed_at` is the database's now."""

    id: str
    workspace_id: str
    incident_ids: tuple[str, ...]
    about: str
    kind: MailKind
    step: int
    fence: int
    attempts: int
    handovers: int
    claimed_at: datetime
    first_claimed_at: datetime
    to: Recipient | None = None
    message_id: str | None = None
    refused: tuple[str, ...] = ()
    digest: bool = False
    traceparent: str | None = None

    @property
    def waited_seconds(self) -> float:
        """How long ago a worker first took the job up."""
        return (self.claimed_at - self.first_claimed_at).total_seconds()


class MailJobs:
    """The mail jobs as a worker uses them."""

    def __init__(self, database: Database) -> None:
        self._rows = database[MAILS]

    async def claim(self, lease_seconds: float) -> MailJob | None:
        """Take the job that is due longest, if any."""
        row = await self._rows.find_one_and_update(
            {"status": MailStatus.PENDING, "$expr": {"$lte": ["$due_at", "$$NOW"]}},
            [
                {
                    "$set": {
                        "due_at": from_now(lease_seconds),
                        "fence": {"$add": ["$fence", 1]},
                        "claimed_at": "$$NOW",
                        "first_claimed_at": {"$ifNull": ["$first_claimed_at", "$$NOW"]},
                    }
                }
            ],
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return _job(row) if row else None

    async def put_off(self, job: MailJob, seconds: float, reason: str) -> None:
        """Hand the job back, to be taken up again after some time."""
        change = {"due_at": from_now(seconds), "attempts": {"$add": ["$attempts", 1]}}
        await self._change(job, [{"$set": {**change, "waits_for": {"$literal": reason}}}])

    async def address(self, job: MailJob, to: Recipient, message_id: str) -> None:
        """Fix whom the mail goes to, and so its Message-ID."""
        fields = {"to": vars(to), "message_id": message_id}
        await self._change(job, {"$set": fields})

    async def hand_over(self, job: MailJob, lease_seconds: float) -> None:
        """Note that the mail server is given the mail now, and keep the job meanwhile."""
        change = {"handovers": {"$add": ["$handovers", 1]}, "due_at": from_now(lease_seconds)}
        await self._change(job, [{"$set": change}])

    async def take_back(self, job: MailJob) -> None:
        """Note that the mail server has surely not taken it."""
        await self._change(job, {"$inc": {"handovers": -1}})

    async def refuse(self, job: MailJob, email: str) -> None:
        """Note that an address takes no mail; the next claim picks another recipient."""
        await self._change(
            job,
            [
                {
                    "$set": {
                        "refused": {"$concatArrays": ["$refused", [email]]},
                        "to": None,
                        "message_id": None,
                        "due_at": "$$NOW",
                    }
                }
            ],
        )

    async def finish(self, job: MailJob, status: MailStatus) -> None:
        """End the job without sending it."""
        await self._change(job, {"$set": {"status": status}})

    async def _change(self, job: MailJob, change: Document | list[Document]) -> None:
        result = await self._rows.update_one(_claimed(job), change)
        if not result.matched_count:
            raise ClaimLostError(job.id)


async def mark_sent(unit: UnitOfWork, job: MailJob, *, confirmed: bool) -> None:
    """End the job as sent; not `confirmed` after two unknown outcomes."""
    result = await unit.database[MAILS].update_one(
        {"_id": job.id, "status": MailStatus.PENDING},
        {"$set": {"status": MailStatus.SENT, "sent_at": unit.now, "confirmed": confirmed}},
        session=unit.session,
    )
    if not result.matched_count:
        raise ClaimLostError(job.id)


def _claimed(job: MailJob) -> Document:
    return {"_id": job.id, "fence": job.fence, "status": MailStatus.PENDING}


def _job(row: dict[str, Any]) -> MailJob:
    return MailJob(
        id=row["_id"],
        workspace_id=row["workspace_id"],
        incident_ids=tuple(row["incident_ids"]),
        about=row["about"],
        kind=MailKind(row["kind"]),
        step=row["step"],
        fence=row["fence"],
        attempts=row["attempts"],
        handovers=row["handovers"],
        claimed_at=row["claimed_at"],
        first_claimed_at=row["first_claimed_at"],
        to=Recipient(**row["to"]) if row["to"] else None,
        message_id=row.get("message_id"),
        refused=tuple(row["refused"]),
        digest=row["digest"],
        traceparent=row["traceparent"],
    )
