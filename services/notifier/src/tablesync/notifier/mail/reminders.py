"""The ladder of reminders: each step is planned when the one before was sent."""

from collections.abc import Sequence
from datetime import datetime

from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import PlannedMail, later

STEPS = frozenset({MailKind.REVOCATION, MailKind.REMINDER})


def following(job: MailJob, now: datetime, ladder: Sequence[float]) -> PlannedMail | None:
    """Plan the reminder that follows this mail, if one does.

    `ladder` is in seconds since the revocation mail, each step later than the one before.
    """
    if job.kind not in STEPS or job.step >= len(ladder):
        return None
    waited = ladder[job.step - 1] if job.step else 0.0
    return PlannedMail(
        incident_ids=job.incident_ids,
        workspace_id=job.workspace_id,
        about=job.about,
        kind=MailKind.REMINDER,
        step=job.step + 1,
        due_at=later(now, ladder[job.step] - waited),
        created_at=now,
    )
