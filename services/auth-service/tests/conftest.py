"""A running auth-service, and ways to start more."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from auth_service_processes import Environment, Spawn, environments, spawning
from auth_service_rig import Json, Rig, Start
from auth_service_shop_server import ShopServer, serving_shops
from auth_service_shops import registry
from auth_service_stage import Stage
from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.identity.first_workspace import BootstrapFile
from tablesync.auth_service.settings import NAME, Settings
from tablesync.contracts import new_id
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.test_kit import SandboxControl, unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics
from tablesync.test_kit.own_mongod import OwnMongod
from tablesync.test_kit.services import serving


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
    return environments(kafka_bootstrap, mongodb_uri, isolation, service_keys, sandbox_url)


def settings_of(environment: dict[str, str]) -> Settings:
    """Read settings from an environment that is not this process's own."""
    return Settings.model_validate({name.lower(): value for name, value in environment.items()})


@pytest_asyncio.fixture(scope="session")
async def _shared(environment: Environment) -> AsyncIterator[str]:
    """Run one auth-service for all tests; yields its address."""
    settings = settings_of(environment(AUTH_RETURN_ORIGINS="https://dashboard.test"))
    async with serving(build(settings)) as url:
        yield url


@pytest_asyncio.fixture
async def workspace(_shared: str, database: Database, service_keys: ServiceKeys) -> Json:
    """Make a workspace with three operators, each with an API token, for this test alone."""
    return await new_workspace(database, service_keys)


async def new_workspace(database: Database, service_keys: ServiceKeys) -> Json:
    """Make one more workspace with three operators."""
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
async def rig(
    _shared: str, workspace: Json, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Rig]:
    """Yield the shared auth-service, seen from this test's workspace."""
    async with Rig(_shared, service_keys, workspace, sandbox) as rig:
        yield rig


@pytest_asyncio.fixture
async def other_rig(
    rig: Rig, database: Database, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Rig]:
    """Yield the same auth-service, seen from a workspace of others."""
    others = await new_workspace(database, service_keys)
    async with Rig(rig.url, service_keys, others, sandbox) as other:
        yield other


@pytest.fixture(scope="session")
def _shop_server() -> Iterator[ShopServer]:
    """Run the shops and lists of the test-only providers for all tests."""
    with serving_shops() as server:
        yield server


@pytest.fixture
def shops(_shop_server: ShopServer) -> ShopServer:
    """Return the shops and lists, as they are at their beginning."""
    _shop_server.reset()
    return _shop_server


@pytest_asyncio.fixture(scope="session")
async def _with_shops(environment: Environment, _shop_server: ShopServer) -> AsyncIterator[str]:
    """Run one auth-service that serves the test-only providers too; yields its address."""
    # A dead sender's intent is watched for a while; a short one proves the same.
    settings = settings_of(environment(AUTH_REFRESH_ABANDONED_SECONDS="1"))
    async with serving(build(settings, providers=registry(_shop_server.url))) as url:
        yield url


@pytest_asyncio.fixture
async def rig_with_shops(
    _with_shops: str,
    shops: ShopServer,
    workspace: Json,
    service_keys: ServiceKeys,
    sandbox: SandboxControl,
) -> AsyncIterator[Rig]:
    """Yield an auth-service with the test-only providers, seen from this test's workspace."""
    async with Rig(_with_shops, service_keys, workspace, sandbox) as rig:
        yield rig


@pytest_asyncio.fixture
async def start(
    environment: Environment, workspace: Json, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Start]:
    """Yield a function that starts one more auth-service over the same database."""
    async with AsyncExitStack() as stack:

        async def run(**changes: str) -> Rig:
            settings = settings_of(environment(**changes))
            url = await stack.enter_async_context(serving(build(settings)))
            return await stack.enter_async_context(Rig(url, service_keys, workspace, sandbox))

        yield run


@pytest.fixture(scope="session")
def database(mongodb_uri: str, isolation: tuple[str, str]) -> Database:
    """Return auth-service's database, for looking and for tampering."""
    return mongo.open_database(mongo.connect(mongodb_uri), f"{isolation[1]}auth")


@pytest.fixture
def spawn(environment: Environment, tmp_path: Path) -> Iterator[Spawn]:
    """Yield a function that starts auth-service as a process; all are ended afterwards."""
    with spawning(environment, tmp_path) as spawn:
        yield spawn


@pytest_asyncio.fixture
async def stage(
    own_mongod: OwnMongod, spawn: Spawn, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Stage]:
    """Yield a stage over a mongod of the test's own; the test `needs("mongod")`."""
    async with Stage(own_mongod, spawn, service_keys, sandbox) as stage:
        yield stage
