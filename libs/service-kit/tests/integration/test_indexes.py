"""Indexes: as the newest version declares them, whatever older ones have left."""

import asyncio

import pytest
from pymongo import ASCENDING, IndexModel
from tablesync.service_kit.mongo import Database, from_now
from tablesync.service_kit.mongo.indexes import Retired, ensure_indexes, expiry
from tablesync.test_kit import eventually
from tablesync.test_kit.rhythm import PATIENCE_SECONDS

pytestmark = pytest.mark.integration

DAY = 24 * 3600.0


async def kept(database: Database) -> set[str]:
    return set(await database["rows"].distinct("_id"))


async def test_documents_expire_as_the_newest_setting_says(database: Database) -> None:
    rows = database["rows"]
    await rows.insert_many([{"_id": each} for each in ("young", "middle", "old", "open")])
    for name, days in (("young", 1), ("middle", 20), ("old", 40)):
        at = [{"$set": {"ended_at": from_now(-days * DAY)}}]
        await rows.update_one({"_id": name}, at)
    await rows.update_one({"_id": "open"}, {"$set": {"ended_at": None}})

    async def only(*names: str) -> None:
        async def left() -> bool:
            return await kept(database) == set(names)

        await eventually(left, timeout=PATIENCE_SECONDS)

    await ensure_indexes(database, {"rows": [expiry("ended_at", 30)]})
    await only("young", "middle", "open")
    await ensure_indexes(database, {"rows": [expiry("ended_at", 14)]})
    await only("young", "open")
    information = await rows.index_information()
    assert information["expiry"]["expireAfterSeconds"] == 14 * DAY


async def test_indexes_that_are_there_stay_as_they_are(database: Database) -> None:
    models = {"rows": [IndexModel([("name", ASCENDING)], name="name"), expiry("ended_at", 30)]}
    await ensure_indexes(database, models)
    before = await database["rows"].index_information()
    await ensure_indexes(database, models)
    assert await database["rows"].index_information() == before


async def test_what_only_older_versions_used_goes_and_what_others_made_stays(
    database: Database,
) -> None:
    older = IndexModel([("name", ASCENDING)], name="name")
    newer = IndexModel([("name", ASCENDING), ("_id", ASCENDING)], name="name_in_order")
    await ensure_indexes(database, {"rows": [older]})
    await database["rows"].create_index([("city", ASCENDING)], name="an_operators_own")

    beside = (ensure_indexes(database, {"rows": [newer, Retired("name")]}) for _ in range(5))
    await asyncio.gather(*beside)

    stand = {"_id_", "name_in_order", "an_operators_own"}
    assert (await database["rows"].index_information()).keys() == stand
    await ensure_indexes(database, {"rows": [older]})
    assert (await database["rows"].index_information()).keys() == stand | {"name"}, "an older one"


async def test_what_was_never_there_need_not_go(database: Database) -> None:
    await ensure_indexes(database, {"rows": [expiry("ended_at", 30), Retired("name")]})
    assert (await database["rows"].index_information()).keys() == {"_id_", "expiry"}
