"""A sync: what it copies and when, what stops it, and what became of its slots."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from tablesync.contracts import (
    Destination,
    FieldMapping,
    Gap,
    Hold,
    HoldKind,
    Overlap,
    Provider,
    Source,
    SyncSpec,
    SyncStatus,
    next_sequence,
)
from tablesync.contracts.public_api.schedules import Schedule
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.scheduler.domain.gaps import OpenGap
from tablesync.scheduler.domain.schedules import Slots, next_slot, slots_between


class Ledger(BaseModel):
    """What became of each slot that was due: their sum is the number of slots."""

    run: int = 0
    coalesced: int = 0
    skipped: int = 0
    held: int = 0
    paused: int = 0

    @property
    def total(self) -> int:
        """How many slots are accounted for."""
        return self.run + self.coalesced + self.skipped + self.held + self.paused

    def run_becomes_held(self, slots: int) -> None:
        """Move a run's slot, and those coalesced into it, to held."""
        self.run -= 1
        self.coalesced -= slots - 1
        self.held += slots

    def run_becomes_paused(self, slots: int) -> None:
        """Move a run's slot, and those coalesced into it, to paused."""
        self.run -= 1
        self.coalesced -= slots - 1
        self.paused += slots


class PastSchedule(BaseModel):
    """A schedule that was in force until an edit."""

    schedule: Schedule
    anchor: datetime
    until: datetime


class Waiting(BaseModel):
    """Slots that wait for a running run to end; they become one run, for the last of them."""

    slot: datetime
    slots: int


class PlannedCatchUp(BaseModel):
    """A catch-up that waits for its place in the spread."""

    run_id: str
    at: datetime
    gap: Gap
    check_everything: bool = False


class Pause(BaseModel):
    """Since when a sync is paused, by whom, and with which connection if not by itself."""

    since: datetime
    by: str | None = None
    connection_id: str | None = None


class ClosedPause(Pause):
    """A pause that is over, kept to say why slots did not run."""

    sync_id: str
    workspace_id: str
    until: datetime
    ended_by: str | None = None


