"""One platform for all stories of this folder, which break nothing: each has its own workspace."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from story_platform import platform
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.test_kit import unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics

from .newcomers import Newcomer, newcomer


@pytest.fixture(scope="package")
def stack(kafka_bootstrap: str, mongodb_uri: str) -> Iterator[LocalStack]:
    """Run a platform that every story shares."""
    prefix = unique_prefix("-")
    databases = prefix.replace("-", "_")
    with platform(kafka_bootstrap, mongodb_uri, prefix, databases) as stack:
        yield stack
    drop_databases(mongodb_uri, databases)
    drop_topics(kafka_bootstrap, prefix)


@pytest_asyncio.fixture
async def ada(stack: LocalStack) -> AsyncIterator[Newcomer]:
    """Ada, who administers a workspace that is made for this story."""
    async with newcomer(stack) as ada:
        yield ada


@pytest_asyncio.fixture
async def told(ada: Newcomer) -> AsyncIterator[tuple[Story, Watch]]:
    """A story about to be told in Ada's workspace."""
    async with ada.telling() as both:
        yield both
