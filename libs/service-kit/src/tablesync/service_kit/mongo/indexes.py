"""Creates the indexes of every collection that the kit keeps in a service's database."""

from tablesync.service_kit.http import idempotency
from tablesync.service_kit.messaging import inbox, outbox
from tablesync.service_kit.mongo import Database


async def ensure_kit_indexes(database: Database) -> None:
    """Create what outbox, inbox and idempotency need; call it from a service's `prepare`.

    Leases and the marks of replayed dead letters are found by `_id` alone.
    """
    for each in (outbox, inbox, idempotency):
        await each.ensure_indexes(database)
