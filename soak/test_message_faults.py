"""P13 at full length: what is away for as long as it really is parks nothing.

A backup's lock of 30 s, a check of one collection for 45 s, a database that stands still for 75 s,
a service that does for 64 s.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest
import pytest_asyncio
from service_process import environment, has_begun, service
from tablesync.contracts import Envelope, RunCancelRequested, new_id
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.messaging.kafka import ensure_topics, new_producer
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.messaging import send
from tablesync.test_kit.own_mongod import OwnMongod

pytestmark = [pytest.mark.needs("mongod"), pytest.mark.timeout(600)]
Trouble = Callable[[OwnMongod], Callable[[], AbstractContextManager[None]]]
SUSPENDED_SECONDS = 64


@pytest_asyncio.fixture
async def settings(
    kafka_bootstrap: str, own_mongod: OwnMongod, topic_prefix: str, service_keys: ServiceKeys
) -> ServiceSettings:
    settings = ServiceSettings(
        kafka_bootstrap_servers=kafka_bootstrap,
        kafka_topic_prefix=topic_prefix,
        mongodb_uri=own_mongod.uri,
        http_port=free_port(),
        service_key_file=service_keys.private_key_file("sync-runner"),
        trusted_keys_file=service_keys.trusted_keys_file,
    )
    await ensure_topics(settings, "sync-runner")
    await send(settings, asked("run_0"))
    return settings


@pytest_asyncio.fixture
async def database(settings: ServiceSettings) -> AsyncIterator[Database]:
    client = mongo.connect(settings.mongodb_uri)
    yield mongo.open_database(client, "kit")
    client.close()


def asked(run_id: str) -> Envelope[RunCancelRequested]:
    event = RunCancelRequested(
        workspace_id="ws_1", sync_id="syn_1", run_id=run_id, requested_by=new_id("op")
    )
    return Envelope(event, "scheduler")


async def handled_once(database: Database, settings: ServiceSettings) -> None:
    """Wait until the message has had its one effect, and see that nothing was parked."""

    async def effects() -> list[str]:
        return [each["run_id"] async for each in database["effects"].find()]

    found: Awaitable[list[str]] = eventually(effects, timeout=120)
    assert await found == ["run_0"]
    letters = DeadLetters(settings, "sync-runner", lambda: new_producer(settings))
    assert await letters.list("sync-requests") == []


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        (lambda mongod: mongod.locked, 30),
        (lambda mongod: partial(mongod.validating, "kit", "inbox"), 45),
        (lambda mongod: mongod.suspended, 75),
    ],
    ids=["locked for a backup", "one collection is checked", "standing still"],
)
async def test_p13_mongodb_that_serves_nobody_parks_nothing(
    settings: ServiceSettings,
    database: Database,
    own_mongod: OwnMongod,
    trouble: Trouble,
    seconds: float,
) -> None:
    async with service(environment(settings)) as process:
        await has_begun(process, "run_0")
        with trouble(own_mongod)():
            await asyncio.sleep(seconds)
        await handled_once(database, settings)


async def test_p13_a_service_that_is_suspended_parks_nothing(
    settings: ServiceSettings, database: Database
) -> None:
    async with service(environment(settings)) as process:
        await has_begun(process, "run_0")
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SUSPENDED_SECONDS)
        process.send_signal(signal.SIGCONT)
        await handled_once(database, settings)
