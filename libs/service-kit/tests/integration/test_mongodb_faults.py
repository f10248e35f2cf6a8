"""P13: MongoDB that answers and yet serves nobody parks no message; P25: nor does it hold us up."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI
from pymongo import monitoring
from pymongo.errors import PyMongoError
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit import mongo
from tablesync.service_kit.errors import DependencyUnavailableError, is_unavailable
from tablesync.service_kit.http import problems
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.consumer import CONSUMED, Handler
from tablesync.service_kit.messaging.dead_letters import DeadLetter
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo import Client, Database
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.service import KIT_INDEXES
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running, send
from tablesync.test_kit.own_mongod import OwnMongod

Effects = Callable[..., Awaitable[list[str]]]
ATTEMPT_SECONDS = 1.0
# What reads, writes and ends transactions: with these failing, nothing is handled.
ALL = ("find", "insert", "update", "commitTransaction")
AWAY = {
    "the password was changed": 18,
    "a role was taken away": 13,
    "the disk is full": 14031,
    "writes are blocked": 371,
    "no majority can be read": 134,
    "no majority can be written": 100,
    "locks are not to be had": 24,
    "tickets are exhausted": 262,
    "an operator ended the operation": 11601,
    "it steps down": 189,
    "its members do not reach each other": 202,
    "it sheds load": 433,
}
UNKNOWN_ERROR = 8

pytestmark = pytest.mark.needs("mongod")


@pytest.fixture
def settings(settings: ServiceSettings) -> ServiceSettings:
    return settings.with_(message_attempt_seconds=ATTEMPT_SECONDS, mongodb_operation_seconds=3.0)


@pytest.fixture
async def database(own_mongod: OwnMongod, settings: ServiceSettings):
    """Yield the database, with the kit's indexes, in the test's own mongod."""
    await ensure_topics(settings, "sync-runner")
    client = mongo.connect(own_mongod.uri, settings.mongodb_operation_seconds)
    database = mongo.open_database(client, "kit")
    await ensure_indexes(database, KIT_INDEXES)
    yield database
    client.close()


def counted(end: str) -> float:
    return CONSUMED.labels("sync-requests", end)._value.get()


async def kept_again() -> None:
    """Wait until the message was given back once more."""
    before = counted("kept")
    await eventually(lambda: counted("kept") > before, timeout=60)


async def handled(effects: Effects, subscriptions: Subscriptions, run_id: str) -> None:
    """Wait for a message to have its one effect, and for nothing to be parked."""
    await eventually(lambda: _has(effects, run_id), timeout=60)
    assert (await effects()).count(run_id) == 1
    assert await subscriptions.dead_letters.list("sync-requests") == []


async def _has(effects: Effects, run_id: str) -> bool:
    return run_id in await effects()


async def test_p13_a_lock_of_writes_parks_nothing(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects
) -> None:
    """Pings are answered meanwhile: a backup takes a snapshot, or a disk has stalled."""
    subscriptions = new_subscriptions()
    async with running(subscriptions.run):
        with own_mongod.locked():
            await send(settings, event("run_1"))
            await kept_again()
            await kept_again()
        await handled(effects, subscriptions, "run_1")


async def in_the_transaction(event: RunCancelRequested, unit: UnitOfWork) -> None:
    await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


async def before_the_transaction(event: RunCancelRequested, unit: UnitOfWork) -> None:
    """Read without a session first, as handlers do with what others own: it waits for the lock."""
    await unit.database["effects"].find_one({"run_id": event.run_id})
    await in_the_transaction(event, unit)


@pytest.mark.parametrize("handler", [in_the_transaction, before_the_transaction])
async def test_p13_a_lock_of_one_collection_parks_nothing(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects, handler: Handler
) -> None:
    """A DBA checks the collection, or builds an index: all others take writes meanwhile."""
    subscriptions = new_subscriptions(handler)
    async with running(subscriptions.run):
        await send(settings, event("run_0"))
        await handled(effects, subscriptions, "run_0")
        with own_mongod.validating("kit", "effects"):
            await send(settings, event("run_1"))
            for _ in range(3):
                await kept_again()
        await handled(effects, subscriptions, "run_1")


async def test_p13_p25_a_mongod_that_stands_still_parks_nothing_and_holds_nobody_up(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects
) -> None:
    subscriptions = new_subscriptions()
    async with running(subscriptions.run):
        with own_mongod.suspended():
            await send(settings, event("run_1"))
            await kept_again()
            await kept_again()
        await handled(effects, subscriptions, "run_1")


async def test_p13_what_is_about_the_database_parks_nothing(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects
) -> None:
    subscriptions = new_subscriptions()
    async with running(subscriptions.run):
        for code in AWAY.values():
            run_id = f"run_{code}"
            with own_mongod.failing(ALL, errorCode=code):
                await send(settings, event(run_id))
                await kept_again()
            await handled(effects, subscriptions, run_id)


async def test_p13_what_nobody_knows_is_parked_once_the_database_is_proved(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects
) -> None:
    """While small writes fail too it is kept; when they succeed, it is the message's fault."""
    subscriptions = new_subscriptions(_reading)
    async with running(subscriptions.run):
        with own_mongod.failing(["count", "aggregate"], errorCode=UNKNOWN_ERROR):
            with own_mongod.locked():
                await send(settings, event("run_1"), event("run_2"))
                await kept_again()
                assert await subscriptions.dead_letters.list("sync-requests") == []
            letters = await eventually(lambda: _all_parked(subscriptions, 2), timeout=120)
    assert "OperationFailure" in letters[0].reason
    assert await effects() == []


