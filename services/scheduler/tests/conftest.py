"""What the scheduler's tests share: its rig on an empty database, its peers, its HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from scheduler_examples import OBJECTS, PROVIDERS, TABLE, WORKSPACE, a_state, new_sync_body
from scheduler_http import Json, Tokens, client_of
from scheduler_rig import Rig
from tablesync.contracts import ConnectionEstablished
from tablesync.local_stack.keys import ServiceKeys
from tablesync.scheduler.settings import NAME, Settings
from tablesync.scheduler.store import INDEXES
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.service import KIT_INDEXES
from tablesync.test_kit import free_port
from tablesync.test_kit.isolation import empty_databases
from tablesync.test_kit.stand_ins import AuthServiceStandIn, CatalogConnection, SyncRunnerStandIn


@pytest_asyncio.fixture
async def auth_service(service_keys: ServiceKeys) -> AsyncIterator[AuthServiceStandIn]:
    """Serve what stands in for auth-service; both connections are connected."""
    async with AuthServiceStandIn(service_keys.trusted_keys_file) as stand_in:
        for connection_id in PROVIDERS:
            stand_in.know(a_state(ConnectionEstablished, 1, connection_id))
        yield stand_in


@pytest_asyncio.fixture
async def sync_runner(service_keys: ServiceKeys) -> AsyncIterator[SyncRunnerStandIn]:
    """Serve what stands in for sync-runner, with something at both ends."""
    async with SyncRunnerStandIn(service_keys.trusted_keys_file) as stand_in:
        for connection_id, provider in PROVIDERS.items():
            stand_in.connections[connection_id] = CatalogConnection(WORKSPACE, provider)
        stand_in.objects = {name: [*properties] for name, properties in OBJECTS.items()}
        stand_in.tables = {"appAcme0000000001": [TABLE]}
        yield stand_in


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database(mongodb_uri: str, shared_prefix: str) -> AsyncIterator[Database]:
    client = mongo.connect(mongodb_uri)
    database = mongo.open_database(client, f"{shared_prefix}scheduler")
    await ensure_indexes(database, {**KIT_INDEXES, **INDEXES})
    yield database
    client.close()


@pytest.fixture
def database(mongodb_uri: str, shared_prefix: str, shared_database: Database) -> Database:
    """Return the database, empty."""
    empty_databases(mongodb_uri, shared_prefix)
    return shared_database


@pytest_asyncio.fixture
async def rig(database: Database) -> Rig:
    """Return the scheduler's parts on an empty database, both connections connected."""
    rig = Rig(database)
    await rig.connect()
    return rig


@pytest.fixture
def settings(
    mongodb_uri: str,
    shared_prefix: str,
    service_keys: ServiceKeys,
    auth_service: AuthServiceStandIn,
    sync_runner: SyncRunnerStandIn,
) -> Settings:
    """Return settings that lead to the stand-ins, and to no Kafka."""
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": f"127.0.0.1:{free_port()}",
            "mongodb_uri": mongodb_uri,
            "mongodb_database_prefix": shared_prefix,
            "http_port": free_port(),
            "service_key_file": service_keys.private_key_file(NAME),
            "trusted_keys_file": service_keys.trusted_keys_file,
            "auth_service_url": auth_service.url,
            "sync_runner_url": sync_runner.url,
            "scheduler_min_interval_seconds": 1,
            "scheduler_catch_up_jitter_seconds": 0,
        }
    )


@pytest.fixture
def kafka_settings(settings: Settings, kafka_bootstrap: str, topic_prefix: str) -> Settings:
    """Return settings with a real Kafka."""
    return settings.with_(
        kafka_bootstrap_servers=kafka_bootstrap,
        kafka_topic_prefix=topic_prefix,
        kafka_fetch_max_wait_ms=20,
    )


@pytest.fixture
def tokens(service_keys: ServiceKeys) -> Tokens:
    """Return what makes the headers to sign in with."""
    return Tokens(service_keys)


@pytest_asyncio.fixture
async def api(rig: Rig, settings: Settings, tokens: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the service's API alone, signed in as an operator."""
    async with client_of(settings, tokens.operator(), "api") as client:
        yield client


@pytest_asyncio.fixture
async def service(
    rig: Rig, kafka_settings: Settings, tokens: Tokens
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the whole running service, signed in as an operator."""
    async with client_of(kafka_settings, tokens.operator()) as client:
        yield client


@pytest.fixture
def body() -> Json:
    """Return the body of a request that creates a sync."""
    return new_sync_body()
