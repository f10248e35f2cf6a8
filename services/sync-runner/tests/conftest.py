"""What sync-runner's tests share: the service's settings, its peer's stand-in, and the rig."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sync_runner_rig import UNLIMITED, Rig
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.sync_runner import store
from tablesync.sync_runner.settings import DATABASE, NAME, Settings
from tablesync.test_kit import SandboxControl, free_port
from tablesync.test_kit.stand_ins import AuthServiceStandIn


@pytest_asyncio.fixture
async def auth_service(service_keys: ServiceKeys) -> AsyncIterator[AuthServiceStandIn]:
    """Serve what stands in for auth-service."""
    async with AuthServiceStandIn(service_keys.trusted_keys_file) as stand_in:
        yield stand_in


@pytest.fixture
def stores(
    kafka_bootstrap: str, mongodb_uri: str, topic_prefix: str, database_prefix: str
) -> dict[str, str]:
    """Return the settings that say where Kafka and MongoDB are."""
    return {
        "kafka_bootstrap_servers": kafka_bootstrap,
        "kafka_topic_prefix": topic_prefix,
        "mongodb_uri": mongodb_uri,
        "mongodb_database_prefix": database_prefix,
    }


@pytest.fixture
def settings(
    stores: dict[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
    auth_service: AuthServiceStandIn,
) -> Settings:
    """Return settings of a runner that is not held up by limits."""
    return Settings.model_validate(
        {
            **stores,
            **UNLIMITED,
            "http_port": free_port(),
            "service_key_file": service_keys.private_key_file(NAME),
            "trusted_keys_file": service_keys.trusted_keys_file,
            "auth_service_url": auth_service.url,
            "hubspot_api_url": f"{sandbox_url}/hubspot",
            "airtable_api_url": f"{sandbox_url}/airtable",
            "runner_lease_seconds": 6,
            "runner_request_seconds": 4,
        }
    )


@pytest_asyncio.fixture
async def rig(
    settings: Settings, sandbox: SandboxControl, auth_service: AuthServiceStandIn, tmp_path: Path
) -> AsyncIterator[Rig]:
    """Yield a world with both connections connected and no limits."""
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, f"{settings.mongodb_database_prefix}{DATABASE}")
    rig = Rig(settings, sandbox, auth_service, database, tmp_path)
    await rig.connect()
    await ensure_indexes(database, store.INDEXES)
    yield rig
    rig.end_processes()
    client.close()
