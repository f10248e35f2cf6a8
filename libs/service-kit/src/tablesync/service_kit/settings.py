"""Settings every service has, read from the environment; a bad one is named, at start."""

import sys
from pathlib import Path
from typing import Literal, NoReturn, Self, TypeVar

from pydantic import AnyHttpUrl, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)


class ServiceSettings(BaseSettings):
    """What every service needs; a service subclasses it and adds its own fields."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    kafka_bootstrap_servers: str
    kafka_topic_prefix: str = ""
    kafka_auto_created_topics: bool = Field(
        default=False, description="The broker creates topics itself: only librdkafka's mock does."
    )
    kafka_fetch_max_wait_ms: int = Field(default=100, ge=1)
    mongodb_uri: str
    mongodb_database_prefix: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65535)
    service_key_file: Path
    trusted_keys_file: Path
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otel_exporter_otlp_endpoint: AnyHttpUrl | None = None

    def with_(self, **changes: object) -> Self:
        """Give a copy with some settings changed, for tests and tools."""
        return self.model_copy(update=changes)


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
