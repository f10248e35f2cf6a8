"""Whether what an operator wants can be: asked of auth-service and sync-runner beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tablesync.contracts import Provider
from tablesync.contracts.permissions import in_words, scopes_to_read, scopes_to_write
from tablesync.contracts.public_api.schedules import Schedule
from tablesync.contracts.public_api.syncs import NewSync, SyncEdit
from tablesync.contracts.wording import provider_label
from tablesync.scheduler import checks, errors
from tablesync.scheduler.checks import CheckedContents, Contents
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.errors import Fault
from tablesync.scheduler.known_states import KnownStates

_CONNECT = "Connect the account first, or use the id of one of this workspace's connections."


@dataclass(frozen=True)
class AcceptedSync:
    """A new sync that can be, its source, and what all that it maps is called."""

    wanted: NewSync
    source: Connection
    names: dict[str, str]
    labels: dict[str, str]


class Validation:
    """Checks new syncs and edits; raises Problem 422 with every fault, or 409."""

    def __init__(
        self, states: KnownStates, runner: SyncRunnerClient, min_interval_seconds: int
    ) -> None:
        self._states = states
        self._runner = runner
        self._min_interval_seconds = min_interval_seconds

    async def new_sync(self, workspace_id: str, wanted: NewSync) -> AcceptedSync:
        """Return a new sync without the key among its mappings, once checked."""
        key = wanted.key.value()
        others = [each for each in wanted.mapping if not each.is_of(key)]
        wanted = wanted.model_copy(update={"mapping": others})
        mapping = [each.beside(()) for each in others]
        _raise_any(
            checks.name_faults(wanted.name)
            + checks.schedule_faults(wanted.schedule, self._min_interval_seconds)
            + checks.mapping_faults(key, mapping)
        )
        source = await self._source(workspace_id, wanted)
        contents = Contents(
            workspace_id=workspace_id,
            source_id=source.id,
            object=wanted.source.object,
            destination=wanted.destination.value(),
            key=key,
            mapping=mapping,
        )
        checked = await self._checked(contents)
        names = {**checked.names, **await checks.base_name(self._runner, contents)}
        return AcceptedSync(wanted, source, names, dict(checked.labels))

    def schedule(self, schedule: Schedule) -> None:
        """Raise Problem 422 for a schedule that no sync may have."""
        _raise_any(checks.schedule_faults(schedule, self._min_interval_seconds))

    def name(self, name: str) -> str:
        """Return a name that a sync may have."""
        _raise_any(checks.name_faults(name))
        return name

    async def edit(self, sync: Sync, wanted: SyncEdit) -> tuple[SyncEdit, CheckedContents | None]:
        """Check an edit against the sync as it is; returns what was found if its contents were."""
        faults = [] if wanted.name is None else checks.name_faults(wanted.name)
        if wanted.schedule:
            faults += checks.schedule_faults(wanted.schedule, self._min_interval_seconds)
        if wanted.mapping is None:
            _raise_any(faults)
            return wanted, None
        others = [each for each in wanted.mapping if not each.is_of(sync.key)]
        mapping = [each.beside(sync.mapping) for each in others]
        _raise_any(faults + checks.mapping_faults(sync.key, mapping))
        for connection_id in sync.connection_ids:
            await self._connected(sync.workspace_id, connection_id)
        checked = await self._checked(replace(Contents.of(sync), mapping=mapping))
        return wanted.model_copy(update={"mapping": others}), checked

    async def _checked(self, contents: Contents) -> CheckedContents:
        """Return what table, fields and properties are called, once checked."""
        checked = await checks.check_contents(self._runner, contents)
        _raise_any(checked.faults)
        return checked

    async def _source(self, workspace_id: str, wanted: NewSync) -> Connection:
        source_id, destination_id = wanted.source.connection_id, wanted.destination.connection_id
        source = await self._states.get(workspace_id, source_id)
        destination = await self._states.get(workspace_id, destination_id)
        faults = _end_faults("source", source, source_id, airtable=False)
        faults += _end_faults("destination", destination, destination_id, airtable=True)
        _raise_any(faults)
        for each in (source, destination):
            _raise_if_held(each)
        assert source is not None, "an unknown source is a fault"
        assert destination is not None, "an unknown destination is a fault"
        to_read = scopes_to_read(source.provider, wanted.source.object)
        _raise_any(
            _grant_faults("source.object", source, to_read)
            + _grant_faults(
                "destination.connection_id", destination, scopes_to_write(Provider.AIRTABLE)
            )
        )
        return source

    async def _connected(self, workspace_id: str, connection_id: str) -> None:
        _raise_if_held(await self._states.get(workspace_id, connection_id))


def _end_faults(
    end: str, connection: Connection | None, connection_id: str, *, airtable: bool
) -> list[Fault]:
    field = f"{end}.connection_id"
    if connection is None:
        return [Fault(field, f"there is no connection {connection_id}", _CONNECT)]
    if airtable and connection.provider is not Provider.AIRTABLE:
        message = f"{connection_id} is a {connection.provider} connection"
        return [Fault(field, message, "Choose an Airtable connection to write to.")]
    if not airtable and connection.provider is Provider.AIRTABLE:
        message = f"{connection_id} is an Airtable connection"
        return [Fault(field, message, "Choose a connection to read from, such as HubSpot.")]
    return []


def _grant_faults(field: str, connection: Connection, needed: Sequence[str]) -> list[Fault]:
    """Name what the connection was not granted; a base that was not is found by its catalogue."""
    missing = [each for each in needed if each not in (connection.scopes or needed)]
    if not missing:
        return []
    label = provider_label(connection.provider)
    message = f"TableSync was not allowed to {in_words(connection.provider, missing)} at {label}"
    return [Fault(field, message, f"Reconnect {label} and allow it ({', '.join(missing)}).")]


def _raise_if_held(connection: Connection | None) -> None:
    if connection and connection.held:
        raise errors.connection_not_connected(
            connection.id, connection.status, connection.cause, connection.provider
        )


def _raise_any(faults: list[Fault]) -> None:
    if faults:
        raise errors.refused(faults)
