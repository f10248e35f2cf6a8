"""A running auth-service, and a driver that plays browser, operator and the other services."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import pytest_asyncio
from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.identity.first_workspace import BootstrapFile
from tablesync.auth_service.settings import NAME, Settings
from tablesync.contracts import new_id
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.service import Service
from tablesync.test_kit import SandboxControl, eventually, free_port, unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics

Json = dict[str, Any]
Environment = Callable[..., dict[str, str]]


PORTAL, OTHER_PORTAL = "7001", "7002"


@pytest.fixture(scope="session")
def isolation(kafka_bootstrap: str, mongodb_uri: str) -> Iterator[tuple[str, str]]:
    """Yield what all topics and databases of these tests open with: a test has its workspace."""
    topics, databases = unique_prefix("-"), unique_prefix("_")
    yield topics, databases
    drop_topics(kafka_bootstrap, topics)
    drop_databases(mongodb_uri, databases)


@pytest.fixture(scope="session")
def environment(
    kafka_bootstrap: str,
    mongodb_uri: str,
    isolation: tuple[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
) -> Environment:
    """Return a function that makes the environment of one more auth-service process."""
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
            "AUTH_BOOTSTRAP_FILE": str(service_keys.bootstrap_file),
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
        self._services: dict[str, httpx.AsyncClient] = {}
        self._operators: dict[str, httpx.AsyncClient] = {}

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
        """Return a client that speaks as another service."""
        if name not in self._services:
            signer = Signer.from_file(name, self.keys.private_key_file(name))
            self._services[name] = self.client(auth=ServiceAuth(signer, "auth-service"))
        return self._services[name]

    async def operator(self, role: str = "admin") -> httpx.AsyncClient:
        """Return a client that speaks as an operator of the test's workspace."""
        if role not in self._operators:
            token = await self.user_token(role)
            self._operators[role] = self.client(headers={"Authorization": f"Bearer {token}"})
        return self._operators[role]

    async def user_token(self, role: str = "admin") -> str:
        """Exchange an API token for a user token."""
        answer = await self.client().post("/v1/tokens", json={"api_token": self.api_token(role)})
        return str(answer.raise_for_status().json()["access_token"])

    def api_token(self, role: str = "admin") -> str:
        """Return the API token of the bootstrap file's operator with this role."""
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
    """Return the sandbox's answer for an account: at Airtable the account is the user."""
    if provider == "airtable":
        return {"user": account if "@" in account else "ada@acme.test", "decision": "allow"}
    return {"user": "ada@acme.test", "account": account, "decision": "allow"}


Start = Callable[..., Any]


@pytest_asyncio.fixture(scope="session")
async def _shared(environment: Environment) -> AsyncIterator[str]:
    """Run one auth-service for all tests and give its address."""
    settings = settings_of(environment())
    async with running(settings):
        yield settings.auth_public_url


@pytest_asyncio.fixture
async def workspace(_shared: str, database: Any, service_keys: ServiceKeys) -> Json:
    """Make a workspace with three operators, each with an API token, for this test alone."""
    tag = secrets.token_hex(4)
    content = service_keys.bootstrap()
    content["workspace"]["id"] = new_id("ws")
    for each in content["operators"]:
        email, token = f"{each['role']}-{tag}@example.test", f"tsk_{secrets.token_urlsafe(32)}"
        each |= {"id": new_id("op"), "email": email, "api_token": token}
    units = UnitsOfWork(database, NAME)
    await first_workspace.apply(units, BootstrapFile.model_validate(content))
    return content


@pytest_asyncio.fixture
async def auth(
    _shared: str, workspace: Json, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Driver]:
    """Yield the shared auth-service, seen from this test's workspace."""
    async with Driver(_shared, service_keys, workspace, sandbox) as driver:
        yield driver


@pytest_asyncio.fixture
async def start(
    environment: Environment, workspace: Json, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Start]:
    """Yield a function that starts one more auth-service over the same database."""
    async with AsyncExitStack() as stack:

        async def run(providers: Any = None, **changes: str) -> Driver:
            settings = settings_of(environment(**changes))
            await stack.enter_async_context(running(settings, providers))
            driver = Driver(settings.auth_public_url, service_keys, workspace, sandbox)
            return await stack.enter_async_context(driver)

        yield run


@asynccontextmanager
async def running(settings: Settings, providers: Any = None) -> AsyncIterator[Service]:
    """Run a service until the block ends."""
    service, stop = build(settings, providers=providers), asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        await asyncio.wait_for(service.prepared.wait(), 60)
        await eventually(lambda: is_ready(settings.auth_public_url), timeout=60)
        yield service
    finally:
        stop.set()
        await task


async def is_ready(url: str) -> bool:
    """Whether a service answers that it is ready."""
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{url}/readyz")).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def database(mongodb_uri: str, isolation: tuple[str, str]) -> Any:
    """Return auth-service's database, for looking and for tampering."""
    return mongo.open_database(mongo.connect(mongodb_uri), f"{isolation[1]}auth")


class ForkServer:
    """Where processes of auth-service are forked; see fork_server.py."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fork_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, **order: Any) -> Any:
        """Return an order and read the answer."""
        assert self._popen.stdin
        assert self._popen.stdout
        self._popen.stdin.write(json.dumps(order) + "\n")
        self._popen.stdin.flush()
        return json.loads(self._popen.stdout.readline())

    def close(self) -> None:
        """End it; its children are ended by those who started them."""
        assert self._popen.stdin
        self._popen.stdin.close()
        self._popen.wait(10)


class Process:
    """auth-service as a process of its own."""

    def __init__(
        self, fork_server: ForkServer, environment: dict[str, str], log: Path, script: str | None
    ) -> None:
        self.log = log
        self.url = environment["AUTH_PUBLIC_URL"]
        self._fork_server = fork_server
        self._ended: int | None = None
        self.pid = int(fork_server.order(start=environment, script=script, log=str(log)))

    async def ready(self) -> None:
        """Wait until it is ready."""
        await eventually(lambda: is_ready(self.url), timeout=150)

    def wait(self, seconds: float = 30) -> int:
        """Wait for its end and give its exit status, negative for a signal."""
        if self._ended is None:
            self._ended = self._fork_server.order(wait=self.pid, seconds=seconds)
        assert self._ended is not None, f"still runs after {seconds} s"
        return self._ended

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._ended is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Yield where processes are forked."""
    fork_server = ForkServer()
    yield fork_server
    fork_server.close()


@pytest.fixture
def spawn(
    fork_server: ForkServer, environment: Environment, tmp_path: Path
) -> Iterator[Callable[..., Process]]:
    """Yield a function that starts auth-service as a process; all are ended afterwards."""
    started: list[Process] = []

    def start_process(script: str | None = None, **changes: str) -> Process:
        log = tmp_path / f"auth-{len(started)}.log"
        started.append(Process(fork_server, environment(**changes), log, script))
        return started[-1]

    yield start_process
    for each in started:
        each.end()
