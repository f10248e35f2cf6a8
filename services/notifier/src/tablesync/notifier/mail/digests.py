"""Digests: when many mails about syncs of one workspace are due, one mail carries them all."""

from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import MailKind, MailStatus, Plan, plan
from tablesync.notifier.store import MAILS
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

SYNC = "sync"
# Keeps one digest, and the transaction that makes it, small; what is over goes into the next.
MEMBERS_MAX = 500


async def gather(units: UnitsOfWork, job: MailJob, above: int) -> bool:
    """Make a digest of this mail and its like, if they are many; False if they are few.

    Recoveries are grouped from two on: that a sync works again is worth one line.
    """
    if job.about != SYNC or job.digest or job.handovers:
        return False
    fewest = above + 1 if job.kind is MailKind.FAILURE else 2

    async def work(unit: UnitOfWork) -> bool:
        members = await _members(unit, job)
        if len(members) < fewest or job.id not in [each["_id"] for each in members]:
            return False
        await _group(unit, job, members)
        return True

    return await units.run(work)


async def _members(unit: UnitOfWork, job: MailJob) -> list[Document]:
    alike = {
        "workspace_id": job.workspace_id,
        "kind": job.kind,
        "status": MailStatus.PENDING,
        "about": SYNC,
        "digest": False,
        "handovers": 0,
    }
    if job.kind is MailKind.RECOVERY:
        alike["to.email"] = job.to.email if job.to else None
    cursor = unit.database[MAILS].find(alike, sort=[("due_at", -1)], session=unit.session)
    return await cursor.to_list(MEMBERS_MAX)


async def _group(unit: UnitOfWork, job: MailJob, members: list[Document]) -> None:
    incident_ids = [each for member in members for each in member["incident_ids"]]
    own_first = sorted(incident_ids, key=lambda each: each != job.incident_ids[0])
    to = vars(job.to) if job.to else None
    digest = Plan(job.kind, own_first, job.workspace_id, SYNC, due_at=unit.now, digest=True, to=to)
    await unit.database[MAILS].update_many(
        {"_id": {"$in": [each["_id"] for each in members]}},
        {"$set": {"status": MailStatus.GROUPED, "digest_id": digest.id}},
        session=unit.session,
    )
    await plan(unit, digest)
