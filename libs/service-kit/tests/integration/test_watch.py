"""Watching wakes a loop at a change that another process makes, until it is stopped."""

import asyncio

from tablesync.service_kit import mongo, roles
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.settings import ServiceSettings


async def test_a_change_wakes_whoever_waits(settings: ServiceSettings, database: Database) -> None:
    stop, woken = asyncio.Event(), asyncio.Event()
    inserts = {"operationType": "insert"}
    watching = asyncio.create_task(roles.watch(database["watched"], woken, stop, inserts))
    await asyncio.wait_for(woken.wait(), 60)  # the stream is open
    woken.clear()

    other = mongo.connect(settings.mongodb_uri)
    await mongo.open_database(other, database.name)["watched"].insert_one({"_id": "one"})
    await asyncio.wait_for(woken.wait(), 60)
    other.close()
    stop.set()
    await asyncio.wait_for(watching, 60)
