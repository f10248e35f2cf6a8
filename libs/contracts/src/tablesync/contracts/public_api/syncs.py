"""Syncs: what is asked of scheduler about them, and what it says."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict
from tablesync.contracts.ids import (
    AirtableBaseId,
    AirtableFieldId,
    AirtableTableId,
    ObjectName,
)
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked, Open, Text
from tablesync.contracts.public_api.runs import INTERRUPTED_RUN, RunView
from tablesync.contracts.public_api.schedules import SaidSchedule, Schedule
from tablesync.contracts.public_api.sync_drafts import MadeOf
from tablesync.contracts.specs import (
    Destination,
    FieldMapping,
    Gap,
    HoldKind,
    MappedAs,
    Moment,
    Overlap,
    Provider,
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


HOLD: JsonDict = {
    "kind": "connection",
    "connection_id": HUBSPOT,
    "cause": "app_uninstalled",
    "since": "2026-11-22T09:52:41.803Z",
}


OPEN_GAP: JsonDict = {
    "from": "2026-11-22T09:50:00.000Z",
    "to": None,
    "slots_missed": 3,
    "interrupted": True,
}


FILTER: JsonDict = {"q": "contacts", "state": "failing"}


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
    "writes": [
        {"field": "HubSpot ID", **_KEY, "label": "Record ID"},
        {"field": "E-mail", **_MAPPING, "label": "Email"},
    ],
    "status": "held",
    "state": "waiting",
    "paused": False,
    "hold": HOLD,
    "holds": [HOLD],
    "gap": OPEN_GAP,
    "next_slot_at": None,
    "last_run": INTERRUPTED_RUN,
    "last_success_at": "2026-11-22T09:40:07.412Z",
    "created_at": "2026-11-20T08:00:00.000Z",
}


# What else is wrong with one is told by checks.name_faults, along with all other faults.
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]


# What is looked for goes into the database's own patterns: these take no control characters.
SearchedName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


SearchedId = Annotated[str, StringConstraints(max_length=255, pattern=r"^[!-~]+$")]


MAPPINGS = 500


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
    draft: MadeOf | None = Field(
        default=None, description="The draft that it is made of, which is finished with it."
    )


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
    label: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="What people called the source's property when it was last checked.",
    )


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
    schedule: SaidSchedule
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

    model_config = showing(FILTER)

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
