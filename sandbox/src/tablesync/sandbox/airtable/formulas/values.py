"""The values of the formula language, and the operators between them."""

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any


class FormulaError(ValueError):
    """The error value: a filter that comes to it holds for no row."""


def _plain(value: Any) -> Any:
    """Return a value for comparison: an empty cell equals the empty text."""
    if value is None or value is False:
        return ""
    if isinstance(value, bool):
        return 1.0
    return float(value) if isinstance(value, (int, float)) else text(value)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, datetime) or isinstance(b, datetime):
        return bool(a and b) and moment(a) == moment(b)
    return bool(_plain(a) == _plain(b))


def _ordered(compare: Callable[[Any, Any], Any], a: Any, b: Any) -> bool:
    if isinstance(a, datetime) or isinstance(b, datetime):
        return bool(a and b) and bool(compare(moment(a), moment(b)))
    if isinstance(a, str) and isinstance(b, str):
        return bool(compare(a, b))
    return bool(compare(number(a), number(b)))


def text(value: Any) -> str:
    """Return a value as text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(text, value))
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def iso(value: datetime) -> str:
    """Return a moment as the API shows it."""
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def number(value: Any) -> float:
    """Return a value as a number; an empty cell is zero."""
    return 0.0 if value in (None, "") else float(value)


def moment(value: Any) -> datetime:
    """Return a value as a moment; a text is ISO 8601, in UTC if it names no zone."""
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        raise FormulaError(f"{value!r} is no date") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def truth(value: Any) -> bool:
    """Whether a value holds: nothing, zero and the empty text do not."""
    return value not in (None, 0, "", False) and value != []


LEVELS: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {
        "=": _equal,
        "!=": lambda a, b: not _equal(a, b),
        "<": lambda a, b: _ordered(operator.lt, a, b),
        ">": lambda a, b: _ordered(operator.gt, a, b),
        "<=": lambda a, b: _ordered(operator.le, a, b),
        ">=": lambda a, b: _ordered(operator.ge, a, b),
    },
    {"&": lambda a, b: text(a) + text(b)},
    {"+": lambda a, b: number(a) + number(b), "-": lambda a, b: number(a) - number(b)},
    {"*": lambda a, b: number(a) * number(b), "/": lambda a, b: number(a) / number(b)},
)
