"""Indexes: documents expire as the newest setting says, whatever it was before."""

import pytest
from pymongo import ASCENDING, IndexModel
from tablesync.service_kit.mongo import Database, from_now
from tablesync.service_kit.mongo.indexes import ensure_indexes, expiry
from tablesync.test_kit import eventually
from tablesync.test_kit.expiry import PATIENCE_SECONDS, expire_promptly

pytestmark = pytest.mark.integration

DAY = 24 * 3600.0


async def kept(database: Database) -> set[str]:
    return set(await database["rows"].distinct("_id"))


async def test_documents_expire_as_the_newest_setting_says(
    database: Database, mongodb_uri: str
) -> None:
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

    expire_promptly(mongodb_uri)
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
