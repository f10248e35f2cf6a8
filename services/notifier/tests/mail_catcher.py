"""A real SMTP server for the notifier's tests, and how its mails are read."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tablesync.test_kit import free_port

Answer = Callable[[SMTP, EmailMessage], str]


class MailCatcher:
    """Keeps the mails that it takes, and can be away, refuse or break off."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.answer: Answer = lambda *_: "250 OK"
        self.refused: set[str] = set()
        self.sessions = 0
        self._controller: Controller | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.sessions += 1
        answer = self.answer(server, mail)
        if answer.startswith("250"):
            self.mails.append(mail)
        if answer.endswith("and break off"):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=60)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    def of(self, kind: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["X-TableSync-Kind"] == kind]

    @property
    def message_ids(self) -> set[str]:
        return {mail["Message-ID"] for mail in self.mails}


def recipient_of(mail: EmailMessage) -> str:
    address: str = mail["To"].addresses[0].addr_spec
    return address


def text_of(mail: EmailMessage) -> str:
    return _part(mail, "plain")


def html_of(mail: EmailMessage) -> str:
    return _part(mail, "html")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content
