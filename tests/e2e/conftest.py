"""The instruments of the stories: a whole platform of its own, a person, a stage."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType

import pytest
from platform_settings import HURRY, QUICK_TAKEOVER, ROOT, SMALL
from rich.console import Console
from tablesync.demo.api import Api
from tablesync.demo.console import Stage
from tablesync.demo.person import Person
from tablesync.demo.story import Plot, Story
from tablesync.demo.timeline import Timeline
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.local_stack.plan import BACKING
from tablesync.test_kit import SandboxControl, unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics

PLOT = Plot(edited=420, patience=300)


@contextmanager
def platform(
    kafka_bootstrap: str | None,
    mongodb_uri: str | None,
    topic_prefix: str,
    database_prefix: str,
    notifier: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[LocalStack]:
    """Run a platform with topics, databases, sandbox and processes of its own.

    Kafka and MongoDB are its own as well, where none are given; `notifier` is more of its settings.
    """
    stack = LocalStack(
        ROOT,
        f"test-{topic_prefix.strip('-')}",
        programs=(*BACKING, *SERVICES),
        kafka_bootstrap=kafka_bootstrap,
        mongodb_uri=mongodb_uri,
        topic_prefix=topic_prefix,
        database_prefix=database_prefix,
        env={
            "sandbox": SMALL,
            "scheduler": HURRY,
            "sync-runner": QUICK_TAKEOVER,
            "notifier": notifier,
        },
        fresh=True,
    )
    with stack:
        yield stack
    stack.remove()


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


@pytest.fixture(scope="module")
def shared_prefix() -> str:
    """The topic prefix of a module's platform."""
    return unique_prefix("-")


@pytest.fixture(scope="module")
def shared_stack(
    kafka_bootstrap: str, mongodb_uri: str, shared_prefix: str
) -> Iterator[LocalStack]:
    """A platform for all tests of a module, which break nothing."""
    database_prefix = shared_prefix.replace("-", "_")
    with platform(kafka_bootstrap, mongodb_uri, shared_prefix, database_prefix) as stack:
        yield stack
    drop_databases(mongodb_uri, database_prefix)
    drop_topics(kafka_bootstrap, shared_prefix)


@asynccontextmanager
async def telling(stack: LocalStack, topic_prefix: str) -> AsyncIterator[tuple[Story, Watch]]:
    """Yield a story on this stack, and a watch on its topics."""
    info = stack.info
    assert info.sandbox
    api = Api(info.urls, info.api_token)
    async with SandboxControl(info.sandbox) as sandbox:
        person = Person(api, sandbox)
        with Stage(Timeline(), Console(force_terminal=False)) as stage:
            story = Story(api, person, sandbox, stage, PLOT)
            watch = Watch(info.kafka, story.on_event, topic_prefix)
            await watch.start()
            try:
                yield story, watch
            finally:
                await watch.stop()
                await person.close()
                await api.close()


@pytest.fixture
async def told_alone(
    lone_stack: LocalStack, topic_prefix: str
) -> AsyncIterator[tuple[Story, Watch]]:
    """A story about to be told on a platform that has Kafka and MongoDB for itself."""
    async with telling(lone_stack, topic_prefix) as both:
        yield both


@pytest.fixture
async def told(stack: LocalStack, topic_prefix: str) -> AsyncIterator[tuple[Story, Watch]]:
    """A story about to be told on a fresh platform."""
    async with telling(stack, topic_prefix) as both:
        yield both
