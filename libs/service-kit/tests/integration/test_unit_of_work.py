"""A unit of work: state and events commit together or not at all, with the concerns we promise."""

import asyncio
import threading
from typing import Any

import pytest
from pymongo import monitoring
from pymongo.errors import BulkWriteError, OperationFailure
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Client, Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.test_kit import eventually
from tablesync.test_kit.own_mongod import OwnMongod

UNKNOWN_ERROR = 8


class Commands(monitoring.CommandListener):
    """Notes every command that is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent.append((event.command_name, event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Not of interest."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Not of interest."""


class Holding(monitoring.CommandListener):
    """Holds the next commit back until the test lets it go."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "commitTransaction":
            self.begun.set()
            self.go_on.wait(60)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Not of interest."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Not of interest."""


async def counted(database: Database) -> tuple[int, int]:
    return (
        await database["state"].count_documents({}),
        await database["outbox"].count_documents({}),
    )


async def test_p11_state_and_event_commit_together(
    database: Database, units: UnitsOfWork, event
) -> None:
    async def work(unit: UnitOfWork) -> str:
        await unit.database["state"].insert_one({"n": 1}, session=unit.session)
        unit.publish(event().event)
        return "done"

    assert await units.run(work) == "done"
    assert await counted(database) == (1, 1)
    row = await database["outbox"].find_one()
    assert row is not None
    assert row["pending"] is True
    assert row["sequence"] == round(row["created_at"].timestamp() * 1000)


async def test_p11_an_aborted_unit_leaves_neither_state_nor_event(
    database: Database, units: UnitsOfWork, event
) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.database["state"].insert_one({"n": 1}, session=unit.session)
        unit.publish(event().event)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await units.run(work)
    assert await counted(database) == (0, 0)


async def test_p11_an_event_that_cannot_be_stored_leaves_no_state(
    database: Database, units: UnitsOfWork, event
) -> None:
    await database.command("collMod", "outbox", validator={"topic": "no such topic"})

    async def work(unit: UnitOfWork) -> None:
        await unit.database["state"].insert_one({"n": 1}, session=unit.session)
        unit.publish(event().event)

    with pytest.raises(BulkWriteError, match="batch op errors"):
        await units.run(work)
    assert await counted(database) == (0, 0)


@pytest.mark.needs("mongod")
async def test_p11_a_commit_that_fails_leaves_neither_state_nor_event(
    own_mongod: OwnMongod, event
) -> None:
    """Both were written and neither is to be seen, nor is it ever published."""
    client = mongo.connect(own_mongod.uri)
    database = mongo.open_database(client, "kit")

    async def work(unit: UnitOfWork) -> None:
        await unit.database["state"].insert_one({"n": 1}, session=unit.session)
        unit.publish(event().event)

    with (
        own_mongod.failing(["commitTransaction"], errorCode=UNKNOWN_ERROR),
        pytest.raises(OperationFailure, match="failCommand"),
    ):
        await UnitsOfWork(database, "scheduler").run(work)
    own_mongod.restart()  # what was open is over
    assert await counted(database) == (0, 0)
    client.close()


async def test_conflicting_units_are_repeated_and_each_publishes_once(
    database: Database, units: UnitsOfWork, event
) -> None:
    await database["state"].insert_one({"_id": "one", "n": 0})

    async def work(unit: UnitOfWork) -> None:
        found = await unit.database["state"].find_one({"_id": "one"}, session=unit.session)
        assert found is not None
        unit.publish(event().event)
        await unit.database["state"].update_one(
            {"_id": "one"}, {"$set": {"n": found["n"] + 1}}, session=unit.session
        )

    await asyncio.gather(*(units.run(work) for _ in range(10)))
    state = await database["state"].find_one()
    assert state is not None
    assert state["n"] == 10
    assert await database["outbox"].count_documents({}) == 10


async def test_units_that_conflict_in_their_commit_are_repeated(
    database: Database, units: UnitsOfWork
) -> None:
    """Each makes the collection that it is the first to write into; one of them is the first."""

    async def work(unit: UnitOfWork) -> None:
        await unit.database["new"].insert_one({}, session=unit.session)

    await asyncio.gather(*(units.run(work) for _ in range(8)))
    assert await database["new"].count_documents({}) == 8


async def test_a_unit_that_is_cancelled_in_its_commit_has_committed(
    mongodb_uri: str, database: Database
) -> None:
    holding = Holding()
    client: Client = Client(mongodb_uri, event_listeners=[holding])
    units = UnitsOfWork(mongo.open_database(client, database.name), "scheduler")

    async def work(unit: UnitOfWork) -> None:
        await unit.database["state"].insert_one({}, session=unit.session)

    cancelled = asyncio.create_task(units.run(work))
    await eventually(holding.begun.is_set)
    cancelled.cancel()
    await asyncio.sleep(0)  # it is told of it now, and waits
    holding.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await units.run(work)
    client.close()
    assert await database["state"].count_documents({}) == 2


async def test_concerns_are_majority_journal_and_snapshot(
    mongodb_uri: str, database: Database
) -> None:
    commands = Commands()
    monitoring.register(commands)
    client = mongo.connect(mongodb_uri)
    watched = mongo.open_database(client, database.name)

    async def work(unit: UnitOfWork) -> None:
        await unit.database["state"].insert_one({"n": 1}, session=unit.session)

    await UnitsOfWork(watched, "scheduler").run(work)
    await watched["state"].insert_one({"n": 2})
    await watched["state"].find_one({"n": 2})
    client.close()
    durable = {"w": "majority", "j": True}
    by_name: dict[str, list[Any]] = {}
    for name, command in commands.sent:
        by_name.setdefault(name, []).append(command)
    inside, outside = by_name["insert"]
    assert inside["readConcern"]["level"] == "snapshot"
    assert by_name["commitTransaction"][0]["writeConcern"] == durable
    assert outside["writeConcern"] == durable
    assert by_name["find"][0]["readConcern"]["level"] == "majority"
    bounded = (inside, outside, *by_name["commitTransaction"], *by_name["find"])
    assert all(0 < command["maxTimeMS"] <= 10_000 for command in bounded)
