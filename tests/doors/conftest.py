"""Every service, without Kafka and MongoDB: whoever has no token is answered before both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from tablesync.local_stack.keys import SERVICES

from .running import RECEIVE_SECONDS, Running, running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Running]]:
    """Yield every service, started at once."""
    folder, seconds = tmp_path_factory.mktemp("doors"), str(RECEIVE_SECONDS)
    async with AsyncExitStack() as stack:
        starting = (
            stack.enter_async_context(running(each, folder, HTTP_RECEIVE_SECONDS=seconds))
            for each in SERVICES
        )
        yield {each.name: each for each in await asyncio.gather(*starting)}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, services: dict[str, Running]) -> Running:
    return services[request.param]


@pytest.fixture
def auth_service(services: dict[str, Running]) -> Running:
    """Return the service that has a route for everybody."""
    return services["auth-service"]
