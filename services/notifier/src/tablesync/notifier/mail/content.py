"""A letter: what a mail says, before it is rendered for one person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Recipient
from tablesync.service_kit.mongo import Document


@dataclass(frozen=True)
class Letter:
    """A template with its facts, and whom it may go to, best first.

    Facts may hold a reconnect link: a letter is never stored or logged.
    """

    template: str
    subject: str
    facts: dict[str, Any] = field(repr=False)
    candidates: Sequence[Recipient]
    answers: str | None = None  # the Message-ID of the mail that this one follows


class NotYetError(Exception):
    """The mail has to wait for something: ask again in `seconds`."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Writer(Protocol):
    """Writes one kind of letter."""

    async def write(self, job: MailJob, incidents: Sequence[Document]) -> Letter | None:
        """Write the letter, or None if its reason went away; raises NotYetError."""
