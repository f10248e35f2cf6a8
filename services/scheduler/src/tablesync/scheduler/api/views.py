"""What callers see of syncs and runs, and what they send."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from tablesync.contracts import (
    Destination,
    FieldMapping,
    Findings,
    Gap,
    Hold,
    MappedAs,
    Overlap,
    RunCounts,
    RunFailureCause,
    RunStatus,
    Source,
    SyncStatus,
    Trigger,
)
from tablesync.contracts.ids import (
    AirtableBaseId,
    AirtableFieldId,
    AirtableTableId,
    ObjectName,
)
from tablesync.contracts.internal_api import AffectedSync, CatchUp, SyncOwner
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.specs import Moment
from tablesync.scheduler.api import examples
from tablesync.scheduler.domain.ledger import Statement
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.schedules import Schedule
from tablesync.scheduler.domain.syncs import Sync

Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
# What else is wrong with one is told by checks.name_faults, along with all other faults.
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
MAPPINGS = 500


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewKey(_Body):
    """The source property whose value identifies a row, and the Airtable field that it goes to.

    Of a property with options it is the option's value: a label that is edited would be a new key.
    """

    model_config = showing(examples.KEY)

    source: Text
    field_id: AirtableFieldId

    def value(self) -> FieldMapping:
        """Return the contract's form."""
        return FieldMapping(source=self.source, field_id=self.field_id)

    def is_of(self, mapping: FieldMapping) -> bool:
        """Whether both name the same property and field."""
        return (self.source, self.field_id) == (mapping.source, mapping.field_id)


class NewMapping(NewKey):
    """A source property and the Airtable field that it goes to."""

    model_config = showing(examples.MAPPING)

    as_: MappedAs | None = Field(
        default=None,
        alias="as",
        description="Of a property with options, the `label` that people see or the `value` "
        "behind it. Left out: what the sync has already, and `label` where it is new. Into a "
        "number, a date or a checkbox it is always the value.",
    )

    def beside(self, known: Sequence[FieldMapping]) -> FieldMapping:
        """Return the contract's form, of a sync that has these mappings."""
        kept = next((each.as_ for each in known if self.is_of(each)), MappedAs.LABEL)
        wanted = self.as_ or kept
        as_ = None if wanted is MappedAs.VALUE else wanted  # absence means value
        return FieldMapping(source=self.source, field_id=self.field_id, as_=as_)


class NewSource(_Body):
    """Where to read."""

    model_config = showing(examples.NEW_SOURCE)

    connection_id: Text
    object: ObjectName


class NewDestination(_Body):
    """Where to write."""

    model_config = showing(examples.DESTINATION)

    connection_id: Text
    base_id: AirtableBaseId
    table_id: AirtableTableId

    def value(self) -> Destination:
        """Return the contract's form."""
        return Destination(**self.model_dump())


class NewSync(_Body):
    """A sync to create."""

    model_config = showing(examples.NEW_SYNC)

    name: Name
    source: NewSource
    destination: NewDestination
    key: NewKey
    mapping: list[NewMapping] = Field(
        default=[],
        max_length=MAPPINGS,
        description="Without any, the key's field alone is written: see `writes` in the answer.",
    )
    schedule: Schedule
    overlap: Overlap = Overlap.COALESCE


class SyncEdit(_Body):
    """What to change of a sync; what is left out stays."""

    model_config = showing(examples.SYNC_EDIT)

    name: Name | None = None
    mapping: list[NewMapping] | None = Field(default=None, max_length=MAPPINGS)
    schedule: Schedule | None = None
    overlap: Overlap | None = None


class RunView(BaseModel):
    """A run in the history."""

    model_config = showing(examples.RUN, examples.INTERRUPTED_RUN, examples.CHECK)

    id: str
    sync_id: str
    trigger: Trigger
    slot: Moment | None
    status: RunStatus
    counts: RunCounts
    cause: RunFailureCause | None
    summary: str | None
    gap: Gap | None
    requested_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    coalesced_slots: int
    check_everything: bool = Field(
        description="Whether every record and every row was compared, and not only what changed."
    )
    found: Findings | None = Field(description="What such a check has found and mended.")

    @classmethod
    def of(cls, run: Run) -> "RunView":
        """Show a run."""
        return cls.model_validate(run, from_attributes=True)


