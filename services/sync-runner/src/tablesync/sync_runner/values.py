"""Typed values: what sources read and Airtable's cells are made of, in no provider's dialect."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

# What a property of a record is, whatever its provider writes it as. A text that does not fit the
# type of its property stays text; a moment bears its zone; None is no value.
Value = str | Decimal | bool | date | datetime | tuple[str, ...] | None


class WrittenNumber(Decimal):
    """A number that is printed as its source writes it, such as `007.5` or `1E-7`.

    It may be told in another unit than its source's.
    """

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, text: str, number: Decimal | None = None) -> Self:
        """Read a number; spaces around it are part of its text."""
        found = super().__new__(cls, text.strip() if number is None else number)
        found._text = text
        return found

    def __str__(self) -> str:
        """Return its source's text."""
        return self._text


class WrittenTexts(tuple[str, ...]):
    """Texts that are printed as their source writes them, such as `a;b;`."""

    _text: str

    @classmethod
    def of(cls, texts: Iterable[str], text: str) -> Self:
        """Return these texts, which their source writes so."""
        found = cls(texts)
        found._text = text
        return found

    def __str__(self) -> str:
        """Return its source's text."""
        return self._text


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
