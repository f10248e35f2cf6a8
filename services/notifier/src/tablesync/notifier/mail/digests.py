"""Digests: when many mails about syncs of one workspace are due, one mail carries them all."""

from collections.abc import Sequence

from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.mail.jobs import MailJob, MailJobs
from tablesync.notifier.mail.plan import Mail, Mails, MailSubject, PlannedMail
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

# Keeps one digest, and the transaction that makes it, small; what is over goes into the next.
MEMBERS_MAX = 500


class Digests:
    """Makes digests of failures, and of recoveries."""

    def __init__(self, units: UnitsOfWork, above: int) -> None:
        self._units = units
        self._mails = Mails(units.database)
        self._jobs = MailJobs(units.database)
        self._above = above

    async def gather(self, job: MailJob) -> bool:
        """Make a digest of this mail and its like, if they are many; False if they are few.

        Recoveries are grouped from two on: that a sync works again is worth one line.
        """
        if job.about is not MailSubject.SYNC or job.digest or job.handovers:
            return False
        fewest = self._above + 1 if job.kind is MailKind.FAILURE else 2

        async def work(unit: UnitOfWork) -> bool:
            members = await self._jobs.alike(job, MEMBERS_MAX, unit.session)
            if len(members) < fewest or job.id not in [each.id for each in members]:
                return False
            await self._group(unit, job, members)
            return True

        return await self._units.run(work)

    async def _group(self, unit: UnitOfWork, job: MailJob, members: Sequence[Mail]) -> None:
        incident_ids = [each for member in members for each in member.incident_ids]
        own_first = sorted(incident_ids, key=lambda each: each != job.incident_ids[0])
        digest = PlannedMail(
            incident_ids=tuple(own_first),
            workspace_id=job.workspace_id,
            about=job.about,
            kind=job.kind,
            digest=True,
            due_at=unit.now,
            created_at=unit.now,
            to=job.to,
        )
        await self._jobs.group(members, digest.id, unit.session)
        await self._mails.plan(digest, unit.session)
