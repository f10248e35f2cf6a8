"""Settings: what is refused at start, by name."""

from typing import Any

import pytest
from pydantic import ValidationError
from tablesync.notifier.settings import Settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("notifier_reminder_seconds", [10, 5]),
        ("notifier_reminder_seconds", [0]),
        ("notifier_mail_from", "nobody"),
        ("notifier_mail_from", "a@b.test\r\nBcc: x@y.test"),
        ("notifier_smtp_port", 0),
        ("notifier_smtp_tls", "maybe"),
        ("notifier_public_url", "tablesync"),
        ("notifier_digest_above", 0),
    ],
)
def test_a_malformed_setting_is_named(settings: Settings, name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate({**settings.model_dump(), name: value})
    assert refusal.value.errors()[0]["loc"][0] == name


def test_the_password_is_not_shown(settings: Settings) -> None:
    with_password = {**settings.model_dump(), "notifier_smtp_password": "s3cret"}
    assert "s3cret" not in repr(Settings.model_validate(with_password))
