"""Settings every service has, read from the environment; a bad one is named, at start."""

import json
import sys
from math import ceil
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self, TypeVar

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from pydantic import AfterValidator, AnyHttpUrl, Field, FilePath, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from tablesync.contracts import TOPICS

S = TypeVar("S", bound=BaseSettings)


def readable_key(path: Path) -> Path:
    """Check that a file holds an Ed25519 private key; raises ValueError."""
    try:
        key = OKPKey.import_key(path.read_bytes())
    except (JoseError, ValueError) as error:
        raise ValueError("holds no private key in PEM") from error
    if key.get("crv") != "Ed25519" or not key.is_private:
        raise ValueError("holds no Ed25519 private key")
    return path


def readable_key_set(path: Path) -> Path:
    """Check that a file holds a JWKS; raises ValueError."""
    try:
        KeySet.import_key_set(json.loads(path.read_bytes()))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ValueError("holds no JSON Web Key Set") from error
    return path


# What a replay of a topic may ask about outlives the topic's messages by a week.
LEAST_DAYS_KEPT = ceil(max(each.retention_hours for each in TOPICS.values()) / 24) + 7
MOST_DAYS_KEPT = 10_000


def outlasting_topics(days: int) -> int:
    """Check that what is kept so long outlasts every message about it; raises ValueError."""
    if not LEAST_DAYS_KEPT <= days <= MOST_DAYS_KEPT:
        raise ValueError(
            f"must be {LEAST_DAYS_KEPT} to {MOST_DAYS_KEPT} days: topics keep messages for "
            f"{LEAST_DAYS_KEPT - 7}, and a replay has to meet what they brought about"
        )
    return days


# How many days a kind of document is kept once it has ended.
DaysKept = Annotated[int, AfterValidator(outlasting_topics)]


class ProcessSettings(BaseSettings):
    """What every process needs that serves HTTP and reads Kafka."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    kafka_bootstrap_servers: str = Field(pattern=r"^\S+:\d+$")
    kafka_topic_prefix: str = ""
    kafka_auto_created_topics: bool = Field(
        default=False, description="The broker creates topics itself: only librdkafka's mock does."
    )
    kafka_fetch_max_wait_ms: int = Field(
        default=1_000, ge=1, description="Kafka answers a fetch at once when it has messages."
    )
    kafka_check_seconds: float = Field(default=5.0, gt=0)
    # A message whose handler hangs is parked within 30 s: at the third attempt.
    message_attempt_seconds: float = Field(default=8.0, gt=0, le=8)
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65535)
    http_receive_seconds: float = Field(
        default=20.0, gt=0, description="How long a request's headers may take, then its body."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otel_exporter_otlp_endpoint: AnyHttpUrl | None = None

    def with_(self, **changes: object) -> Self:
        """Return a copy with some settings changed, for tests and tools."""
        return self.model_copy(update=changes)


class ServiceSettings(ProcessSettings):
    """What every service needs; a service subclasses it and adds its own fields."""

    mongodb_uri: str = Field(repr=False, pattern=r"^mongodb(\+srv)?://.+")
    mongodb_database_prefix: str = ""
    mongodb_operation_seconds: float = Field(default=10.0, gt=0, le=15)
    service_key_file: Annotated[FilePath, AfterValidator(readable_key)]
    trusted_keys_file: Annotated[FilePath, AfterValidator(readable_key_set)]
    keep_inbox_days: DaysKept = 14
    help_url: AnyHttpUrl | None = Field(
        default=None, description="Where the help pages are: the dashboard's address, and /help."
    )

    def help_page(self, path: str | None) -> str | None:
        """Return the address of a page of the help; None without a page, or without a help."""
        return f"{str(self.help_url).rstrip('/')}/{path}" if self.help_url and path else None


def load(settings: type[S]) -> S:
    """Read settings from the environment, or end the process naming each bad one."""
    try:
        return settings()
    except ValidationError as error:
        refuse(explain(error))


def refuse(reason: str) -> NoReturn:
    """End the process with status 2, as for wrong usage, and say why on standard error."""
    sys.stderr.write(reason + "\n")
    sys.exit(2)


def explain(error: ValidationError) -> str:
    """Name each missing or malformed setting as its environment variable, without its value."""
    lines = [
        f"  {'.'.join(str(part) for part in each['loc']).upper() or 'together'}: {each['msg']}"
        for each in error.errors(include_input=False, include_url=False)
    ]
    return "These settings are missing or malformed (see .env.example):\n" + "\n".join(lines)
