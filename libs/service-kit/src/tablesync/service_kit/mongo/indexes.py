"""Indexes, named by collection: a service states its own as `store.INDEXES`."""

from collections.abc import Mapping, Sequence

from pymongo import IndexModel
from tablesync.service_kit.mongo import Database

Indexes = Mapping[str, Sequence[IndexModel]]


async def ensure_indexes(database: Database, indexes: Indexes) -> None:
    """Create every index that is not there yet."""
    for collection, models in indexes.items():
        await database[collection].create_indexes(list(models))
