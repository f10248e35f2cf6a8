"""Settings of auth-service, read from the environment; each provider's own are in its file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from tablesync.auth_service.grants.intents import RefreshSettings
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.identity.limits import LimitSettings
from tablesync.auth_service.keyring import Keyring
from tablesync.auth_service.providers import ProviderSettings
from tablesync.auth_service.setting_types import HttpUrl, Origins, origins
from tablesync.contracts.internal_api.base import Text
from tablesync.service_kit.settings import MOST_DAYS_KEPT, ServiceSettings

NAME = "auth-service"


def _key_file(path: Path) -> Path:
    """Refuse to start without a usable key."""
    Keyring.from_file(path)
    return path


def _bootstrap_file(path: Path) -> Path:
    """Refuse to start with a file that cannot be applied."""
    first_workspace.read(path)
    return path


class Settings(ProviderSettings, RefreshSettings, LimitSettings, ServiceSettings):
    """Settings of the kit, the providers and refreshes, and what auth-service needs beyond them."""

    auth_public_url: HttpUrl
    auth_encryption_keys_file: Annotated[Path, AfterValidator(_key_file)]
    # Where browsers may be sent when an attempt to connect has ended, separated by commas.
    auth_return_origins: Origins = ""
    auth_oidc_issuer_url: HttpUrl | None = None
    auth_oidc_client_id: Text = "tablesync"
    auth_bootstrap_file: Annotated[Path, AfterValidator(_bootstrap_file)] | None = None
    # No message is about them, so that they need not outlast any.
    auth_keep_attempts_days: int = Field(default=7, ge=1, le=MOST_DAYS_KEPT)
    # A person waits, and new tokens are not stored meanwhile.
    auth_look_seconds: float = Field(default=3.0, gt=0, le=10)
    scheduler_url: HttpUrl

    @property
    def return_origins(self) -> frozenset[str]:
        """Each of the origins to which browsers may be sent."""
        return origins(self.auth_return_origins)
