"""Previews: what a mail says, as it was sent, or as it would be sent now; never with its links."""

from collections.abc import Mapping
from dataclasses import dataclass

from tablesync.contracts.public_api.incidents import MailKind, MailStatus
from tablesync.notifier.mail.content import MailWriter, NotYetError
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.mime import Messages
from tablesync.notifier.mail.plan import Mail, MailSubject, Words, stored_id
from tablesync.notifier.store import MAILS
from tablesync.service_kit.mongo import Database, Document, database_now
from tablesync.service_kit.mongo.reading import read

_NEVER = {
    MailStatus.SENT: "It was sent by an earlier version, which kept no words.",
    MailStatus.CANCELLED: "It was never written: its reason went away before.",
    MailStatus.GROUPED: "It was never written: another mail speaks for it.",
    MailStatus.UNWANTED: "It was never written: nobody whom it could go to wants mails.",
    MailStatus.UNDELIVERABLE: "It was not sent: no address takes it.",
}


@dataclass(frozen=True)
class Preview:
    """What a mail says; `as_sent` if it may have been read like this already."""

    words: Words
    as_sent: bool


class NoWordsError(Exception):
    """There is nothing to show of a mail, or not yet; the message says why."""


class Previews:
    """Shows the mails of incidents, of one workspace at a time.

    An invitation is its reader's alone.
    """

    def __init__(
        self,
        database: Database,
        writers: Mapping[tuple[MailSubject, MailKind], MailWriter],
        messages: Messages,
    ) -> None:
        self._database = database
        self._rows = database[MAILS]
        self._writers = writers
        self._messages = messages

    async def get(self, workspace_id: str, mail_id: str) -> Preview | None:
        """Return what a mail says, if it is this workspace's; raises NoWordsError."""
        query = {
            "_id": stored_id(mail_id),
            "workspace_id": workspace_id,
            "about": {"$ne": MailSubject.INVITATION},
        }
        row = await self._rows.find_one(query)
        if row is None:
            return None
        mail = read(self._rows, Mail.from_document, row)
        may_be_sent = mail.status is MailStatus.SENT or mail.handovers > 0
        if mail.words and may_be_sent:
            return Preview(mail.words, as_sent=True)
        if mail.status is not MailStatus.PENDING:
            raise NoWordsError(_NEVER[mail.status])
        return Preview(await self._written_now(row), as_sent=False)

    async def _written_now(self, row: Document) -> Words:
        """Write a mail that is still to be sent, but for its link: that is made for its reader."""
        now = await database_now(self._database)
        times = {"claimed_at": now, "first_claimed_at": now}
        job = read(self._rows, MailJob.from_document, {**row, **times})
        try:
            content = await self._writers[job.about, job.kind].write(job)
        except NotYetError as error:
            raise NoWordsError(f"It is not written yet: it waits for {error.reason}.") from error
        if content is None:
            raise NoWordsError("It will not be written: its reason has gone away.")
        to = job.to or next(iter(content.candidates), None)
        if to is None:
            raise NoWordsError("It is not written yet: there is nobody to whom it could go.")
        return self._messages.words(content, to)
