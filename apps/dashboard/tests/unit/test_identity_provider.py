"""Sign-in with issuers that call themselves this way or that."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from tablesync.dashboard.settings import Settings
from tablesync.dashboard.web.oidc import IdentityProvider, SignInAttempt
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.client import new_client, new_transport
from tablesync.test_kit import free_port
from tablesync.test_kit.stand_ins.web_server import WebServer

ATTEMPT = SignInAttempt("state", "nonce", "verifier" * 8)
ADDRESSES = ("auth_service_url", "auth_public_url", "scheduler_url", "sync_runner_url")


class Issuer:
    """An issuer on a port of its own; `calls_itself` is its address, with an end of its own."""

    def __init__(self) -> None:
        port = free_port()
        self.url, self.end = f"http://127.0.0.1:{port}", ""
        self.more: dict[str, str] = {}
        app = FastAPI()
        app.get("/.well-known/openid-configuration")(self.discovery)
        self.server = WebServer(app, port)

    @property
    def calls_itself(self) -> str:
        """Its name, as its tokens and callbacks tell it."""
        return self.url + self.end

    async def discovery(self) -> dict[str, Any]:
        """Answer where its endpoints are."""
        return {
            "issuer": self.calls_itself,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            **self.more,
        }


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Serve an issuer."""
    issuer = Issuer()
    await issuer.server.start()
    yield issuer
    issuer.server.stop()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client as the dashboard has."""
    async with new_client() as http:
        yield http


@pytest.mark.parametrize("configured", ["", "/"])
@pytest.mark.parametrize("end", ["", "/"])
async def test_an_issuers_name_may_end_with_a_slash(
    issuer: Issuer, http: httpx.AsyncClient, tmp_path: Path, end: str, configured: str
) -> None:
    issuer.end = end
    provider = _provider(f"{issuer.url}{configured}", http, tmp_path)
    assert (await provider.sign_in_url(ATTEMPT)).startswith(f"{issuer.url}/authorize?")
    assert provider.is_from(issuer.calls_itself)
    assert provider.is_from(None)
    assert not provider.is_from(f"{issuer.url}/another")


async def test_an_issuer_of_another_name_signs_nobody_in(
    issuer: Issuer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    issuer.end = "/another"
    with pytest.raises(DependencyUnavailableError):
        await _provider(issuer.url, http, tmp_path).sign_in_url(ATTEMPT)


async def test_an_issuers_own_sign_out_is_told_where_to_come_back_to(
    issuer: Issuer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    issuer.more = {"end_session_endpoint": f"{issuer.url}/logout?tenant=acme"}
    url = httpx.URL(str(await _provider(issuer.url, http, tmp_path).sign_out_url()))
    assert url.path == "/logout"
    assert dict(url.params) == {
        "tenant": "acme",
        "client_id": "tablesync",
        "post_logout_redirect_uri": "http://127.0.0.1:8105/sign-in",
    }


async def test_an_issuer_may_have_no_sign_out(
    issuer: Issuer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert await _provider(issuer.url, http, tmp_path).sign_out_url() is None


def _provider(issuer_url: str, http: httpx.AsyncClient, folder: Path) -> IdentityProvider:
    key = folder / "key"
    key.write_text("x" * 32)
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": "127.0.0.1:9",
            "http_port": 1,
            "dashboard_signing_key_file": key,
            "dashboard_public_url": "http://127.0.0.1:8105",
            "auth_oidc_issuer_url": issuer_url,
            "notifier_url": "http://127.0.0.1:9",
            **dict.fromkeys(ADDRESSES, "http://127.0.0.1:9"),
        }
    )
    return IdentityProvider(settings, http, new_transport())
