"""What renders a mail: real templates, settings and keys, and no server."""

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from notifier_examples import mail_job
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.local_stack.keys import ServiceKeys
from tablesync.notifier.mail.content import MailContent
from tablesync.notifier.mail.mime import Messages
from tablesync.notifier.mail.plan import Addressee
from tablesync.notifier.mail.rendering import Templates
from tablesync.notifier.settings import Settings
from tablesync.notifier.unsubscribe import UnsubscribeTokens

ADA = Addressee(operator_id="op_ada", email="ada@acme.test", name="Ada")


@pytest.fixture
def settings(service_keys: ServiceKeys) -> Settings:
    """Return settings that need no server."""
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": "kafka:9092",
            "mongodb_uri": "mongodb://unused",
            "http_port": 1,
            "service_key_file": service_keys.private_key_file("notifier"),
            "trusted_keys_file": service_keys.trusted_keys_file,
            "auth_service_url": "http://auth.example",
            "scheduler_url": "http://scheduler.example",
            "notifier_smtp_host": "unused",
            "notifier_smtp_port": 25,
            "notifier_mail_from": "TableSync <mail@tablesync.example>",
            "notifier_public_url": "https://tablesync.example",
        }
    )


@pytest.fixture
def tokens(settings: Settings) -> UnsubscribeTokens:
    """Return the maker of unsubscribe tokens."""
    return UnsubscribeTokens.from_files(settings.service_key_file, settings.trusted_keys_file)


@pytest.fixture
def build(settings: Settings, tokens: UnsubscribeTokens) -> Callable[..., EmailMessage]:
    """Build a mail from a letter's template, subject and facts."""
    messages = Messages(Templates(), tokens, settings)

    def build(
        template: str,
        subject: str,
        facts: dict[str, Any],
        kind: MailKind = MailKind.REVOCATION,
        to: Addressee = ADA,
    ) -> EmailMessage:
        content = MailContent(template, subject, facts, [to])
        return messages.build(mail_job(kind), content, to)

    return build
