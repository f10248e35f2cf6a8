"""The sandbox as a process: its settings and its end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
from tablesync.test_kit import SandboxControl, eventually, free_port


@contextmanager
def running(**settings: str) -> Iterator[tuple[subprocess.Popen, str]]:
    port = free_port()
    ports = {"SANDBOX_HTTP_PORT": str(port), "SANDBOX_SMTP_PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", "tablesync.sandbox"],
        env={**os.environ, **ports, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def connections(pid: int) -> int:
    sockets = psutil.Process(pid).net_connections("tcp")
    return sum(each.status == psutil.CONN_ESTABLISHED for each in sockets)


async def healthy(url: str) -> None:
    async def ready() -> bool:
        async with httpx.AsyncClient() as http:
            try:
                return (await http.get(f"{url}/healthz")).is_success
            except httpx.TransportError:
                return False

    await eventually(ready, timeout=60)


async def test_a_malformed_setting_is_named():
    with running(SANDBOX_CONTACTS="many", SANDBOX_LIMITS="maybe") as (process, _):
        _, errors = await asyncio.to_thread(process.communicate)
    assert process.returncode == 2
    assert "SANDBOX_CONTACTS: " in errors
    assert "SANDBOX_LIMITS: " in errors


async def test_settings_reach_tokens_and_redirects():
    settings = {
        "SANDBOX_ACCESS_TOKEN_SECONDS": "7",
        "SANDBOX_REDIRECT_URIS": "https://sync.example/a, https://sync.example/b",
        "SANDBOX_CONTACTS": "3",
    }
    with running(**settings) as (_, url):
        await healthy(url)
        async with SandboxControl(url) as sandbox, httpx.AsyncClient() as http:
            refresh = (await sandbox.mint("hubspot", "7001"))["refresh_token"]
            assert len(await sandbox.records("hubspot", "7001", object="contacts")) == 3
            app = {"client_id": "sandbox-hubspot", "client_secret": "sandbox-hubspot-secret"}
            form = {"grant_type": "refresh_token", "refresh_token": refresh, **app}
            answer = await http.post(f"{url}/hubspot/oauth/v3/token", data=form)
            assert answer.json()["expires_in"] == 7
            for uri, status in (("https://sync.example/b", 200), ("https://sync.example/c", 400)):
                query = {**app, "redirect_uri": uri, "scope": "oauth"}
                page = await http.get(f"{url}/hubspot/oauth/authorize", params=query)
                assert page.status_code == status
            assert "Acme Europe" in (await http.get(url)).text


async def test_sigterm_ends_it_at_once_whatever_is_under_way():
    with running(SANDBOX_LATENCY_MS="600000", SANDBOX_CONTACTS="10") as (process, url):
        await healthy(url)
        async with httpx.AsyncClient(timeout=60) as http:
            hanging = asyncio.create_task(http.get(f"{url}/hubspot/crm/v3/owners"))
            await eventually(lambda: connections(process.pid))
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 30) == 0
            await asyncio.wait([hanging])
            assert isinstance(hanging.exception(), httpx.TransportError)
