"""A platform as the stories need it, and a story that is about to be told there."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType

from platform_settings import HURRY, QUICK_TAKEOVER, ROOT, SMALL
from rich.console import Console
from tablesync.demo.api import Api
from tablesync.demo.console import Stage
from tablesync.demo.person import Person
from tablesync.demo.story import Plot, Story
from tablesync.demo.timeline import Timeline
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.keys import SERVICES
from tablesync.local_stack.plan import BACKING
from tablesync.test_kit import SandboxControl

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


@asynccontextmanager
async def telling(
    info: StackInfo, topic_prefix: str, sandbox: SandboxControl, workspace_id: str | None = None
) -> AsyncIterator[tuple[Story, Watch]]:
    """Yield a story, and a watch on the topics: on all of them, or on what is of one workspace."""
    api = Api(info.urls, info.api_token)
    person = Person(api, sandbox)
    with Stage(Timeline(), Console(force_terminal=False)) as stage:
        story = Story(api, person, sandbox, stage, PLOT)
        watch = Watch(info.kafka, story.on_event, topic_prefix, workspace_id)
        await watch.start()
        try:
            yield story, watch
        finally:
            await watch.stop()
            await person.close()
            await api.close()
