"""Indexes, named by collection: a service states its own in its `store`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pymongo import ASCENDING, IndexModel
from tablesync.service_kit.mongo import Collection, Database, without_limit

Indexes = Mapping[str, Sequence[IndexModel]]


def expiry(field: str, days: int) -> IndexModel:
    """Return the index that has documents expire so long after a moment; those without it stay."""
    seconds = int(timedelta(days=days).total_seconds())
    return IndexModel([(field, ASCENDING)], name="expiry", expireAfterSeconds=seconds)


async def ensure_indexes(database: Database, indexes: Indexes) -> None:
    """Create every index that is not there yet; let documents expire as the newest setting says.

    The making of one that takes longer than we listen goes on, and is joined the next time.
    """
    with without_limit():
        for name, models in indexes.items():
            await _change_expiries(database[name], models)
            await database[name].create_indexes(list(models))


async def _change_expiries(collection: Collection, models: Sequence[IndexModel]) -> None:
    known = await collection.index_information()
    for model in models:
        name, wanted = model.document["name"], model.document.get("expireAfterSeconds")
        if name in known and wanted != known[name].get("expireAfterSeconds"):
            change = {"name": name, "expireAfterSeconds": wanted}
            await collection.database.command("collMod", collection.name, index=change)
