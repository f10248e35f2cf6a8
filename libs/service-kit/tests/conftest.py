"""What the kit's tests share: settings, a database of their own, and a service's parts."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import structlog
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging import inbox
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.service import KIT_INDEXES
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import free_port


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Print a traceback as it is: structlog's picture of one takes seconds to draw."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


@pytest.fixture
def settings(
    kafka_bootstrap: str,
    mongodb_uri: str,
    topic_prefix: str,
    database_prefix: str,
    service_keys: ServiceKeys,
) -> ServiceSettings:
    return ServiceSettings(
        kafka_bootstrap_servers=kafka_bootstrap,
        kafka_topic_prefix=topic_prefix,
        kafka_fetch_max_wait_ms=20,
        mongodb_uri=mongodb_uri,
        mongodb_database_prefix=database_prefix,
        http_port=free_port(),
        service_key_file=service_keys.private_key_file("sync-runner"),
        trusted_keys_file=service_keys.trusted_keys_file,
    )


@pytest_asyncio.fixture
async def database(mongodb_uri: str, database_prefix: str) -> AsyncIterator[Database]:
    """Yield a service's database with the kit's indexes."""
    client = mongo.connect(mongodb_uri)
    database = mongo.open_database(client, f"{database_prefix}kit")
    await ensure_indexes(database, {**KIT_INDEXES, **inbox.expiries(days=14)})
    yield database
    client.close()


@pytest.fixture
def units(database: Database) -> UnitsOfWork:
    return UnitsOfWork(database, "scheduler")
