"""Indexes, named by collection: a service states its own in its `store`."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from pymongo import ASCENDING, IndexModel
from pymongo.errors import OperationFailure
from tablesync.service_kit.mongo import Collection, Database, without_limit

_INDEX_NOT_FOUND = 27
_OTHER_OPTIONS = 85


@dataclass(frozen=True)
class Retired:
    """An index that versions before have made, and that no query has use for any more.

    One of those versions may run beside, or come back: it is slower then, and no more. So what is
    unique, or has documents expire, is never retired. What stands in its place has another name.
    """

    name: str


Indexes = Mapping[str, Sequence[IndexModel | Retired]]


def expiry(field: str, days: int) -> IndexModel:
    """Return the index that has documents expire so long after a moment; those without it stay."""
    seconds = int(timedelta(days=days).total_seconds())
    return IndexModel([(field, ASCENDING)], name="expiry", expireAfterSeconds=seconds)


async def ensure_indexes(database: Database, indexes: Indexes) -> None:
    """Create every index that is not there yet; let documents expire as the newest setting says.

    What is retired goes once what stands in its place is there. The making of one that takes longer
    than we listen goes on, and is joined the next time.
    """
    with without_limit():
        for name, declared in indexes.items():
            models = [each for each in declared if isinstance(each, IndexModel)]
            retired = {each.name for each in declared if isinstance(each, Retired)}
            await _create(database[name], models)
            if retired:
                await _drop(database[name], retired)


async def _create(collection: Collection, models: Sequence[IndexModel]) -> None:
    """Ask once, where nothing has changed: every process does at its start, for every index."""
    try:
        await collection.create_indexes(models)
    except OperationFailure as error:
        if error.code != _OTHER_OPTIONS:
            raise
        await _change_expiries(collection, models)
        await collection.create_indexes(models)


async def _change_expiries(collection: Collection, models: Sequence[IndexModel]) -> None:
    known = await collection.index_information()
    for model in models:
        name, wanted = model.document["name"], model.document.get("expireAfterSeconds")
        if name in known and wanted != known[name].get("expireAfterSeconds"):
            change = {"name": name, "expireAfterSeconds": wanted}
            await collection.database.command("collMod", collection.name, index=change)


async def _drop(collection: Collection, retired: AbstractSet[str]) -> None:
    for name in retired & (await collection.index_information()).keys():
        try:
            await collection.drop_index(name)
        except OperationFailure as error:  # another process was faster
            if error.code != _INDEX_NOT_FOUND:
                raise
