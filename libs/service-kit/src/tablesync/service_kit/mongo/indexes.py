"""Indexes, named by collection: a service states its own as `store.INDEXES`."""

from collections.abc import Mapping, Sequence

from pymongo import IndexModel
from tablesync.service_kit.mongo import Database, without_limit

Indexes = Mapping[str, Sequence[IndexModel]]


async def ensure_indexes(database: Database, indexes: Indexes) -> None:
    """Create every index that is not there yet.

    The making of one that takes longer than we listen goes on, and is joined the next time.
    """
    with without_limit():
        for collection, models in indexes.items():
            await database[collection].create_indexes(list(models))
