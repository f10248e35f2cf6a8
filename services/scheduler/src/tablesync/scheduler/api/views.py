"""What callers see of syncs and runs, and what they send."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from tablesync.contracts import Destination, FieldMapping, Gap, Hold, RunCounts, Source, SyncStatus
from tablesync.contracts.specs import Moment
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.schedules import Schedule
from tablesync.scheduler.domain.syncs import Overlap, Sync

Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
# What cannot be seen in it is refused by checks.name_faults, which tells the remedy.
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
MAPPINGS = 500


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewMapping(_Body):
    """A source property and the Airtable field that it goes to."""

    source: Text
    field_id: Text

    def value(self) -> FieldMapping:
        """Return the contract's form."""
        return FieldMapping(source=self.source, field_id=self.field_id)


class NewSource(_Body):
    """Where to read."""

    connection_id: Text
    object: Text


class NewDestination(_Body):
    """Where to write."""

    connection_id: Text
    base_id: Text
    table_id: Text

    def value(self) -> Destination:
        """Return the contract's form."""
        return Destination(**self.model_dump())


class NewSync(_Body):
    """A sync to create."""

    name: Name
    source: NewSource
    destination: NewDestination
    key: NewMapping
    mapping: list[NewMapping] = Field(default=[], max_length=MAPPINGS)
    schedule: Schedule
    overlap: Overlap = Overlap.COALESCE


class SyncEdit(_Body):
    """What to change of a sync; what is left out stays."""

    name: Name | None = None
    mapping: list[NewMapping] | None = Field(default=None, max_length=MAPPINGS)
    schedule: Schedule | None = None
    overlap: Overlap | None = None


class RunView(BaseModel):
    """A run in the history."""

    id: str
    sync_id: str
    trigger: str
    slot: Moment | None
    status: str
    counts: RunCounts
    cause: str | None
    summary: str | None
    gap: Gap | None
    requested_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    coalesced_slots: int

    @classmethod
    def of(cls, run: Run) -> "RunView":
        """Show a run."""
        return cls.model_validate(run, from_attributes=True)


class SyncView(BaseModel):
    """A sync with its state."""

    id: str
    name: str
    version: int
    source: Source
    destination: Destination
    key: FieldMapping
    mapping: tuple[FieldMapping, ...]
    schedule: Schedule
    overlap: Overlap
    status: SyncStatus
    paused: bool
    hold: Hold | None
    gap: Gap | None
    next_slot_at: Moment | None
    last_run: RunView | None
    created_at: Moment

    @classmethod
    def of(cls, sync: Sync, last_run: Run | None) -> "SyncView":
        """Show a sync that is settled until now."""
        own = set(cls.model_fields) - {"gap", "last_run", "next_slot_at"}
        return cls(
            **{name: getattr(sync, name) for name in own},
            gap=open_gap(sync),
            next_slot_at=None if sync.paused else sync.next_slot_at,
            last_run=RunView.of(last_run) if last_run else None,
        )


class CatchUpView(BaseModel):
    """The catch-up that followed a release."""

    run_id: str
    status: str
    counts: RunCounts


class AffectedSync(BaseModel):
    """A sync that needs a connection, and how the loss of it concerns the sync."""

    sync_id: str
    name: str
    object: str
    status: SyncStatus
    hold: Hold | None
    gap: Gap | None
    next_slot_at: Moment | None
    catch_up: CatchUpView | None

    @classmethod
    def of(cls, sync: Sync, catch_up: Run | None) -> "AffectedSync":
        """Show a sync that is settled until now; its catch-up counts once it is released."""
        shown = catch_up if not sync.holds else None
        return cls(
            sync_id=sync.id,
            name=sync.name,
            object=sync.source.object,
            status=sync.status,
            hold=sync.hold,
            gap=open_gap(sync) or (shown.gap if shown else None),
            next_slot_at=None if sync.paused else sync.next_slot_at,
            catch_up=_catch_up(shown) if shown else None,
        )


class SyncOwner(BaseModel):
    """Whose sync it is, for whoever mails about it."""

    sync_id: str
    name: str
    source: Source
    owner_id: str


class RequestedRun(BaseModel):
    """A run that was asked for."""

    run_id: str


class CancelledRun(BaseModel):
    """A run that was asked to stop."""

    run_id: str
    status: Literal["cancelling", "cancelled"]


def open_gap(sync: Sync) -> Gap | None:
    """Return the gap of a held sync."""
    return sync.missed.gap() if sync.missed and sync.holds else None


def _catch_up(run: Run) -> CatchUpView:
    return CatchUpView(run_id=run.id, status=run.status, counts=run.counts)
