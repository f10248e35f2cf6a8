"""The sandbox's settings, all from the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a sandbox process is started with; every name carries the prefix `SANDBOX_`."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_")

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8900, ge=1, le=65535)
    smtp_port: int = Field(default=8925, ge=1, le=65535)
    public_url: str = ""
    contacts: int = Field(default=2000, ge=0)
    companies: int = Field(default=800, ge=0)
    deals: int = Field(default=500, ge=0)
    seed: int = 1
    latency_ms: float = Field(default=0, ge=0)
    limits: Literal["on", "off"] = "on"
    access_token_seconds: int | None = Field(default=None, ge=1)
    redirect_uris: str = ""
    oidc_issuer_url: str = ""
    state_file: Path | None = None

    @property
    def base_url(self) -> str:
        """The address under which browsers and clients reach the sandbox, without a final slash."""
        return (self.public_url or f"http://127.0.0.1:{self.http_port}").rstrip("/")

    @property
    def issuer(self) -> str:
        """The OIDC issuer, where programs reach it: browsers may know it by another address."""
        return self.oidc_issuer_url.rstrip("/") or f"{self.base_url}/oidc"

    @property
    def extra_redirect_uris(self) -> frozenset[str]:
        """Redirect URIs that are registered beside the loopback ones."""
        return frozenset(uri.strip() for uri in self.redirect_uris.split(",") if uri.strip())
