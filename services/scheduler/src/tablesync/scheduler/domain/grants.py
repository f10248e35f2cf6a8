"""What a sync needs of its connections' grants: the scopes of its object, and its base."""

from datetime import datetime

from tablesync.contracts import Hold, HoldKind
from tablesync.contracts.permissions import not_granted, scopes_to_read, scopes_to_write
from tablesync.contracts.wording import one_line
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.syncs import Sync


def lack_of(sync: Sync, connection: Connection, now: datetime) -> Hold | None:
    """Return the hold for what a sync needs and its connection was not granted; None if nothing.

    What is not known of the grant is no news: it stays as the sync's holds say. A base that was
    found since the consent was chosen at Airtable, which tells nobody.
    """
    scopes, base = _missing_scopes(sync, connection), _missing_base(sync, connection)
    if not scopes and not base:
        return None
    return Hold(
        kind=HoldKind.RESOURCE,
        connection_id=connection.id,
        cause=not_granted(connection.provider, scopes, _named(sync, base) if base else None),
        since=now,
        lacks=(*scopes, base) if base else scopes,
    )


def _missing_scopes(sync: Sync, connection: Connection) -> tuple[str, ...]:
    needed: tuple[str, ...] = ()
    if sync.source.connection_id == connection.id:
        needed += scopes_to_read(sync.source.provider, sync.source.object)
    if sync.destination.connection_id == connection.id:
        needed += scopes_to_write(connection.provider)
    return tuple(each for each in needed if _is_missing(each, connection.scopes, sync, connection))


def _missing_base(sync: Sync, connection: Connection) -> str | None:
    base = sync.destination.base_id
    if sync.destination.connection_id != connection.id:
        return None
    if sync.found_at is not None and sync.found_at >= connection.changed_at:
        return None
    return base if _is_missing(base, connection.resources, sync, connection) else None


def _is_missing(
    needed: str, granted: tuple[str, ...] | None, sync: Sync, connection: Connection
) -> bool:
    if granted is not None:
        return needed not in granted
    return any(needed in each.lacks for each in sync.holds if each.connection_id == connection.id)


def _named(sync: Sync, base: str) -> str:
    name = one_line(sync.names.get(base, ""))
    return f'"{name}" ({base})' if name else base