class Sync(BaseModel):
    """The whole state of one sync; the functions of this service change it in memory."""

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(alias="_id")
    workspace_id: str
    version: int = 1
    name: str
    owner_id: str
    created_at: datetime
    source: Source
    destination: Destination
    key: FieldMapping
    mapping: list[FieldMapping]
    names: dict[str, str] = Field(
        default={}, description="Of base, table and fields by id, when they were last checked."
    )
    labels: dict[str, str] = Field(
        default={}, description="Of mapped properties by name, when they were last checked."
    )
    overlap: Overlap = Overlap.COALESCE
    schedule: Schedule
    anchor: datetime = Field(description="The first slot is one interval after it.")
    past_schedules: list[PastSchedule] = []
    next_slot_at: datetime = Field(description="The first slot that is not accounted for.")
    ledger: Ledger = Ledger()
    paused: bool = False
    pause: Pause | None = None
    holds: list[Hold] = []
    missed: OpenGap | None = None
    waiting: Waiting | None = None
    planned: PlannedCatchUp | None = None
    active_runs: list[str] = []
    last_run_id: str | None = None
    last_catch_up_id: str | None = None
    last_catch_up_at: datetime | None = None
    last_catch_up_for: str | None = Field(
        default=None, description="The connection whose return has brought it about."
    )
    recheck_at: datetime | None = None
    found_at: datetime | None = Field(
        default=None, description="When a look last found all that it needs, its base too."
    )
    tries_in_vain: int = Field(
        default=0, description="Catch-ups that met again what held it, since it last worked."
    )
    check_at: datetime | None = Field(default=None, description="When the next full check is due.")
    check_late: bool = Field(default=False, description="Whether `check_at` is a second try.")
    check_owed: bool = Field(default=False, description="Whether the next run is a check.")
    check_run_id: str | None = Field(default=None, description="The last full check.")
    failing: bool = Field(
        default=False, description="Whether its last run that came to its own end failed."
    )
    last_success_at: datetime | None = None
    sequence: int = 1
    _stored: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Sync":
        """Read a stored sync; it remembers how it was stored."""
        sync = cls.model_validate(document)
        sync._stored = document
        return sync

    @classmethod
    def in_outline(cls, document: dict[str, Any]) -> "Sync":
        """Read a stored sync without what it maps and its past: to be shown, never stored."""
        return cls.model_validate({**document, "mapping": []})

    @property
    def stored(self) -> dict[str, Any]:
        """The document that it was read from; empty if it is new."""
        return self._stored

    @property
    def claimable(self) -> bool:
        """Whether its slots may become runs."""
        return not self.paused and not self.holds

    @property
    def hold(self) -> Hold | None:
        """The hold to show first."""
        return next(iter(self.stopped_by), None)

    @property
    def providers(self) -> dict[str | None, str]:
        """The provider of each of its connections, by id."""
        return {
            self.source.connection_id: self.source.provider,
            self.destination.connection_id: Provider.AIRTABLE,
        }

    @property
    def stopped_by(self) -> list[Hold]:
        """All holds as they are shown: a connection's, then what one was not granted, then others.

        Events tell the first alone, and so do mails: of what people have to do before all else.
        """
        return sorted(self.holds, key=_rank)

    @property
    def gap(self) -> Gap | None:
        """The open gap to show, while it is held."""
        return self.missed.gap() if self.missed and self.holds else None

    @property
    def status(self) -> SyncStatus:
        """What an operator sees."""
        if self.paused:
            return SyncStatus.PAUSED
        return SyncStatus.HELD if self.holds else SyncStatus.ACTIVE

    @property
    def state(self) -> SyncState:
        """How it is doing; one that fails does so until a run succeeds, also while it tries."""
        if self.paused:
            return SyncState.PAUSED
        if self.holds:
            return SyncState.WAITING
        if self.failing:
            return SyncState.FAILING
        if self.active_runs:
            return SyncState.RUNNING
        return SyncState.FINE if self.last_run_id else SyncState.NEW

    @property
    def order(self) -> str:
        """Its place in lists: those that need somebody first, then by name."""
        return f"{STATES.index(self.state)}{self.name.casefold()}"

    @property
    def ends(self) -> str:
        """What it reads from and writes to, to be looked for in one text."""
        to = self.destination
        return f"{self.source.connection_id} {to.connection_id} {to.base_id} {to.table_id}"

    @property
    def connection_ids(self) -> list[str]:
        """The connections without which it cannot run."""
        return [self.source.connection_id, self.destination.connection_id]

    @property
    def due_at(self) -> datetime:
        """When the ticker has to look at it next."""
        others = (self.planned.at if self.planned else None, self.check_at)
        return min([self.next_slot_at, *(each for each in others if each is not None)])

    @property
    def is_checked(self) -> bool:
        """Whether a full check is under way."""
        return self.check_run_id in self.active_runs

    def take_slots(self, now: datetime) -> Slots | None:
        """Take the slots that are due and not accounted for; the caller accounts for them."""
        if now < self.next_slot_at:
            return None
        before = self.next_slot_at - timedelta(milliseconds=1)
        slots = slots_between(self.schedule, self.anchor, before, now)
        if slots:
            self.next_slot_at = next_slot(self.schedule, self.anchor, slots.last)
        return slots

    def add_to_gap(self, since: datetime, slots: int, *, interrupted: bool) -> None:
        """Add to what the next catch-up owes, and open its gap if there is none."""
        self.missed = self.missed or OpenGap(from_=since)
        self.missed.extend(since, slots, interrupted=interrupted)

    def next_event_sequence(self, now_ms: int) -> int:
        """Return the sequence of the next state event."""
        self.sequence = next_sequence(self.sequence, now_ms)
        return self.sequence

    def spec(self) -> SyncSpec:
        """Return all that a runner needs to know."""
        return SyncSpec(
            sync_id=self.id,
            workspace_id=self.workspace_id,
            name=self.name,
            version=self.version,
            source=self.source,
            destination=self.destination,
            key=self.key,
            mapping=tuple(self.mapping),
            names=self.names,
        )

    def to_document(self) -> dict[str, Any]:
        """Return the stored form, with what the indexes need."""
        fields = self.model_dump(by_alias=True)
        fields["connection_ids"] = self.connection_ids
        fields["due_at"] = self.due_at
        fields["order"], fields["ends"] = self.order, self.ends
        if self.claimable:
            fields["claimable"] = True
        if self.missed and not self.holds:
            fields["owed"] = True
        for name in _STORED_IF_SET:
            if not fields[name]:
                del fields[name]
        return fields


def _rank(hold: Hold) -> tuple[bool, bool]:
    return hold.kind is not HoldKind.CONNECTION, not hold.lacks


STATES = list(SyncState)
_STORED_IF_SET = (
    *("recheck_at", "found_at", "check_at", "check_late", "check_owed", "check_run_id"),
    *("failing", "last_success_at", "last_catch_up_for", "pause", "labels"),
)
