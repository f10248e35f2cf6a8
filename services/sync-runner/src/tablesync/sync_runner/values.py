"""Typed values: what sources read and Airtable's cells are made of, in no provider's dialect."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

# What a property of a record is, whatever its provider writes it as. A text that does not fit the
# type of its property stays text; a moment bears its zone; None is no value.
Value = str | Decimal | bool | date | datetime | tuple[str, ...] | None


class ValueKind(StrEnum):
    """What the values of a property are."""

    TEXT = "text"
    NUMBER = "number"
    BOOL = "bool"
    DATE = "date"  # a day, the same in every time zone
    MOMENT = "moment"
    TEXTS = "texts"


class Unit(StrEnum):
    """What a number counts, where its provider says so."""

    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"


@dataclass(frozen=True)
class Option:
    """One of the values that a property can have, and what people see."""

    value: str
    label: str
