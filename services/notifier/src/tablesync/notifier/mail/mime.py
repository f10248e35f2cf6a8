"""Content becomes a mail: HTML and text, a stable Message-ID and a way to unsubscribe."""

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr

from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import MailContent
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Addressee
from tablesync.notifier.mail.rendering import Templates
from tablesync.notifier.settings import Settings
from tablesync.notifier.unsubscribe import Subscriber, UnsubscribeTokens

SUBJECT_MAX = 160


class Messages:
    """Builds mails; nothing that is rendered here is kept."""

    def __init__(self, templates: Templates, tokens: UnsubscribeTokens, settings: Settings) -> None:
        self._templates = templates
        self._tokens = tokens
        self._from = settings.notifier_mail_from
        self._public_url = str(settings.notifier_public_url).rstrip("/")
        self.sender = parseaddr(self._from)[1]

    def message_id(self, job: MailJob, to: Addressee) -> str:
        """Return the Message-ID of this incident, kind and recipient: the same each time."""
        who = hashlib.sha256(to.email.lower().encode()).hexdigest()[:16]
        what = job.id.replace("/", ".")
        return f"<{what}.{who}@{self.sender.rpartition('@')[2]}>"

    def build(self, job: MailJob, content: MailContent, to: Addressee) -> EmailMessage:
        """Render the mail for its recipient."""
        unsubscribe_url = self._unsubscribe_url(job, to)
        facts = {
            **content.facts,
            "subject": content.subject,
            "recipient": wording.plain(to.name),
            "unsubscribe_url": unsubscribe_url,
        }
        message = EmailMessage(policy=SMTP if to.email.isascii() else SMTPUTF8)
        message["From"] = self._from
        message["To"] = _address(to)
        message["Subject"] = wording.plain(content.subject, SUBJECT_MAX)
        message["Date"] = format_datetime(job.claimed_at)
        message["Message-ID"] = self.message_id(job, to)
        for name, value in self._further_headers(job, content, unsubscribe_url):
            message[name] = value
        message.set_content(self._templates.text(content.template, **facts), cte="quoted-printable")
        message.add_alternative(
            self._templates.html(content.template, **facts), subtype="html", cte="quoted-printable"
        )
        return message

    def _further_headers(
        self, job: MailJob, content: MailContent, unsubscribe_url: str
    ) -> list[tuple[str, str]]:
        headers = [
            ("X-TableSync-Kind", str(job.kind)),
            ("X-TableSync-Incident", job.incident_ids[0]),
            ("Auto-Submitted", "auto-generated"),
            ("List-Unsubscribe", f"<{unsubscribe_url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
        if content.answers:
            headers += [("In-Reply-To", content.answers), ("References", content.answers)]
        return headers

    def _unsubscribe_url(self, job: MailJob, to: Addressee) -> str:
        token = self._tokens.make(Subscriber(job.workspace_id, to.operator_id))
        return f"{self._public_url}/unsubscribe/{token}"


def _address(to: Addressee) -> Address:
    """Return the header's address; `addr_spec` would refuse a name beyond ASCII before the @."""
    username, _, domain = to.email.rpartition("@")
    return Address(wording.plain(to.name), username, domain)
