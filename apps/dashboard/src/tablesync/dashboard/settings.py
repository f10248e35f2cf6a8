"""The dashboard's settings, read from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, FilePath, SecretStr
from tablesync.service_kit.settings import ProcessSettings

NAME = "dashboard"
LEAST_KEY_CHARACTERS = 32


def _long_enough(file: Path) -> Path:
    """Check that a key cannot be guessed; raises ValueError."""
    if len(file.read_bytes().strip()) < LEAST_KEY_CHARACTERS:
        raise ValueError(f"has fewer than {LEAST_KEY_CHARACTERS} characters")
    return file


class Settings(ProcessSettings):
    """Where services and the identity provider are, and as whom the dashboard signs people in."""

    dashboard_public_url: AnyHttpUrl = Field(
        description="Where browsers reach it: cookies, forms and redirects are made for this."
    )
    dashboard_signing_key_file: Annotated[FilePath, AfterValidator(_long_enough)] = Field(
        description="A long random text: it signs forms and sign-ins under way, in every replica."
    )
    dashboard_oidc_client_id: str = "tablesync"
    dashboard_oidc_client_secret: SecretStr | None = None
    # A browser has six connections to one host, unless a proxy before it speaks HTTP/2: two of them
    # are for pages, and tabs that nobody looks at have no stream.
    dashboard_streams_per_person: int = Field(default=4, ge=1, le=100)
    auth_oidc_issuer_url: AnyHttpUrl
    auth_service_url: AnyHttpUrl
    auth_public_url: AnyHttpUrl = Field(
        description="Where browsers reach auth-service, whose pages lead to providers."
    )
    scheduler_url: AnyHttpUrl
    sync_runner_url: AnyHttpUrl
    notifier_url: AnyHttpUrl
    sandbox_url: str = Field(
        default="", description="Offers practice and people to sign in as; never in production."
    )

    @property
    def signing_key(self) -> SecretStr:
        """What forms are signed with."""
        return SecretStr(self.dashboard_signing_key_file.read_text("utf-8").strip())

    @property
    def origin(self) -> str:
        """Where browsers see it, without a final slash."""
        return origin_of(self.dashboard_public_url)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it over https."""
        return self.dashboard_public_url.scheme == "https"

    @property
    def services(self) -> dict[str, str]:
        """The address of each service by its name."""
        return {
            "auth-service": str(self.auth_service_url),
            "scheduler": str(self.scheduler_url),
            "sync-runner": str(self.sync_runner_url),
            "notifier": str(self.notifier_url),
        }


def origin_of(url: AnyHttpUrl) -> str:
    """Return scheme, host and port of an address."""
    default = {"http": 80, "https": 443}[url.scheme]
    port = "" if url.port in (None, default) else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"
