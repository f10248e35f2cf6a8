"""A sync that is being made, or edited: all that was chosen so far.

What it says is there is checked again by the services that have it.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from tablesync.contracts import FieldMapping, MappedAs, Overlap
from tablesync.contracts.public_api.catalog import TriedSync
from tablesync.contracts.public_api.schedules import Interval
from tablesync.contracts.public_api.sync_drafts import MadeOf
from tablesync.contracts.public_api.syncs import (
    NewDestination,
    NewKey,
    NewMapping,
    NewSource,
    NewSync,
    SyncView,
)
from tablesync.contracts.wording import provider_label
from tablesync.dashboard.web.signing import Signing

PURPOSE = "draft"
KEPT_SECONDS = 14 * 86_400
# What is chosen anew for another kind of record.
_OF_OBJECT = {"name": "", "new_table": "", "properties": None}
UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}


class Draft(BaseModel):
    """What somebody has chosen of a new sync; the names are for pages alone."""

    model_config = ConfigDict(frozen=True)

    connection: str = ""
    connection_name: str = ""
    provider: str = ""
    object: str = ""
    object_name: str = ""
    target: str = ""
    base: str = ""
    base_name: str = ""
    table: str = ""
    table_name: str = ""
    # Of a table that is to be made: what it is called, and of which properties it has fields.
    new_table: str = ""
    properties: tuple[str, ...] | None = None
    key: str = ""
    mapping: tuple[NewMapping, ...] | None = None
    name: str = ""
    every: int = 0
    unit: str = "minutes"
    overlap: Overlap = Overlap.COALESCE

    @classmethod
    def read(cls, signing: Signing, text: str) -> Self:
        """Read one from a form; what is none of ours, or too old, is an empty one."""
        try:
            return cls.model_validate(signing.read(PURPOSE, text, KEPT_SECONDS) or {})
        except ValidationError:
            return cls()

    @classmethod
    def of(cls, sync: SyncView) -> Self:
        """Return a sync as it is: how it maps is said in full."""
        to, names = sync.destination, sync.names
        mapped = _one_for_each(sync)
        return cls(
            connection=sync.source.connection_id,
            provider=provider_label(str(sync.source.provider)),
            object=sync.source.object,
            object_name=sync.source.object.replace("_", " ").capitalize(),
            target=to.connection_id,
            base=to.base_id,
            base_name=names.get(to.base_id, to.base_id),
            table=to.table_id,
            table_name=names.get(to.table_id, to.table_id),
            key=sync.key.source,
            mapping=tuple(map(_said_in_full, mapped)),
            name=sync.name,
        )

    def signed(self, signing: Signing) -> str:
        """Return it as a form has it."""
        said = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return signing.sign(PURPOSE, said)

    def but(self, **changes: Any) -> Self:
        """Return it with changes; what no longer fits to them is chosen anew."""
        changed = self.model_copy(update=changes)
        if (changed.connection, changed.object) != (self.connection, self.object):
            changed = changed.model_copy(update=_OF_OBJECT)
        ends = ("connection", "object", "target", "base", "table")
        if any(getattr(changed, each) != getattr(self, each) for each in ends):
            mapped = {"key": changes.get("key", ""), "mapping": changes.get("mapping")}
            return changed.model_copy(update=mapped)
        return changed

    @property
    def title(self) -> str:
        """What lists of drafts call it."""
        return self.name or f"{self.provider} {self.object_name}".strip()

    @property
    def has_source(self) -> bool:
        """Whether it says what is read."""
        return bool(self.connection and self.object)

    @property
    def has_table(self) -> bool:
        """Whether it says where that is written."""
        return self.has_source and bool(self.target and self.base and self.table)

    @property
    def has_mapping(self) -> bool:
        """Whether it says which field goes where, and how rows are found again."""
        return self.has_table and self.key_mapping is not None

    @property
    def has_schedule(self) -> bool:
        """Whether it has a name and says how often it runs."""
        return self.has_mapping and bool(self.name and self.every)

    @property
    def key_mapping(self) -> NewMapping | None:
        """The mapping of its key."""
        return next((each for each in self.mapping or () if each.source == self.key), None)

    @property
    def others(self) -> list[NewMapping]:
        """What is written beside the key."""
        return [each for each in self.mapping or () if each.source != self.key]

    @property
    def schedule(self) -> Interval:
        """How often it runs."""
        return Interval(every_seconds=self.every * UNITS.get(self.unit, 60))

    def tried(self) -> TriedSync:
        """Return it as it is tried."""
        return TriedSync.model_validate(self._contents(), by_name=True)

    def new_sync(self, made_of: MadeOf) -> NewSync:
        """Return it as it is made, of what is kept of it."""
        given = {"name": self.name, "schedule": self.schedule, "overlap": self.overlap}
        everything = {**self._contents(), **given, "draft": made_of}
        return NewSync.model_validate(everything, by_name=True)

    def _contents(self) -> dict[str, Any]:
        key = self.key_mapping
        assert key, "a sync without a key was to be tried"
        return {
            "source": NewSource(connection_id=self.connection, object=self.object),
            "destination": NewDestination(
                connection_id=self.target, base_id=self.base, table_id=self.table
            ),
            "key": NewKey(source=key.source, field_id=key.field_id),
            "mapping": self.others,
        }


def _said_in_full(mapped: FieldMapping) -> NewMapping:
    """Return a mapping as it is asked for; where events leave it out, options are told by value."""
    as_ = mapped.as_ or MappedAs.VALUE
    return NewMapping(source=mapped.source, field_id=mapped.field_id, as_=as_)


def doubles(sync: SyncView) -> list[NewMapping]:
    """Return what a sync writes of a property into a further field: pages show one for each."""
    shown = _one_for_each(sync)
    return [_said_in_full(each) for each in sync.mapping if each not in shown]


def _one_for_each(sync: SyncView) -> list[FieldMapping]:
    found = {sync.key.source: sync.key}
    for each in sync.mapping:
        found.setdefault(each.source, each)
    return list(found.values())
