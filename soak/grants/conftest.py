"""auth-services as processes, over a MongoDB that goes away, for as long as it takes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from auth_service_processes import Spawn, environments, spawning
from auth_service_stage import Stage
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl
from tablesync.test_kit.own_mongod import OwnMongod


@pytest.fixture
def spawn(
    kafka_bootstrap: str,
    own_mongod: OwnMongod,
    topic_prefix: str,
    service_keys: ServiceKeys,
    sandbox_url: str,
    tmp_path: Path,
) -> Iterator[Spawn]:
    prefixes = (topic_prefix, "")
    make = environments(kafka_bootstrap, own_mongod.uri, prefixes, service_keys, sandbox_url)
    with spawning(make, tmp_path) as spawn:
        yield spawn


@pytest_asyncio.fixture
async def stage(
    own_mongod: OwnMongod, spawn: Spawn, service_keys: ServiceKeys, sandbox: SandboxControl
) -> AsyncIterator[Stage]:
    async with Stage(own_mongod, spawn, service_keys, sandbox) as stage:
        yield stage
