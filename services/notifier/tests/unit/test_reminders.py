"""The ladder of reminders: what follows which mail, and when."""

from datetime import timedelta

import pytest
from notifier_examples import NOW, mail_job
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.mail.reminders import following

pytestmark = pytest.mark.unit
DAY = 86_400.0
LADDER = (DAY, 3 * DAY, 7 * DAY)


@pytest.mark.parametrize(
    ("kind", "step", "days"),
    [(MailKind.REVOCATION, 0, 1), (MailKind.REMINDER, 1, 2), (MailKind.REMINDER, 2, 4)],
)
def test_each_mail_is_followed_by_the_next_step(kind: MailKind, step: int, days: int) -> None:
    reminder = following(mail_job(kind, step), NOW, LADDER)
    assert reminder
    assert (reminder.kind, reminder.step) == (MailKind.REMINDER, step + 1)
    assert reminder.due_at == NOW + timedelta(days=days)
    assert reminder.id == f"inc_1/reminder-{step + 1}"


@pytest.mark.parametrize(
    ("kind", "step", "ladder"),
    [
        (MailKind.REMINDER, 3, LADDER),
        (MailKind.REVOCATION, 0, ()),
        (MailKind.RECOVERY, 0, LADDER),
        (MailKind.FAILURE, 0, LADDER),
    ],
)
def test_nothing_follows_the_last_step_or_another_mail(
    kind: MailKind, step: int, ladder: tuple[float, ...]
) -> None:
    assert following(mail_job(kind, step), NOW, ladder) is None
