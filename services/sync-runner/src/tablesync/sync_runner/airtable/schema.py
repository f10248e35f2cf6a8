"""A base's tables and fields, as far as a sync needs to know them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator
from tablesync.sync_runner.access.answers import NAMELESS, NOT_UNDERSTOOD, Answer, or_else

# Upserts merge on these and on no others.
MERGEABLE = frozenset(
    {"singleLineText", "multilineText", "number", "singleSelect", "multipleSelects", "date"}
)
SELECTS = frozenset({"singleSelect", "multipleSelects"})
# None is none.
Options = Annotated[Mapping[str, Any], BeforeValidator(lambda given: given or {})]


@dataclass(frozen=True)
class Field:
    """One field of a table; unknown types are tolerated, and one that is not understood."""

    id: str
    name: str
    type: str
    options: Options = field(default_factory=dict)

    @cached_property
    def choices(self) -> Sequence[str] | None:
        """The names of a select's options; None where Airtable does not tell them."""
        told = self.options.get("choices")
        if not isinstance(told, list):
            return None
        return [str(each["name"]) for each in told if isinstance(each, dict) and "name" in each]

    @cached_property
    def option_by_name(self) -> Mapping[str, str]:
        """A select's options by their names, and by these without the spaces around them."""
        names = self.choices or ()
        return {each.strip(): each for each in reversed(names)} | {each: each for each in names}

    @property
    def understood(self) -> bool:
        """Whether more is known of it than its id."""
        return self.type != NOT_UNDERSTOOD

    @property
    def mergeable(self) -> bool:
        """Whether rows can be found by this field's value."""
        return self.type in MERGEABLE


@dataclass(frozen=True)
class Table:
    """One table with its fields by id; one that is not understood has none.

    It `hides` a field where the id of one is not understood: it may be any.
    """

    id: str
    name: str
    fields: Mapping[str, Field]
    hides: bool = False

    @property
    def understood(self) -> bool:
        """Whether anything can be said of it: a table has one field at least."""
        return any(each.understood for each in self.fields.values())


class TableAnswer(Answer):
    """One table as Airtable tells it."""

    id: str
    name: str
    fields: tuple[
        Annotated[Field | None, or_else("id", lambda it: Field(it, it, NOT_UNDERSTOOD))], ...
    ]


class TablesAnswer(Answer):
    """The answer of the tables route: what is odd there is odd alone."""

    tables: tuple[
        Annotated[
            TableAnswer | None, or_else("id", lambda it: TableAnswer(id=it, name=it, fields=()))
        ],
        ...,
    ]


def read_tables(answer: TablesAnswer) -> list[Table]:
    """Read the answer of the tables route."""
    return [_table(each) if each else Table(NAMELESS, NAMELESS, {}) for each in answer.tables]


def _table(told: TableAnswer) -> Table:
    fields = {each.id: each for each in told.fields if each}
    return Table(told.id, told.name, fields, hides=None in told.fields)
