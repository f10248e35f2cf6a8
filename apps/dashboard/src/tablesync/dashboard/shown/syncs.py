"""Syncs as lists and pages show them: route, state, cause and remedy in a few words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tablesync.contracts import MappedAs, Provider, RunStatus, SyncStatus
from tablesync.contracts.public_api.connections import ConnectionView, Places, ProviderView, filled
from tablesync.contracts.public_api.schedules import Interval, Schedule
from tablesync.contracts.public_api.syncs import SyncState, SyncView, WrittenField
from tablesync.contracts.wording import isolated, provider_label, runs_again
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.words import counted, number

MINUTE, HOUR, DAY = 60, 3_600, 86_400
NEVER = "never yet"
# How many fields of a mapping a page shows at once, where it has more than are shown unfolded.
SHOWN_AT_ONCE, MOST_SHOWN = 8, 10
OPTION_VALUES = "Its options’ values"


@dataclass(frozen=True)
class ShownSync:
    """One sync; `accounts` names connections that their provider alone does not tell apart."""

    sync: SyncView
    clock: Clock
    accounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """What tells whether its row has changed since it was last shown."""
        return version_of(self.sync, self.last_success, self.next_run, self.cause)

    @property
    def badge(self) -> Badge:
        """How it is doing."""
        hold = self.sync.hold
        return badges.of_sync(str(self.sync.state), str(hold.kind) if hold else None)

    @property
    def label(self) -> str:
        """Its source's provider."""
        return provider_label(str(self.sync.source.provider))

    @property
    def object(self) -> str:
        """What it reads."""
        return self.sync.source.object.replace("_", " ").capitalize()

    @property
    def mapped(self) -> list[tuple[WrittenField, str]]:
        """All that it writes, and how: what is the key, and where options' values are written.

        Their labels are what is written of all that nobody chose otherwise, and of what has none.
        """
        key, by_value = self.sync.key, self._by_value
        return [
            (each, "Key" if each.field_id == key.field_id else by_value.get(each.field_id, ""))
            for each in self.sync.writes
        ]

    @property
    def mapped_first(self) -> list[tuple[WrittenField, str]]:
        """What is shown at once of all that it writes: all, unless they are many."""
        mapped = self.mapped
        return mapped if len(mapped) <= MOST_SHOWN else mapped[:SHOWN_AT_ONCE]

    @property
    def mapped_more(self) -> list[tuple[WrittenField, str]]:
        """The others."""
        return self.mapped[len(self.mapped_first) :]

    def source_of(self, field_id: str) -> str:
        """Return what people call the property that a field is filled with; nothing if unknown."""
        found = (each for each in self.sync.writes if each.field_id == field_id)
        return next((each.label or each.source for each in found), "")

    @property
    def target(self) -> str:
        """Base and table that it writes to, by name where that is known."""
        names, to = self.sync.names, self.sync.destination
        return f"{names.get(to.base_id, to.base_id)} / {names.get(to.table_id, to.table_id)}"

    def by_name(self, said: str) -> str:
        """Return what was said, with base and table by their names where those are known."""
        for id_, name in self.sync.names.items():
            said = said.replace(id_, f"“{name}”")
        return said

    @property
    def cause(self) -> str:
        """Why it is as it is, in one line; nothing for one that is fine."""
        sync = self.sync
        if sync.hold and not sync.paused:
            missed = sync.gap.slots_missed if sync.gap else 0
            late = f"; {counted(missed, 'slot')} missed" if missed else ""
            return f"{self._held_for}{late}"
        if sync.state == SyncState.FAILING and sync.last_run:
            return self.by_name(sync.last_run.summary or "")
        if sync.last_run and sync.last_run.counts.rejected:
            return f"{counted(sync.last_run.counts.rejected, 'record')} rejected"
        return ""

    @property
    def last_success(self) -> str:
        """When it last brought all."""
        last = self.sync.last_success_at
        return self.clock.near(last) if last else NEVER

    @property
    def next_run(self) -> str:
        """When it runs next, or what it waits for, in a few words."""
        return self.runs_again.partition(" (")[0]

    @property
    def runs_again(self) -> str:
        """When it runs next, or what it waits for and how often that is looked for."""
        if self.sync.next_slot_at:
            return self.clock.near(self.sync.next_slot_at)
        kinds = [str(each.kind) for each in self.sync.holds]
        return runs_again(str(self.sync.status), kinds) or NEVER

    @property
    def can_run(self) -> bool:
        """Whether *Sync now* would be taken."""
        return not self.sync.holds

    @property
    def schedule(self) -> str:
        """How often it runs."""
        said = self.sync.schedule
        return every(said) if isinstance(said, Interval) else "By a schedule of another kind"

    @property
    def is_running(self) -> bool:
        """Whether a run of it is under way."""
        last = self.sync.last_run
        return bool(last and last.status == RunStatus.RUNNING)

    @property
    def paused(self) -> bool:
        """Whether somebody has paused it."""
        return self.sync.status == SyncStatus.PAUSED

    @property
    def _by_value(self) -> Mapping[str, str]:
        """The fields that options' values were chosen for.

        That is kept by saying nothing, as do all fields of a sync that is older than the choice.
        """
        mapping = self.sync.mapping
        has_choice = any(each.as_ for each in mapping)
        chosen = (each.field_id for each in mapping if each.as_ is not MappedAs.LABEL)
        return dict.fromkeys(chosen, OPTION_VALUES) if has_choice else {}

    @property
    def _held_for(self) -> str:
        hold = self.sync.hold
        assert hold
        if " " in hold.cause:
            return self.by_name(hold.cause)
        reads = hold.connection_id == self.sync.source.connection_id
        label = self.label if reads else provider_label(Provider.AIRTABLE)
        name = self.accounts.get(hold.connection_id or "")
        return f"{label}, {isolated(name)} is disconnected" if name else f"{label} is disconnected"


