"""Settings of auth-service."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.keyring import Keyring
from tablesync.service_kit.settings import ServiceSettings
from tablesync.service_kit.text import Text

NAME = "auth-service"
_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


def _http_url(text: str) -> str:
    """Check a base URL and give it without a slash at its end."""
    _URL.validate_python(text)
    return text.rstrip("/")


def _key_file(path: Path) -> Path:
    """Refuse to start without a usable key."""
    Keyring.from_file(path)
    return path


def _bootstrap_file(path: Path) -> Path:
    """Refuse to start with a file that cannot be applied."""
    first_workspace.read(path)
    return path


HttpUrl = Annotated[str, AfterValidator(_http_url)]
Secret = Annotated[SecretStr, Field(min_length=1)]


class Settings(ServiceSettings):
    """What auth-service needs beyond every service's settings."""

    auth_public_url: HttpUrl
    auth_encryption_keys_file: Annotated[Path, AfterValidator(_key_file)]
    hubspot_api_url: HttpUrl = "https://api.hubapi.com"
    hubspot_app_url: HttpUrl = "https://app.hubspot.com"
    airtable_web_url: HttpUrl = "https://airtable.com"
    airtable_token_url: HttpUrl | None = None
    airtable_api_url: HttpUrl = "https://api.airtable.com"
    auth_hubspot_client_id: Text
    auth_hubspot_client_secret: Secret
    auth_airtable_client_id: Text
    auth_airtable_client_secret: Secret
    auth_oidc_issuer_url: HttpUrl | None = None
    auth_oidc_client_id: Text = "tablesync"
    auth_bootstrap_file: Annotated[Path, AfterValidator(_bootstrap_file)] | None = None
    scheduler_url: HttpUrl

    def redirect_uri(self, provider: str) -> str:
        """Return the one redirect URI of a provider."""
        return f"{self.auth_public_url}/oauth/{provider}/callback"
