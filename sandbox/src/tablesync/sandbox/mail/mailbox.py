"""Caught mails, parsed."""

import email
import email.policy
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import count
from typing import Any

from tablesync.sandbox.clock import iso_milliseconds, now_ms


@dataclass(frozen=True, slots=True)
class Mail:
    """One caught mail."""

    id: str
    recipients: list[str]
    message: EmailMessage
    received_at: str

    def shown(self) -> dict[str, Any]:
        """Return the mail as the JSON API shows it."""
        headers = {name: str(value) for name, value in self.message.items()}
        return {
            "id": self.id,
            "message_id": headers.get("Message-ID", ""),
            "from": headers.get("From", ""),
            "to": self.recipients,
            "subject": headers.get("Subject", ""),
            "date": headers.get("Date", ""),
            "headers": headers,
            "text": self._body("plain"),
            "html": self._body("html"),
            "received_at": self.received_at,
        }

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""


class Mailbox:
    """All caught mails, newest last."""

    KEPT = ("mails", "numbers")

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.numbers = count(1)

    def deliver(self, recipients: Iterable[str], raw: bytes) -> Mail:
        """Store a mail as SMTP brought it."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        moment = iso_milliseconds(now_ms())
        mail = Mail(str(next(self.numbers)), list(recipients), message, moment)
        self.mails.append(mail)
        return mail

    def find(self, recipient: str | None = None) -> list[Mail]:
        """Return the mails to somebody, or all."""
        if not recipient:
            return list(self.mails)
        wanted = recipient.lower()
        return [mail for mail in self.mails if wanted in map(str.lower, mail.recipients)]

    def get(self, mail_id: str) -> Mail | None:
        """Return one mail."""
        return next((mail for mail in self.mails if mail.id == mail_id), None)

    def clear(self) -> int:
        """Throw all mails away; return how many there were."""
        removed = len(self.mails)
        self.mails.clear()
        return removed