class SyncPlaces:
    """Where both ends of a sync are looked at; None for what nobody tells an address of."""

    def __init__(
        self, sync: SyncView, uses: Iterable[ConnectionView], providers: Iterable[ProviderView]
    ) -> None:
        self._sync = sync
        places = {str(each.name): each.places for each in providers}
        known = {each.id: each for each in uses}
        self._source = known.get(sync.source.connection_id)
        target = known.get(sync.destination.connection_id)
        self._read, self._written = (
            places.get(str(each.provider) if each else "", Places())
            for each in (self._source, target)
        )

    @property
    def records(self) -> str | None:
        """Where the source lists its records."""
        return self._at_source(self._read.lists)

    @property
    def table(self) -> str | None:
        """Where the table is."""
        return self._at_target(self._written.table)

    def record(self, record_id: str | None) -> str | None:
        """Return where one record of the source is."""
        return self._at_source(self._read.records, record_id)

    def row(self, row_id: str | None) -> str | None:
        """Return where one row of the table is."""
        return self._at_target(self._written.row, row_id)

    def _at_source(self, by_object: Mapping[str, str], record: str | None = None) -> str | None:
        template = by_object.get(self._sync.source.object)
        account = self._source.account.id if self._source else None
        host = self._source.host if self._source else None
        return filled(template, account=account, host=host, record=record)

    def _at_target(self, template: str | None, row: str | None = None) -> str | None:
        to = self._sync.destination
        return filled(template, base=to.base_id, table=to.table_id, row=row)


def shown_syncs(
    syncs: Sequence[SyncView], clock: Clock, accounts: Mapping[str, str]
) -> list[ShownSync]:
    """Show syncs in the order in which scheduler lists them: failing first."""
    return [ShownSync(each, clock, accounts) for each in syncs]


def every(schedule: Schedule) -> str:
    """Return how often: `Every 10 minutes`, `Every hour`."""
    seconds = schedule.every_seconds
    for length, one in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds % length == 0:
            count = seconds // length
            return f"Every {one}" if count == 1 else f"Every {number(count)} {one}s"
    return f"Every {counted(seconds, 'second')}"
