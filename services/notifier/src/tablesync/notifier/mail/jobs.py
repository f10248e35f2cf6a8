"""Mail jobs: each is one mail to one person, claimed by lease and marked around its hand-over.

A job's due time is also its lease: claiming moves it into the future, so that a worker that dies
gives its job back by doing nothing. The fence (fencing token) guards every later write of the
claim. `handovers` counts how often the mail was given to the mail server without a known answer;
it is raised before and lowered after a known failure, so that a crash in between counts as unknown.
"""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from tablesync.contracts.public_api.incidents import MailKind, MailStatus
from tablesync.notifier.errors import ClaimLostError
from tablesync.notifier.mail.plan import Addressee, Mail, Words
from tablesync.notifier.store import MAILS
from tablesync.service_kit.mongo import Database, Document, Session, from_now
from tablesync.service_kit.mongo.changes import seconds_until
from tablesync.service_kit.mongo.reading import alone, read, read_all, set_aside

# A job of which this is said was given to the mail server, and nobody has told what came of it.
UNTOLD = "the mail server’s answer"
_IS_DUE: Document = {
    "status": MailStatus.PENDING,
    "$expr": {"$lte": ["$due_at", "$$NOW"]},
}


class MailJob(Mail):
    """One claimed mail; `claimed_at` is the database's now."""

    claimed_at: datetime
    first_claimed_at: datetime

    @property
    def waited_seconds(self) -> float:
        """How long ago a worker first took the job up."""
        return (self.claimed_at - self.first_claimed_at).total_seconds()

    @property
    def addressed(self) -> bool:
        """Whether it is fixed whom the mail goes to."""
        return self.to is not None and self.message_id is not None

    @property
    def untold(self) -> bool:
        """Whether somebody may know what came of its hand-over, who has not told yet."""
        return self.handovers > 0 and self.waits_for == UNTOLD


class MailJobs:
    """The mail jobs as a worker uses them."""

    def __init__(self, database: Database) -> None:
        self._rows = database[MAILS]

    async def claim(self, lease_seconds: float) -> MailJob | None:
        """Take the job that is due longest, if any.

        One that this version cannot read or take is left to a newer replica, or until mended.
        """
        longest = [("due_at", ASCENDING)]
        while found := await self._rows.find_one(_IS_DUE, {"due_at": 1}, sort=longest):
            if job := await self._take(found, lease_seconds):
                return job
        return None

    async def _take(self, found: Document, lease_seconds: float) -> MailJob | None:
        """Take a job that is still due as it was found; None if it is another's, or bad."""
        change = {
            "due_at": from_now(lease_seconds),
            "fence": {"$add": ["$fence", 1]},
            "claimed_at": "$$NOW",
            "first_claimed_at": {"$ifNull": ["$first_claimed_at", "$$NOW"]},
        }
        taken: list[MailJob] = []

        async def take() -> None:
            row = await self._rows.find_one_and_update(
                {**found, "status": MailStatus.PENDING},
                [{"$set": change}],
                return_document=ReturnDocument.AFTER,
            )
            if row is not None:
                taken.append(read(self._rows, MailJob.from_document, row))

        if not await alone(self._rows, found["_id"], take()):
            await set_aside(self._rows, [found["_id"]], "due_at")
        return taken[0] if taken else None

    async def seconds_until_due(self) -> float:
        """Return how long no job is due, at most until the next poll."""
        return await seconds_until(self._rows, "due_at", {"status": MailStatus.PENDING})

    async def put_off(self, job: MailJob, seconds: float, reason: str) -> None:
        """Hand the job back, to be taken up again after some time."""
        change = {"due_at": from_now(seconds), "attempts": {"$add": ["$attempts", 1]}}
        await self._change(job, [{"$set": {**change, "waits_for": {"$literal": reason}}}])

    async def address(self, job: MailJob, to: Addressee, message_id: str) -> None:
        """Fix whom the mail goes to, and so its Message-ID."""
        fields = {"to": to.model_dump(), "message_id": message_id}
        await self._change(job, {"$set": fields})

    async def hand_over(self, job: MailJob, words: Words, lease_seconds: float) -> None:
        """Note that the mail server is given these words now, and keep the job meanwhile."""
        change = {
            "handovers": {"$add": ["$handovers", 1]},
            "due_at": from_now(lease_seconds),
            "waits_for": UNTOLD,
            "words": {"$literal": words.model_dump()},
        }
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

    async def mark_sent(
        self, job: MailJob, at: datetime, *, confirmed: bool, session: Session
    ) -> None:
        """End the job as sent; not `confirmed` after two unknown outcomes."""
        result = await self._rows.update_one(
            {"_id": job.id, "status": MailStatus.PENDING},
            {"$set": {"status": MailStatus.SENT, "sent_at": at, "confirmed": confirmed}},
            session=session,
        )
        if not result.matched_count:
            raise ClaimLostError(job.id)

    async def alike(self, job: MailJob, limit: int, session: Session) -> list[Mail]:
        """Return the pending mails that one digest could carry with this one, latest due first."""
        query: Document = {
            "workspace_id": job.workspace_id,
            "kind": job.kind,
            "status": MailStatus.PENDING,
            "about": job.about,
            "digest": False,
            "handovers": 0,
        }
        if job.kind is MailKind.RECOVERY:
            query["to.email"] = job.to.email if job.to else None
        latest = [("due_at", DESCENDING)]
        cursor = self._rows.find(query, sort=latest, limit=limit, session=session)
        return read_all(self._rows, Mail.from_document, await cursor.to_list(limit)).items

    async def group(self, mails: Sequence[Mail], digest_id: str, session: Session) -> None:
        """Note that a digest carries these mails."""
        await self._rows.update_many(
            {"_id": {"$in": [each.id for each in mails]}},
            {"$set": {"status": MailStatus.GROUPED, "digest_id": digest_id}},
            session=session,
        )

    async def _change(self, job: MailJob, change: Document | list[Document]) -> None:
        claimed = {"_id": job.id, "fence": job.fence, "status": MailStatus.PENDING}
        result = await self._rows.update_one(claimed, change)
        if not result.matched_count:
            raise ClaimLostError(job.id)
