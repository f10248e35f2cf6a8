"""Content becomes a mail: HTML and text, a stable Message-ID and a way to unsubscribe."""

import hashlib
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import LINK_LEFT_OUT, Candidate, MailContent
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Addressee, Words
from tablesync.notifier.mail.rendering import Templates
from tablesync.notifier.settings import Settings
from tablesync.notifier.unsubscribe import Subscriber, UnsubscribeTokens

SUBJECT_MAX = 160
LINE_MAX = 75


class _Encoded(str):
    """A header's value in encoded words (RFC 2047)."""

    __slots__ = ()


class _Policy(EmailPolicy):
    """Writes what is encoded as it is.

    The policies of the standard library, of 3.11 to 3.13, lose spaces between encoded words, or
    bytes of them, where they encode a value word by word.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep an encoded value; parse every other."""
        encoded = isinstance(value, _Encoded)
        return (name, str(value)) if encoded else super().header_store_parse(name, value)


ASCII_ADDRESS = _Policy(linesep=SMTP.linesep)
ANY_ADDRESS = _Policy(linesep=SMTPUTF8.linesep, utf8=True)


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
        facts = _facts(content, to, unsubscribe_url)
        message = EmailMessage(policy=ASCII_ADDRESS if to.email.isascii() else ANY_ADDRESS)
        message["From"] = self._from
        message["To"] = _address(to)
        message["Subject"] = _encoded("Subject", _subject(content))
        message["Date"] = format_datetime(job.claimed_at)
        message["Message-ID"] = self.message_id(job, to)
        for name, value in self._further_headers(job, content, unsubscribe_url):
            message[name] = value
        message.set_content(self._templates.text(content.template, **facts), cte="quoted-printable")
        message.add_alternative(
            self._templates.html(content.template, **facts), subtype="html", cte="quoted-printable"
        )
        return message

    def words(self, content: MailContent, to: Candidate) -> Words:
        """Return what the mail says, each link left out: this may be kept, and shown to others."""
        facts = _facts(content.without_link(), to, LINK_LEFT_OUT)
        return Words(
            subject=_subject(content), text=self._templates.text(content.template, **facts)
        )

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


def _facts(content: MailContent, to: Candidate, unsubscribe_url: str) -> dict[str, Any]:
    return {
        **content.facts,
        "subject": content.subject,
        "recipient": wording.plain(to.name),
        "unsubscribe_url": unsubscribe_url,
    }


def _subject(content: MailContent) -> str:
    return wording.plain(content.subject, SUBJECT_MAX)


def _address(to: Addressee) -> Address | str:
    """Return the header's address; `addr_spec` would refuse a name beyond ASCII before the @."""
    name = wording.plain(to.name)
    if not name.isascii():
        return _Encoded(f"{_encoded('To', name)}{SMTP.linesep} <{to.email}>")
    username, _, domain = to.email.rpartition("@")
    return Address(name, username, domain)


def _encoded(header: str, text: str) -> str:
    """Encode a whole text, its spaces included, unless it is ASCII."""
    if text.isascii():
        return text
    folded = Header(text, "utf-8", maxlinelen=LINE_MAX, header_name=header)
    return _Encoded(folded.encode(linesep=SMTP.linesep))
