"""A service of the commit before works beside three of today's, through the whole story.

With one service after the other being the old one, every HTTP edge of the architecture is crossed
in both directions of age, and so is every topic.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeAlias

import psutil
import pytest
from tablesync.demo.story import Story
from tablesync.local_stack import LocalStack
from tablesync.test_kit import free_port
from tablesync.test_kit.commit_source import PARTS, ROOT, Source, source_of

from .dump_file import Manifest
from .telling import HURRY, SMALL, mails_by_kind, story_on, tell
from .tomorrow import RETRY_AFTER_SECONDS, Tomorrow, answering

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

Environments: TypeAlias = Mapping[str, Mapping[str, str]]
RunStack: TypeAlias = Callable[..., AbstractContextManager[LocalStack]]
SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")


@pytest.fixture(scope="module")
def before() -> Source:
    """The source of the commit before."""
    return source_of(Manifest.read().commit)


@pytest.fixture
def running(
    kafka_bootstrap: str, mongodb_uri: str, topic_prefix: str, database_prefix: str
) -> RunStack:
    """Run a platform for a block, with more environment for some of its programs."""

    @contextmanager
    def run(env: Environments, ports: Mapping[str, int] | None = None) -> Iterator[LocalStack]:
        story = {"sandbox": SMALL, "scheduler": HURRY}
        merged = {each: {**story.get(each, {}), **env.get(each, {})} for each in {*story, *env}}
        stack = LocalStack(
            ROOT,
            f"test-{topic_prefix.strip('-')}",
            env=merged,
            kafka_bootstrap=kafka_bootstrap,
            mongodb_uri=mongodb_uri,
            topic_prefix=topic_prefix,
            database_prefix=database_prefix,
            ports=ports,
            fresh=True,
        )
        with stack:
            yield stack
        stack.remove()

    return run


# The one that all others ask stands for them here; the rest take a story each, by `make soak`.
@pytest.mark.parametrize(
    "service",
    ["auth-service", *(pytest.param(each, marks=pytest.mark.soak) for each in SERVICES[1:])],
)
async def test_one_service_of_the_commit_before_among_todays(
    running: RunStack, before: Source, service: str
) -> None:
    with running({service: before.environment}) as stack:
        environments = {each: psutil.Process(stack.pid(each)).environ() for each in SERVICES}
        assert before.imported_in(environments.pop(service)) == set(PARTS)
        todays = {each.get("PYTHONPATH") for each in environments.values()}
        assert todays == {os.environ.get("PYTHONPATH")}
        await the_story_is_told(stack)


async def test_every_service_understands_more_than_it_knows(running: RunStack) -> None:
    """Unknown members are passed over at every edge; an unknown ruling means: wait, ask again."""
    ports = {service: free_port() for service in SERVICES}
    later = {
        service: Tomorrow(f"http://127.0.0.1:{ports[service]}")
        for service in ("auth-service", "scheduler", "sync-runner")
    }
    own = {service: free_port() for service in later}
    peers = {
        f"{service.upper().replace('-', '_')}_URL": f"http://127.0.0.1:{port}"
        for service, port in own.items()
    }
    with ExitStack() as parts:
        for service, tomorrow in later.items():
            parts.enter_context(answering(tomorrow, own[service]))
        stack = parts.enter_context(running(dict.fromkeys(SERVICES, peers), ports))
        await the_story_is_told(stack)

    assert all(tomorrow.answered for tomorrow in later.values())
    first, second, *_ = later["auth-service"].reported
    assert second - first >= RETRY_AFTER_SECONDS


async def the_story_is_told(stack: LocalStack) -> None:
    """Tell it, and check how it ends."""
    async with story_on(stack) as story:
        await tell(story)
        assert all(each.equal for each in story.comparisons.values()), story.comparisons
        assert await mails_by_kind(story) == {"revocation": 1, "recovery": 1}
        await one_catch_up_each(story)


async def one_catch_up_each(story: Story) -> None:
    """No sync failed, and each was caught up once."""
    for sync in story.syncs.values():
        runs = await story.runs(sync)
        assert sum(run["trigger"] == "catch_up" for run in runs) == 1
        assert not [run for run in runs if run["status"] == "failed"]
