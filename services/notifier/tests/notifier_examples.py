"""Examples that the notifier's unit tests share."""

from datetime import UTC, datetime

from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import MailSubject

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


def mail_job(kind: MailKind, step: int = 0) -> MailJob:
    """Make a mail about a lost connection that a worker has just claimed."""
    return MailJob(
        incident_ids=("inc_1",),
        workspace_id="ws_1",
        about=MailSubject.CONNECTION,
        kind=kind,
        step=step,
        due_at=NOW,
        created_at=NOW,
        claimed_at=NOW,
        first_claimed_at=NOW,
    )
