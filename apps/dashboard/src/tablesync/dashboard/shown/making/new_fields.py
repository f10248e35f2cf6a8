"""The fields of a table that is made for a sync: for each property the type that suits it best."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tablesync.contracts.internal_api import SourceProperty
from tablesync.contracts.public_api.catalog import NewField
from tablesync.contracts.wording import one_line
from tablesync.dashboard.shown.making.fields import SELECTS, kind_words, type_named
from tablesync.dashboard.shown.making.suggestions import RECORD_ID

TEXT, LONG_TEXT = "singleLineText", "multilineText"
LONGEST_NAME = 200
# What most tables are made for; where a source has none of it, its first properties are.
_USUAL = frozenset(
    {"email", "firstname", "lastname", "name", "phone", "jobtitle", "company", "city", "country"}
    | {"domain", "website", "industry", "title", "status", "price", "total", "currency"}
    | {"amount", "dealname", "dealstage", "closedate", "createdate"}
)
_FIRST = 10
_LEAST_USUAL = 3


@dataclass(frozen=True)
class PlannedField:
    """A property, and the field that would be made for it."""

    source: SourceProperty
    field: NewField
    is_usual: bool

    @property
    def kind(self) -> str:
        """What the property's values are."""
        return kind_words(self.source)

    @property
    def type_words(self) -> str:
        """What the field would be."""
        return type_named(self.field.type)


@dataclass(frozen=True)
class NewFields:
    """All fields that can be made; the first one is the key's, and always is."""

    items: Sequence[PlannedField]

    def chosen(self, names: Collection[str]) -> "NewFields":
        """Return the key's and those of the properties that are named."""
        key, others = self.items[:1], self.items[1:]
        return NewFields([*key, *(each for each in others if each.source.name in names)])

    def wanted(self) -> list[NewField]:
        """Return the fields as Airtable is asked for them."""
        return [each.field for each in self.items]


def new_fields(properties: Sequence[SourceProperty], source: str) -> NewFields:
    """Plan a field for each property; no two have one name, whatever their capitals."""
    usual = {each.name for each in properties if each.name in _USUAL}
    if len(usual) < _LEAST_USUAL:
        usual = {each.name for each in properties[: _FIRST + 1]}
    taken: set[str] = set()
    found = []
    for each in sorted(properties, key=lambda each: each.name != RECORD_ID):
        label = f"{source} ID" if each.name == RECORD_ID else each.label or each.name
        field = NewField(name=_free(label, each.name, taken), **_type(each))
        found.append(PlannedField(each, field, each.name in usual))
    return NewFields(found)


def _free(label: str, name: str, taken: set[str]) -> str:
    """Return a name that is not taken, and take it."""
    wanted = (one_line(label) or name)[:LONGEST_NAME]
    if wanted.lower() in taken:
        wanted = f"{wanted[: LONGEST_NAME - len(name) - 3]} ({name})"
    taken.add(wanted.lower())
    return wanted


def _type(each: SourceProperty) -> dict[str, Any]:
    best = TEXT if each.name == RECORD_ID else next(iter(each.suits), TEXT)
    if best in SELECTS:
        labels = dict.fromkeys(option.label for option in each.options if option.label.strip())
        if not labels:  # nothing but what it is made with would be taken
            return {"type": LONG_TEXT}
        return {"type": best, "options": {"choices": [{"name": label} for label in labels]}}
    return {"type": best}
