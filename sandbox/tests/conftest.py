"""One sandbox as a real process for all these tests, put back to the seed before each."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from hubspot import HubSpot
from pyairtable import Api
from tablesync.test_kit import NO_TLS, SandboxControl, eventually, free_port

ADA = "ada@acme.test"


@pytest.fixture(scope="session")
def sandbox_ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="session")
def sandbox_url(sandbox_ports: tuple[int, int]) -> Iterator[str]:
    http, smtp = sandbox_ports
    settings = {
        "SANDBOX_HTTP_PORT": str(http),
        "SANDBOX_SMTP_PORT": str(smtp),
        "SANDBOX_CONTACTS": "300",
        "SANDBOX_COMPANIES": "50",
        "SANDBOX_DEALS": "40",
        "SANDBOX_LIMITS": "off",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tablesync.sandbox"], env={**os.environ, **settings}
    )
    yield f"http://127.0.0.1:{http}"
    process.terminate()
    assert process.wait(60) == 0


@pytest_asyncio.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[SandboxControl]:
    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(verify=NO_TLS) as http:
                return (await http.get(f"{sandbox_url}/healthz")).is_success
        except httpx.TransportError:
            return False

    await eventually(ready)
    async with SandboxControl(sandbox_url) as control:
        await control.reset()
        yield control


@pytest_asyncio.fixture
async def airtable(sandbox: SandboxControl) -> Api:
    """Ada's Airtable through pyairtable, with only the base URL changed."""
    minted = await sandbox.mint("airtable", ADA)
    return Api(minted["access_token"], endpoint_url=f"{sandbox.url}/airtable")


@pytest_asyncio.fixture
async def hubspot(sandbox: SandboxControl) -> HubSpot:
    """Portal 7001 through HubSpot's own client, with only the host changed."""
    minted = await sandbox.mint("hubspot", "7001")
    return HubSpot(access_token=minted["access_token"], host=f"{sandbox.url}/hubspot")


@pytest_asyncio.fixture
async def http(sandbox: SandboxControl) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.url, timeout=60, verify=NO_TLS) as client:
        yield client


@pytest_asyncio.fixture
async def hubspot_http(sandbox: SandboxControl) -> AsyncIterator[httpx.AsyncClient]:
    """Portal 7001 through plain HTTP."""
    token = (await sandbox.mint("hubspot", "7001"))["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{sandbox.url}/hubspot"
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=60, verify=NO_TLS
    ) as client:
        yield client
