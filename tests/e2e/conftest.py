"""The instruments of the stories: a whole platform of its own, a person, a stage."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from story_platform import platform, telling
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl


@pytest.fixture
def notifier() -> dict[str, str]:
    """What notifier is told beside its settings here; a module may tell it something."""
    return {}


@pytest.fixture
def stack(
    kafka_bootstrap: str,
    mongodb_uri: str,
    topic_prefix: str,
    database_prefix: str,
    notifier: dict[str, str],
) -> Iterator[LocalStack]:
    """A platform for one story, which may kill what it likes."""
    with platform(kafka_bootstrap, mongodb_uri, topic_prefix, database_prefix, notifier) as stack:
        yield stack


@pytest.fixture
def lone_stack(topic_prefix: str, database_prefix: str) -> Iterator[LocalStack]:
    """A platform that shares neither Kafka nor MongoDB, so that a story may kill both."""
    with platform(None, None, topic_prefix, database_prefix) as stack:
        yield stack


@asynccontextmanager
async def telling_alone(stack: LocalStack, topic_prefix: str) -> AsyncIterator[tuple[Story, Watch]]:
    """Yield a story that has a whole platform for itself, and a watch on its topics."""
    assert stack.info.sandbox
    async with (
        SandboxControl(stack.info.sandbox) as sandbox,
        telling(stack.info, topic_prefix, sandbox) as both,
    ):
        yield both


@pytest.fixture
async def told_alone(
    lone_stack: LocalStack, topic_prefix: str
) -> AsyncIterator[tuple[Story, Watch]]:
    """A story about to be told on a platform that has Kafka and MongoDB for itself."""
    async with telling_alone(lone_stack, topic_prefix) as both:
        yield both


@pytest.fixture
async def told(stack: LocalStack, topic_prefix: str) -> AsyncIterator[tuple[Story, Watch]]:
    """A story about to be told on a fresh platform."""
    async with telling_alone(stack, topic_prefix) as both:
        yield both