class WrittenField(BaseModel):
    """A field that a sync writes, by its name where that is known, and what it is filled with."""

    field: str
    field_id: str
    source: str


class SyncView(BaseModel):
    """A sync with its state."""

    model_config = showing(examples.HELD_SYNC)

    id: str
    name: str
    version: int
    source: Source
    destination: Destination
    key: FieldMapping
    mapping: tuple[FieldMapping, ...]
    names: dict[str, str] = Field(
        description="What base, table and mapped fields were called when last checked, by id."
    )
    writes: tuple[WrittenField, ...] = Field(
        description="All that it writes in a row: the key's field first, then the mapped ones."
    )
    schedule: Schedule
    overlap: Overlap
    status: SyncStatus
    paused: bool
    hold: Hold | None = Field(description="What stops it; one of `holds`, a connection's first.")
    holds: tuple[Hold, ...] = Field(description="All that stops it: it runs once all are over.")
    gap: Gap | None
    next_slot_at: Moment | None = Field(description="Null while it is paused or held.")
    last_run: RunView | None
    created_at: Moment

    @classmethod
    def of(cls, sync: Sync, last_run: Run | None) -> "SyncView":
        """Show a sync whose slots are counted until now."""
        own = set(cls.model_fields) - {"holds", "last_run", "next_slot_at", "writes"}
        return cls(
            **{name: getattr(sync, name) for name in own},
            holds=tuple(sync.stopped_by),
            writes=_writes(sync),
            next_slot_at=_next_slot(sync),
            last_run=RunView.of(last_run) if last_run else None,
        )


class LedgerView(Statement):
    """What became of every slot of a sync that was due until `as_of`."""

    model_config = showing(examples.LEDGER)

    @classmethod
    def of(cls, statement: Statement) -> "LedgerView":
        """Show a statement."""
        return cls.model_validate(statement, from_attributes=True)


class RequestedRun(BaseModel):
    """A run that was asked for."""

    model_config = showing({"run_id": examples.RUN_ID})

    run_id: str


class CancelledRun(BaseModel):
    """A run that was asked to stop."""

    model_config = showing({"run_id": examples.RUN_ID, "status": "cancelling"})

    run_id: str
    status: Literal["cancelling", "cancelled"]


def affected_sync(sync: Sync, catch_up: Run | None) -> AffectedSync:
    """Show a sync whose slots are counted until now; its catch-up counts once it is released."""
    shown = None if sync.holds else catch_up
    return AffectedSync(
        sync_id=sync.id,
        name=sync.name,
        object=sync.source.object,
        status=sync.status,
        hold=sync.hold,
        holds=tuple(sync.stopped_by),
        gap=sync.gap or (shown.gap if shown else None),
        next_slot_at=_next_slot(sync),
        catch_up=_catch_up(shown) if shown else None,
    )


def sync_owner(sync: Sync) -> SyncOwner:
    """Show whose sync it is."""
    return SyncOwner(
        sync_id=sync.id,
        name=sync.name,
        source=sync.source,
        owner_id=sync.owner_id,
        status=sync.status,
        holds=tuple(sync.stopped_by),
    )


def _writes(sync: Sync) -> tuple[WrittenField, ...]:
    return tuple(
        WrittenField(
            field=sync.names.get(each.field_id, each.field_id),
            field_id=each.field_id,
            source=each.source,
        )
        for each in (sync.key, *sync.mapping)
    )


def _next_slot(sync: Sync) -> datetime | None:
    """Return when it runs next; slots of one that is paused or held pass without a run."""
    return sync.next_slot_at if sync.claimable else None


def _catch_up(run: Run) -> CatchUp:
    return CatchUp(run_id=run.id, status=run.status, counts=run.counts)