async def _all_parked(subscriptions: Subscriptions, count: int) -> list[DeadLetter] | None:
    letters = await subscriptions.dead_letters.list("sync-requests")
    return letters if len(letters) == count else None


async def _reading(event: RunCancelRequested, unit: UnitOfWork) -> None:
    await unit.database["effects"].aggregate([{"$limit": 1}], session=unit.session).to_list(None)
    await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


async def test_p13_what_is_refused_as_a_document_is_parked(
    settings, event, new_subscriptions, effects: Effects, database: Database
) -> None:
    await database["effects"].insert_one({"_id": "taken", "run_id": "run_0"})

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        row = {"run_id": event.run_id}
        if event.run_id == "run_taken":
            row["_id"] = "taken"
        if event.run_id == "run_large":
            row["text"] = "x" * (17 * 1024 * 1024)
        if event.run_id == "run_no_bson":
            row["text"] = object()
        await unit.database["effects"].insert_one(row, session=unit.session)

    bad = ("run_taken", "run_large", "run_no_bson")
    subscriptions = new_subscriptions(handle)
    async with running(subscriptions.run):
        await send(settings, *map(event, (*bad, "run_last")))
        await eventually(lambda: _has(effects, "run_last"), timeout=90)
        letters = await subscriptions.dead_letters.list("sync-requests")
    kinds = [each.reason.partition(":")[0] for each in letters]
    assert kinds == ["DuplicateKeyError", "DocumentTooLarge", "InvalidDocument"]


class SlowCommits(monitoring.CommandListener):
    """Has the driver's thread send a commit only when the time of its handler is over."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "commitTransaction":
            time.sleep(ATTEMPT_SECONDS * 1.5)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Not of interest."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Not of interest."""


async def test_p13_what_was_cut_off_in_its_commit_and_is_committed_is_not_parked(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects, database: Database
) -> None:
    client: Client = Client(own_mongod.uri, event_listeners=[SlowCommits()])
    units = UnitsOfWork(mongo.open_database(client, database.name), "scheduler")
    repeated, subscriptions = counted("repeated"), new_subscriptions(units=units)
    async with running(subscriptions.run):
        await send(settings, event("run_1"))
        await eventually(lambda: counted("repeated") > repeated)
        assert await subscriptions.dead_letters.list("sync-requests") == []
    client.close()
    assert await effects() == ["run_1"]


async def test_p13_a_commit_that_no_majority_has_confirmed_in_time_is_not_parked(
    own_mongod: OwnMongod, settings, event, new_subscriptions, effects: Effects
) -> None:
    """It has taken effect, which the next attempt finds out."""
    late = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication"}
    repeated, subscriptions = counted("repeated"), new_subscriptions()
    async with running(subscriptions.run):
        with own_mongod.failing(["commitTransaction"], writeConcernError=late):
            await send(settings, event("run_1"))
            await eventually(lambda: counted("repeated") > repeated)
        assert await subscriptions.dead_letters.list("sync-requests") == []
    assert await effects() == ["run_1"]


async def test_what_is_about_the_database_has_a_request_told_to_come_again(
    own_mongod: OwnMongod, database: Database
) -> None:
    app = FastAPI()
    problems.install(app)

    @app.post("/effects")
    async def write() -> None:
        await database["effects"].insert_one({})

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as kit:
        for reason, code in AWAY.items():
            with own_mongod.failing(["insert"], errorCode=code):
                answer = await kit.post("/effects")
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), reason
            assert (await kit.post("/effects")).is_success


async def test_a_unit_of_work_comes_back_in_bounded_time(
    own_mongod: OwnMongod, units: UnitsOfWork
) -> None:
    """Whatever MongoDB does, and also when it is cut off: nothing else can be done meanwhile."""

    async def work(unit: UnitOfWork) -> None:
        await unit.database["effects"].insert_one({}, session=unit.session)

    await units.run(work)
    loop = asyncio.get_running_loop()
    for trouble in (own_mongod.locked, own_mongod.suspended):
        with trouble():
            begun = loop.time()
            with pytest.raises((PyMongoError, DependencyUnavailableError)) as caught:
                await units.run(work, ATTEMPT_SECONDS)
            assert loop.time() - begun < 10, "it took 145 s once"
        assert is_unavailable(caught.value)
    await units.run(work)
