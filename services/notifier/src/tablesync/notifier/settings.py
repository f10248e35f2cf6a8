"""The notifier's settings."""

from enum import StrEnum
from typing import Annotated

from pydantic import AnyHttpUrl, Field, SecretStr, StringConstraints, field_validator
from tablesync.service_kit.settings import DaysKept, ServiceSettings

NAME = "notifier"
DAY = 86_400.0


class SmtpTls(StrEnum):
    """How the SMTP connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Settings(ServiceSettings):
    """What the notifier needs beside what every service needs; times are in seconds."""

    auth_service_url: AnyHttpUrl
    scheduler_url: AnyHttpUrl

    notifier_smtp_host: str = Field(min_length=1)
    notifier_smtp_port: int = Field(ge=1, le=65535)
    notifier_smtp_username: str | None = None
    notifier_smtp_password: SecretStr | None = None
    notifier_smtp_tls: SmtpTls = SmtpTls.NONE
    notifier_smtp_seconds: float = Field(
        default=20.0, gt=0, description="How long one SMTP answer may take."
    )
    notifier_mail_from: Annotated[str, StringConstraints(pattern=r"^[^\r\n]*@[^\r\n]+$")]
    notifier_public_url: AnyHttpUrl = Field(description="Where mails send people to unsubscribe.")

    notifier_dashboard_url: AnyHttpUrl | None = Field(
        default=None,
        description="Where browsers reach the dashboard; then mails lead there.",
    )

    notifier_workers: int = Field(default=4, ge=1, description="Mails worked on side by side.")
    notifier_lease_seconds: float = Field(
        default=60.0, gt=0, description="How long a worker owns the mail job that it claimed."
    )
    notifier_sync_list_wait_seconds: float = Field(
        default=60.0, ge=0, description="After this a mail goes out without its list of syncs."
    )
    notifier_link_wait_seconds: float = Field(
        default=900.0, ge=0, description="After this a mail goes out without its reconnect link."
    )
    notifier_reminder_seconds: tuple[float, ...] = Field(
        default=(DAY, 3 * DAY, 7 * DAY),
        description="The ladder of reminders, counted from the revocation mail; JSON.",
    )
    notifier_recovery_wait_seconds: float = Field(
        default=1_800.0, ge=0, description="The recovery mail waits for catch-ups this long."
    )
    notifier_digest_window_seconds: float = Field(
        default=60.0, ge=0, description="Failures within this window may share one mail."
    )
    notifier_digest_above: int = Field(
        default=5, ge=1, description="More failures than this in a workspace become one mail."
    )
    notifier_reconcile_seconds: float = Field(
        default=60.0, gt=0, description="How often connection states are compared."
    )
    notifier_keep_incidents_days: DaysKept = Field(
        default=365, description="Incidents and their mails, from when each incident was closed."
    )

    @field_validator("notifier_reminder_seconds")
    @classmethod
    def _ladder_climbs(cls, steps: tuple[float, ...]) -> tuple[float, ...]:
        if any(step <= 0 for step in steps) or list(steps) != sorted(set(steps)):
            raise ValueError("reminders are positive and each is later than the one before")
        return steps
