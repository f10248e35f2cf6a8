"""A sync that is there, as one is asked about."""

from typing import Any

from tablesync.contracts.public_api.syncs import (
    NewDestination,
    NewKey,
    NewMapping,
    NewSource,
    SyncView,
)


def contents(sync: SyncView) -> dict[str, Any]:
    """Return what a sync reads, writes and maps; how options are told stays as it has it."""
    return {
        "source": NewSource(connection_id=sync.source.connection_id, object=sync.source.object),
        "destination": NewDestination.model_validate(sync.destination.model_dump()),
        "key": NewKey(source=sync.key.source, field_id=sync.key.field_id),
        "mapping": [
            NewMapping(source=each.source, field_id=each.field_id) for each in sync.mapping
        ],
    }
