"""A running auth-service, and a driver that plays browser, operator and the other services."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.settings import Settings
from tablesync.local_stack.keys import ServiceKeys
from tablesync.local_stack.testing import SandboxControl, eventually, free_port
from tablesync.service_kit import mongo
from tablesync.service_kit.service_auth import ServiceAuth, Signer

Json = dict[str, Any]
Environment = Callable[..., dict[str, str]]


@dataclass(frozen=True)
class Bootstrap:
    """The bootstrap file and what it says."""

    file: Path
    content: Json


PORTAL, OTHER_PORTAL = "7001", "7002"


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory, service_keys: ServiceKeys) -> Bootstrap:
    """Give workspace Demo with an API token for every role."""
    content = service_keys.bootstrap()
    for each in content["operators"]:
        each["api_token"] = f"tsk_{secrets.token_urlsafe(32)}"
    file = tmp_path_factory.mktemp("bootstrap") / "bootstrap.json"
    file.write_text(json.dumps(content))
    return Bootstrap(file, content)


@pytest.fixture
def isolation(topic_prefix: str, database_prefix: str) -> tuple[str, str]:
    """Give what this test's topics and databases open with."""
    return topic_prefix, database_prefix


@pytest.fixture
def environment(
    kafka_bootstrap: str,
    mongodb_uri: str,
    isolation: tuple[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
    bootstrap: Bootstrap,
) -> Environment:
    """Give a function that makes the environment of one more auth-service process."""

    topic_prefix, database_prefix = isolation

    def make(**changes: str) -> dict[str, str]:
        port = free_port()
        return {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
            "KAFKA_TOPIC_PREFIX": topic_prefix,
            "MONGODB_URI": mongodb_uri,
            "MONGODB_DATABASE_PREFIX": database_prefix,
            "HTTP_PORT": str(port),
            "SERVICE_KEY_FILE": str(service_keys.private_key_file("auth-service")),
            "TRUSTED_KEYS_FILE": str(service_keys.trusted_keys_file),
            "AUTH_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "AUTH_ENCRYPTION_KEYS_FILE": str(service_keys.encryption_keys_file),
            "HUBSPOT_API_URL": f"{sandbox_url}/hubspot",
            "HUBSPOT_APP_URL": f"{sandbox_url}/hubspot",
            "AIRTABLE_WEB_URL": f"{sandbox_url}/airtable",
            "AIRTABLE_API_URL": f"{sandbox_url}/airtable",
            "AUTH_HUBSPOT_CLIENT_ID": "sandbox-hubspot",
            "AUTH_HUBSPOT_CLIENT_SECRET": "sandbox-hubspot-secret",
            "AUTH_AIRTABLE_CLIENT_ID": "sandbox-airtable",
            "AUTH_AIRTABLE_CLIENT_SECRET": "sandbox-airtable-secret",
            "AUTH_OIDC_ISSUER_URL": f"{sandbox_url}/oidc",
            "AUTH_BOOTSTRAP_FILE": str(bootstrap.file),
            "SCHEDULER_URL": f"http://127.0.0.1:{free_port()}",
            **changes,
        }

    return make


def settings_of(environment: dict[str, str]) -> Settings:
    """Read settings from an environment that is not this process's own."""
    return Settings(**{name.lower(): value for name, value in environment.items()})


class Driver:
    """One auth-service, seen from outside."""

    def __init__(
        self, url: str, keys: ServiceKeys, bootstrap: Json, sandbox: SandboxControl
    ) -> None:
        self.url = url
        self.keys = keys
        self.sandbox = sandbox
        self.bootstrap = bootstrap
        self.workspace_id: str = self.bootstrap["workspace"]["id"]
        self._clients: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self._clients:
            await each.aclose()

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Make a client of this service: a browser with its own cookies, unless told otherwise."""
        client = httpx.AsyncClient(base_url=self.url, timeout=60, trust_env=False, **options)
        self._clients.append(client)
        return client

    def service(self, name: str) -> httpx.AsyncClient:
        """Make a client that speaks as another service."""
        signer = Signer.from_file(name, self.keys.private_key_file(name))
        return self.client(auth=ServiceAuth(signer, "auth-service"))

    async def operator(self, role: str = "admin") -> httpx.AsyncClient:
        """Make a client that speaks as an operator of workspace Demo."""
        answer = await self.client().post("/v1/tokens", json={"api_token": self.api_token(role)})
        token = answer.raise_for_status().json()["access_token"]
        return self.client(headers={"Authorization": f"Bearer {token}"})

    def api_token(self, role: str = "admin") -> str:
        """Give the API token of the bootstrap file's operator with this role."""
        people = self.bootstrap["operators"]
        return str(next(each["api_token"] for each in people if each["role"] == role))

    async def authorize(
        self, provider: str, connection_id: str | None = None, browser: Any = None
    ) -> Json:
        """Go through an authorization in a browser, as the sandbox's answer says."""
        operator = await self.operator()
        body = {"provider": provider, "connection_id": connection_id}
        answer = await operator.post("/v1/authorizations", json=body)
        attempt = answer.raise_for_status().json()
        browser = browser or self.client(follow_redirects=True)
        page = await browser.get(attempt["start_url"])
        outcome = await operator.get(f"/v1/authorizations/{attempt['id']}")
        return {**outcome.raise_for_status().json(), "page": page}

    async def connect(self, provider: str = "hubspot", account: str = PORTAL) -> Json:
        """Connect an account and give the connection."""
        await self.sandbox.answer(provider, **answer_for(provider, account))
        outcome = await self.authorize(provider)
        assert outcome["status"] == "completed", outcome
        return await self.connection(outcome["connection_id"])

    async def connection(self, connection_id: str) -> Json:
        """Read a connection."""
        answer = await (await self.operator()).get(f"/v1/connections/{connection_id}")
        return answer.raise_for_status().json()  # type: ignore[no-any-return]

    async def token(self, connection_id: str, runner: Any = None) -> httpx.Response:
        """Ask for an access token as sync-runner."""
        path = f"/internal/v1/connections/{connection_id}/access-token"
        runner = runner or self.service("sync-runner")
        return await runner.post(path, json={"workspace_id": self.workspace_id})

    async def report(self, connection_id: str, version: int, status_code: int = 401) -> Json:
        """Report an auth failure as sync-runner."""
        answer = await self.service("sync-runner").post(
            f"/internal/v1/connections/{connection_id}/auth-failures",
            json={
                "workspace_id": self.workspace_id,
                "grant_version": version,
                "status_code": status_code,
            },
        )
        return answer.raise_for_status().json()  # type: ignore[no-any-return]

    async def link(self, connection_id: str) -> str:
        """Make a reconnect link as notifier."""
        answer = await self.service("notifier").post(
            f"/internal/v1/connections/{connection_id}/reconnect-links",
            json={"workspace_id": self.workspace_id},
        )
        return str(answer.raise_for_status().json()["url"])


def answer_for(provider: str, account: str) -> Json:
    """Give the sandbox's answer for an account: at Airtable the account is the user."""
    if provider == "airtable":
        return {"user": account if "@" in account else "ada@acme.test", "decision": "allow"}
    return {"user": "ada@acme.test", "account": account, "decision": "allow"}


Start = Callable[..., Any]


@pytest_asyncio.fixture
async def start(
    environment: Environment,
    service_keys: ServiceKeys,
    bootstrap: Bootstrap,
    sandbox: SandboxControl,
) -> AsyncIterator[Start]:
    """Give a function that starts one more auth-service in this process."""
    async with AsyncExitStack() as stack:

        async def run(providers: Any = None, **changes: str) -> Driver:
            settings = settings_of(environment(**changes))
            url = settings.auth_public_url
            driver = Driver(url, service_keys, bootstrap.content, sandbox)
            return await stack.enter_async_context(running(settings, driver, providers))

        yield run


@asynccontextmanager
async def running(
    settings: Settings, driver: Driver, providers: Any = None
) -> AsyncIterator[Driver]:
    """Run a service until the block ends."""
    service, stop = build(settings, providers=providers), asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        async with driver:
            await asyncio.wait_for(service.prepared.wait(), 30)
            await ready(driver)
            yield driver
    finally:
        stop.set()
        await task


async def ready(driver: Driver) -> None:
    """Wait until a service answers that it is ready."""
    client = driver.client()

    async def check() -> bool:
        try:
            return (await client.get("/readyz")).is_success
        except httpx.TransportError:
            return False

    await eventually(check, timeout=30)


@pytest_asyncio.fixture
async def auth(start: Start) -> Driver:
    """Give one running auth-service."""
    return await start()  # type: ignore[no-any-return]


@pytest.fixture
def database(mongodb_uri: str, database_prefix: str) -> Any:
    """Give auth-service's database, for looking and for tampering."""
    return mongo.open_database(mongo.connect(mongodb_uri), f"{database_prefix}auth")


class Process:
    """auth-service as a process of its own."""

    def __init__(self, environment: dict[str, str], log: Path, *command: str) -> None:
        self.log = log
        self.url = environment["AUTH_PUBLIC_URL"]
        with log.open("ab") as file:
            self.popen = subprocess.Popen(
                [sys.executable, *(command or ("-m", "tablesync.auth_service"))],
                env={**os.environ, **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()


@pytest.fixture
def spawn(environment: Environment, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Give a function that starts auth-service as a process; all are ended afterwards."""
    started: list[Process] = []

    def start_process(*command: str, **changes: str) -> Process:
        log = tmp_path / f"auth-{len(started)}.log"
        started.append(Process(environment(**changes), log, *command))
        return started[-1]

    yield start_process
    for each in started:
        each.end()


def query_of(url: str) -> dict[str, str]:
    """Read a URL's query."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
