"""What sync-runner's tests share: the service's settings, its peer's stand-in, and the rig."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sync_runner_rig import TAKEN_OVER_SOON, Rig, rigged, runner_settings
from tablesync.local_stack.keys import ServiceKeys
from tablesync.sync_runner.settings import Settings
from tablesync.test_kit import SandboxControl, unique_prefix
from tablesync.test_kit.isolation import drop_topics, empty_databases
from tablesync.test_kit.stand_ins import AuthServiceStandIn


@pytest.fixture
def database_prefix(mongodb_uri: str, shared_prefix: str) -> str:
    """Return what a test's databases open with, which are empty."""
    empty_databases(mongodb_uri, shared_prefix)
    return shared_prefix


@pytest.fixture(scope="session")
def topic_prefix(kafka_bootstrap: str) -> Iterator[str]:
    """Yield what the topics open with that tests share, which read none: a worker has to find some.

    To make and delete a service's topics takes Kafka a tenth of a second of a core.
    """
    prefix = unique_prefix("-")
    yield prefix
    drop_topics(kafka_bootstrap, prefix)


@pytest.fixture
def own_topics(rig: Rig) -> Iterator[None]:
    """Give a test topics of its own, as what is in them matters to it."""
    rig.settings = rig.settings.with_(kafka_topic_prefix=unique_prefix("-"))
    rig.has_own_topics = True
    yield
    drop_topics(rig.settings.kafka_bootstrap_servers, rig.settings.kafka_topic_prefix)


@pytest_asyncio.fixture
async def auth_service(service_keys: ServiceKeys) -> AsyncIterator[AuthServiceStandIn]:
    """Serve what stands in for auth-service."""
    async with AuthServiceStandIn(service_keys.trusted_keys_file) as stand_in:
        yield stand_in


@pytest.fixture
def settings(
    stores: dict[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
    auth_service: AuthServiceStandIn,
) -> Settings:
    """Return settings of a runner that is not held up by limits."""
    return runner_settings(stores, service_keys, sandbox_url, auth_service.url)


@pytest_asyncio.fixture
async def rig(
    settings: Settings, sandbox: SandboxControl, auth_service: AuthServiceStandIn, tmp_path: Path
) -> AsyncIterator[Rig]:
    """Yield a world with both connections connected and no limits."""
    async with rigged(settings, sandbox, auth_service, tmp_path) as rig:
        yield rig


@pytest.fixture
def taken_over_soon(rig: Rig) -> None:
    """Have the runs of killed workers taken over within seconds."""
    rig.settings = rig.settings.with_(**TAKEN_OVER_SOON)
