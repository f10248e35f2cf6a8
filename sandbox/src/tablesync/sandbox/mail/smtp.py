"""The SMTP side: no authentication, no TLS, and refusals that a script can switch on."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from tablesync.sandbox.counters import Counters

from .mailbox import Mailbox

MAXIMUM_BYTES = 32 * 1024 * 1024


class Catcher:
    """An aiosmtpd handler that keeps what it is given."""

    def __init__(self, mailbox: Mailbox, counters: Counters) -> None:
        self._mailbox, self._counters = mailbox, counters
        self.mend()

    def refuse(self, body: Mapping[str, Any]) -> None:
        """Answer the next mails with an SMTP status; no `count` stands for every one."""
        self._status = int(body.get("status", 451))
        self._left: int | None = body.get("count")

    def mend(self) -> None:
        """Take every mail again."""
        self._status, self._left = 0, 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take one mail, or refuse it."""
        if self._refuses():
            self._counters.mail.refused += 1
            return f"{self._status} Refused by the sandbox"
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._mailbox.deliver(envelope.rcpt_tos, raw)
        self._counters.mail.accepted += 1
        return "250 Message accepted for delivery"

    def _refuses(self) -> bool:
        if self._left is None:
            return True
        if self._left <= 0:
            return False
        self._left -= 1
        return True


async def serve_smtp(catcher: Catcher, host: str, port: int) -> asyncio.Server:
    """Listen for mail."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, data_size_limit=MAXIMUM_BYTES, loop=loop),
        host,
        port,
    )
