"""Handing a mail to the SMTP server, told apart by what is known afterwards."""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)
from tablesync.notifier.errors import (
    MailDelayedError,
    OutcomeUnknownError,
    RecipientRefusedError,
)
from tablesync.notifier.settings import Settings, SmtpTls

PERMANENT = 500
QUIT_SECONDS = 2.0
Step = Callable[[], Awaitable[None]]


class Mailer:
    """The SMTP server that mails leave by."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(
        self,
        message: EmailMessage,
        sender: str,
        recipient: str,
        *,
        hand_over: Step,
        take_back: Step,
    ) -> None:
        """Send one mail.

        `hand_over` is awaited right before the content leaves, `take_back` when the server
        refused the content. Raises MailDelayedError and RecipientRefusedError, after which the
        server surely has not taken it, and OutcomeUnknownError.
        """
        smtp = self._client()
        try:
            await self._greet(smtp, sender, recipient)
            await hand_over()
            await self._deliver(smtp, message, take_back)
        finally:
            smtp.close()

    def _client(self) -> SMTP:
        settings = self._settings
        password = settings.notifier_smtp_password
        return SMTP(
            hostname=settings.notifier_smtp_host,
            port=settings.notifier_smtp_port,
            username=settings.notifier_smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.notifier_smtp_tls is SmtpTls.TLS,
            start_tls=settings.notifier_smtp_tls is SmtpTls.STARTTLS,
            timeout=settings.notifier_smtp_seconds,
        )

    async def _greet(self, smtp: SMTP, sender: str, recipient: str) -> None:
        """Come as far as the server taking the recipient."""
        options = [] if recipient.isascii() else ["SMTPUTF8"]
        try:
            await smtp.connect()
            await smtp.mail(sender, options=options, encoding="utf-8")
            await smtp.rcpt(recipient, encoding="utf-8")
        except SMTPRecipientRefused as error:
            raise _refusal(error) from error
        except (SMTPException, OSError, ssl.SSLError, ValueError) as error:
            raise MailDelayedError(_reason(error)) from error

    async def _deliver(self, smtp: SMTP, message: EmailMessage, take_back: Step) -> None:
        try:
            await smtp.data(message.as_bytes())
        except SMTPResponseException as error:
            await take_back()
            raise MailDelayedError(_reason(error)) from error
        except (SMTPException, OSError) as error:
            raise OutcomeUnknownError(_reason(error)) from error
        with suppress(SMTPException, OSError):
            await smtp.quit(timeout=QUIT_SECONDS)


def _refusal(error: SMTPRecipientRefused) -> Exception:
    if error.code >= PERMANENT:
        return RecipientRefusedError(error.recipient, _reason(error))
    return MailDelayedError(_reason(error))


def _reason(error: Exception) -> str:
    """Name a failure without the server's words, which may quote addresses or credentials."""
    code = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
