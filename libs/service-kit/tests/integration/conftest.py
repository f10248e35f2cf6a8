"""A service of the tests: it consumes `sync-requests` as sync-runner does, and notes each run."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from tablesync.contracts import Envelope, RunCancelRequested, new_id
from tablesync.service_kit.messaging import outbox
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.consumer import Handler, Subscription
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.relay import Relay
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.changes import INSERTED, Changes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit.messaging import running

NewEvent = Callable[..., Envelope[RunCancelRequested]]
NewSubscriptions = Callable[..., Subscriptions]


def new_event(run_id: str = "run_1", sync_id: str = "syn_1") -> Envelope[RunCancelRequested]:
    event = RunCancelRequested(
        workspace_id="ws_1", sync_id=sync_id, run_id=run_id, requested_by=new_id("op")
    )
    return Envelope(event, "scheduler")


async def note_run(event: RunCancelRequested, unit: UnitOfWork) -> None:
    """Store what was handled: one document an effect, so that a second effect shows."""
    await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


@pytest.fixture
def event() -> NewEvent:
    return new_event


@pytest.fixture
def new_subscriptions(settings: ServiceSettings, units: UnitsOfWork) -> NewSubscriptions:
    """Make the consumer role of the tests' service."""

    def make(
        handler: Handler = note_run,
        settings: ServiceSettings = settings,
        units: UnitsOfWork = units,
    ) -> Subscriptions:
        subscription = Subscription("sync-requests", {RunCancelRequested: handler})
        return Subscriptions(settings, "sync-runner", units, [subscription])

    return make


@pytest_asyncio.fixture
async def relay(settings: ServiceSettings, database: Database) -> AsyncIterator[Relay]:
    """Yield a relay that is woken by new rows, as a service's is."""
    changes = Changes(database)
    stored = changes.wakes(outbox.COLLECTION, INSERTED)
    async with running(changes.run):
        yield Relay(database, lambda: new_producer(settings), settings.kafka_topic_prefix, stored)


@pytest.fixture
def effects(database: Database) -> Callable[..., object]:
    """Read the run ids of all effects, in order."""

    async def read(count: int = 0) -> list[str]:
        found = await database["effects"].find().sort("_id", 1).to_list(None)
        return [each["run_id"] for each in found] if len(found) >= count else []

    return read
