"""Syncs: what is asked of scheduler about them, and what it says."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from tablesync.contracts.ids import (
    AirtableBaseId,
    AirtableFieldId,
    AirtableTableId,
    ObjectName,
)
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked, Open
from tablesync.contracts.public_api.runs import CLOSED_GAP, INTERRUPTED_RUN, RUN_ID, RunView
from tablesync.contracts.specs import (
    Destination,
    FieldMapping,
    Gap,
    HoldKind,
    MappedAs,
    Moment,
    Overlap,
    Provider,
    RunCounts,
    SyncStatus,
    is_none,
)

SYNC_ID = "syn_01997f2c-0e1b-7d24-b3a5-7c4e9a1d5f04"
HUBSPOT = "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03"
AIRTABLE = "con_01997f2b-a4c7-7e01-8c39-4f7d2a9b6c11"
_DESTINATION: JsonDict = {
    "connection_id": AIRTABLE,
    "base_id": "appAcme0000000001",
    "table_id": "tblContacts000001",
}
_KEY: JsonDict = {"source": "id", "field_id": "fldHubSpotId00001"}
_MAPPING: JsonDict = {"source": "email", "field_id": "fldEmail000000001"}
_NEW_SOURCE: JsonDict = {"connection_id": HUBSPOT, "object": "contacts"}
NEW_SYNC: JsonDict = {
    "name": "Contacts",
    "source": _NEW_SOURCE,
    "destination": _DESTINATION,
    "key": _KEY,
    "mapping": [_MAPPING],
    "schedule": {"every_seconds": 600},
    "overlap": "coalesce",
}
_HOLD: JsonDict = {
    "kind": "connection",
    "connection_id": HUBSPOT,
    "cause": "app_uninstalled",
    "since": "2026-11-22T09:52:41.803Z",
}
_OPEN_GAP: JsonDict = {
    "from": "2026-11-22T09:50:00.000Z",
    "to": None,
    "slots_missed": 3,
    "interrupted": True,
}
_FILTER: JsonDict = {"q": "contacts", "state": "failing"}
_SYNC: JsonDict = {
    **NEW_SYNC,
    "id": SYNC_ID,
    "version": 1,
    "source": {**_NEW_SOURCE, "provider": "hubspot"},
    "names": {
        "appAcme0000000001": "CRM",
        "tblContacts000001": "Contacts",
        "fldHubSpotId00001": "HubSpot ID",
        "fldEmail000000001": "E-mail",
    },
    "writes": [{"field": "HubSpot ID", **_KEY}, {"field": "E-mail", **_MAPPING}],
    "status": "held",
    "state": "waiting",
    "paused": False,
    "hold": _HOLD,
    "holds": [_HOLD],
    "gap": _OPEN_GAP,
    "next_slot_at": None,
    "last_run": INTERRUPTED_RUN,
    "last_success_at": "2026-11-22T09:40:07.412Z",
    "created_at": "2026-11-20T08:00:00.000Z",
}
_BULK: JsonDict = {
    "id": "blk_01997f2e-2b10-7c44-9a53-6e7f8a9b0c07",
    "action": "pause",
    "status": "done",
    "total": 24,
    "done": 23,
    "unchanged": 0,
    "failed": [
        {
            "sync_id": SYNC_ID,
            "name": "Contacts",
            "type": "urn:tablesync:problem:sync-held",
            "message": "It waits for its connection.",
        }
    ],
    "failed_total": 1,
}
_OUTAGE: JsonDict = {
    "lost_at": "2026-11-22T09:52:41.803Z",
    "back_at": "2026-11-22T10:20:03.117Z",
    "cause": "app_uninstalled",
    "slots_missed": 3,
    "syncs": 1,
}
_USE: JsonDict = {
    "connection_id": HUBSPOT,
    "syncs": 20,
    "states": {"waiting": 3, "fine": 17},
    "paused_with_it": 0,
    "gap": _OPEN_GAP,
    "last_success_at": "2026-11-22T09:40:07.412Z",
    "next_slot_at": "2026-11-22T10:30:00.000Z",
    "catch_up": None,
}

_LEDGER: JsonDict = {
    "due": 299,
    "run": 296,
    "coalesced": 0,
    "skipped": 0,
    "held": 3,
    "paused": 0,
    "balanced": True,
    "as_of": "2026-11-22T10:19:59.999Z",
    "gaps": [{**CLOSED_GAP, "hold": _HOLD, "catch_up_run_id": RUN_ID}],
}

Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
# What else is wrong with one is told by checks.name_faults, along with all other faults.
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
# What is looked for goes into the database's own patterns: these take no control characters.
SearchedName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
]
SearchedId = Annotated[str, StringConstraints(max_length=255, pattern=r"^[!-~]+$")]
MAPPINGS = 500
BULK_IDS = 500


class Interval(Asked):
    """One slot every so many seconds of elapsed time."""

    model_config = showing({"every_seconds": 600})

    every_seconds: int = Field(description="Seconds between two slots.")

    @property
    def length(self) -> timedelta:
        """The time between two slots."""
        return timedelta(seconds=self.every_seconds)


# A union with local days and cron lines, once they exist.
Schedule = Interval


class NewKey(Asked):
    """The source property whose value identifies a row, and the Airtable field that it goes to.

    Of a property with options it is the option's value: a label that is edited would be a new key.
    """

    model_config = showing(_KEY)

    source: Text
    field_id: AirtableFieldId

    def value(self) -> FieldMapping:
        """Return the form that events have."""
        return FieldMapping(source=self.source, field_id=self.field_id)

    def is_of(self, mapping: FieldMapping) -> bool:
        """Whether both name the same property and field."""
        return (self.source, self.field_id) == (mapping.source, mapping.field_id)


class NewMapping(NewKey):
    """A source property and the Airtable field that it goes to."""

    model_config = ConfigDict(populate_by_name=True, **showing(_MAPPING))

    as_: MappedAs | None = Field(
        default=None,
        alias="as",
        description="Of a property with options, the `label` that people see or the `value` "
        "behind it. Left out: what the sync has already, and `label` where it is new. Into a "
        "number, a date or a checkbox it is always the value.",
    )

    def beside(self, known: Sequence[FieldMapping]) -> FieldMapping:
        """Return the form that events have, of a sync that has these mappings."""
        kept = next((each.as_ for each in known if self.is_of(each)), MappedAs.LABEL)
        wanted = self.as_ or kept
        as_ = None if wanted is MappedAs.VALUE else wanted  # absence means value
        return FieldMapping(source=self.source, field_id=self.field_id, as_=as_)


class NewSource(Asked):
    """Where to read."""

    model_config = showing(_NEW_SOURCE)

    connection_id: Text
    object: ObjectName


class NewDestination(Asked):
    """Where to write."""

    model_config = showing(_DESTINATION)

    connection_id: Text
    base_id: AirtableBaseId
    table_id: AirtableTableId

    def value(self) -> Destination:
        """Return the form that events have."""
        return Destination(**self.model_dump())


class NewSync(Asked):
    """A sync to create."""

    model_config = showing(NEW_SYNC)

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


class SyncEdit(Asked):
    """What to change of a sync; what is left out stays."""

    model_config = showing({"schedule": {"every_seconds": 900}, "overlap": "skip"})

    name: Name | None = None
    mapping: list[NewMapping] | None = Field(default=None, max_length=MAPPINGS)
    schedule: Schedule | None = None
    overlap: Overlap | None = None
    version: int | None = Field(
        default=None,
        description="The version that was edited: if the sync has another by now, nothing is "
        "changed, and the answer is 409.",
    )


class SyncCopy(Asked):
    """A sync like another one, under a name of its own; it begins paused."""

    model_config = showing({"name": "Contacts (copy)"})

    name: Name


class SyncState(StrEnum):
    """How a sync is doing, in the order in which it needs somebody."""

    FAILING = "failing"  # its last run failed
    WAITING = "waiting"  # it is held
    RUNNING = "running"
    FINE = "fine"
    NEW = "new"  # it has not run yet
    PAUSED = "paused"


class WrittenField(Answer):
    """A field that a sync writes, by its name where that is known, and what it is filled with."""

    field: str
    field_id: str
    source: str


class SourceView(Answer):
    """Where a sync reads."""

    connection_id: str
    provider: Open[Provider]
    object: str


class HoldView(Answer):
    """Why a sync is held, and since when."""

    kind: Open[HoldKind]
    connection_id: str | None = None
    cause: str
    since: Moment
    lacks: tuple[str, ...] = ()
    until: Moment | None = Field(default=None, exclude_if=is_none)


class SyncView(Answer):
    """A sync with its state."""

    model_config = showing(_SYNC)

    id: str
    name: str
    version: int
    source: SourceView
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
    overlap: Open[Overlap]
    status: Open[SyncStatus]
    state: Open[SyncState] = SyncState.FINE
    paused: bool
    hold: HoldView | None = Field(
        description="What stops it; one of `holds`, a connection's first."
    )
    holds: tuple[HoldView, ...] = Field(description="All that stops it: it runs once all are over.")
    gap: Gap | None
    next_slot_at: Moment | None = Field(description="Null while it is paused or held.")
    last_run: RunView | None
    last_success_at: Moment | None = None
    created_at: Moment


class SyncFilter(Asked):
    """Which syncs are meant: those that fit all that is given."""

    model_config = showing(_FILTER)

    q: SearchedName | None = Field(default=None, description="A part of the name, in any case.")
    state: SyncState | None = None
    connection_id: SearchedId | None = Field(
        default=None, description="Its source's or its target's."
    )
    base_id: AirtableBaseId | None = None
    table_id: AirtableTableId | None = None


class SyncCounts(Answer):
    """How many syncs fit, and how many of them are in each state."""

    model_config = showing({"total": 24, "states": {"failing": 1, "waiting": 3, "fine": 20}})

    total: int
    states: dict[str, int]


class CatchUpProgress(Answer):
    """How far the catch-ups of a connection are that has been reconnected."""

    total: int = Field(description="How many syncs have one.")
    done: int
    gap: Gap = Field(description="From the first gap's beginning to the last one's end.")
    counts: RunCounts
    run_ids: tuple[str, ...] = Field(description="Those that are under way, 100 at most.")


class ConnectionUse(Answer):
    """What stands on a card beside the connection itself."""

    model_config = showing(_USE)

    connection_id: str
    syncs: int
    states: dict[str, int] = Field(description="How many syncs by their `state`.")
    paused_with_it: int = Field(description="How many were paused all at once, and would resume.")
    gap: Gap | None = Field(description="What all its waiting syncs have missed so far.")
    last_success_at: Moment | None
    next_slot_at: Moment | None
    catch_up: CatchUpProgress | None = Field(description="Of the last reconnect, until all ended.")


class ConnectionUses(Answer):
    """How the connections of a workspace are used: all that any sync uses."""

    model_config = showing({"items": [_USE]})

    items: tuple[ConnectionUse, ...]


class BulkAction(StrEnum):
    """What can be done to many syncs at once."""

    PAUSE = "pause"
    RESUME = "resume"
    RUN = "run"
    DELETE = "delete"


class NewBulkChange(Asked):
    """What to do to which syncs: to those named, or to all that fit."""

    model_config = showing({"action": "pause", "matching": _FILTER})

    action: BulkAction
    sync_ids: list[Text] | None = Field(default=None, min_length=1, max_length=BULK_IDS)
    matching: SyncFilter | None = None

    @model_validator(mode="after")
    def _one(self) -> "NewBulkChange":
        if (self.sync_ids is None) == (self.matching is None):
            remedy = {"remedy": "Send either sync_ids or matching."}
            raise PydanticCustomError("one_of", "has to say which syncs, in one way", remedy)
        return self


class FailedChange(Answer):
    """A sync to which it could not be done, and why."""

    sync_id: str
    name: str | None
    type: str = Field(description="The problem's type.")
    message: str


class BulkChangeView(Answer):
    """What has become of a change to many syncs."""

    model_config = showing(_BULK)

    id: str
    action: Open[BulkAction]
    status: Literal["running", "done"] | str = Field(union_mode="left_to_right")
    total: int
    done: int
    unchanged: int = Field(description="They were so already.")
    failed: tuple[FailedChange, ...] = Field(description="The first of them, 100 at most.")
    failed_total: int


class LedgerGap(Gap):
    """A gap, why there was one, and the run that caught it up."""

    hold: HoldView | None
    catch_up_run_id: str | None = None


class LedgerView(Answer):
    """What became of every slot of a sync that was due until `as_of`.

    The books agree if each of these slots is accounted for once; the ledger is balanced if they
    do and no slot has come due since that nobody has looked at for longer than a tick may take.
    """

    model_config = showing(_LEDGER)

    due: int
    run: int
    coalesced: int
    skipped: int
    held: int
    paused: int
    balanced: bool = Field(
        description="Whether each slot is accounted for once, and none waits for its account."
    )
    as_of: Moment = Field(description="Every slot until then is accounted for; it may be to come.")
    unaccounted: int = Field(
        default=0, description="Slots due since `as_of` that no tick has looked at yet."
    )
    gaps: list[LedgerGap]
    unread_gaps: int = Field(
        default=0, description="Gaps that are not listed: this version cannot read them."
    )


class SlotOutcome(StrEnum):
    """What became of a slot."""

    RUN = "run"
    COALESCED = "coalesced"
    SKIPPED = "skipped"
    HELD = "held"
    PAUSED = "paused"
    TO_COME = "to_come"
    FORGOTTEN = "forgotten"  # what it was is not kept for so long


class SlotsView(Answer):
    """A slot, or equal neighbours, and why they ran or did not."""

    model_config = showing(
        {
            "first": "2026-11-22T09:50:00.000Z",
            "last": "2026-11-22T10:10:00.000Z",
            "slots": 3,
            "outcome": "held",
            "reason": "HubSpot was disconnected: the TableSync app was uninstalled.",
            "run_id": None,
            "by": None,
        }
    )

    first: Moment
    last: Moment
    slots: int
    outcome: Open[SlotOutcome]
    reason: str
    run_id: str | None = Field(description="The run that a single slot became.")
    by: str | None = Field(default=None, description="The operator who had paused the sync.")


class SchedulePreview(Asked):
    """A schedule that somebody thinks about."""

    model_config = showing({"schedule": {"every_seconds": 600}})

    schedule: Schedule
    sync_id: Text | None = Field(default=None, description="A sync that has it already, or would.")


class NextSlots(Answer):
    """When a schedule would be due next."""

    model_config = showing({"slots": ["2026-11-22T10:00:00.000Z", "2026-11-22T10:10:00.000Z"]})

    slots: tuple[Moment, ...]


class ReceiptLine(Answer):
    """What one sync missed, and what its catch-up brought."""

    sync_id: str
    name: str | None = Field(description="Null for one that is deleted by now.")
    gap: Gap
    run: RunView | None = Field(description="Its catch-up; null where nothing was owed.")


class Receipt(Answer):
    """What became of an outage: what was missed and what was caught up, and nothing deleted."""

    model_config = showing(
        {
            "connection_id": HUBSPOT,
            **_OUTAGE,
            "done": 1,
            "counts": {"read": 1200, "written": 40, "unchanged": 1160, "rejected": 0},
            "lines": [{"sync_id": SYNC_ID, "name": "Contacts", "gap": CLOSED_GAP, "run": None}],
        }
    )

    connection_id: str
    lost_at: Moment
    cause: str
    back_at: Moment | None
    slots_missed: int
    syncs: int
    done: int = Field(description="How many catch-ups have ended.")
    counts: RunCounts
    lines: tuple[ReceiptLine, ...] = Field(description="500 at most, by name.")


class ReceiptSummary(Answer):
    """One outage of a connection in the list of them."""

    model_config = showing(_OUTAGE)

    lost_at: Moment
    back_at: Moment | None
    cause: str
    slots_missed: int
    syncs: int
