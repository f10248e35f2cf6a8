"""The values of the formula language: how they compare, and the operators and functions."""

import operator
from collections.abc import Callable
from typing import Any


def _plain(value: Any) -> Any:
    """Return a value for comparison: an empty cell equals the empty text."""
    if value is None or value is False:
        return ""
    if isinstance(value, bool):
        return 1.0
    return float(value) if isinstance(value, (int, float)) else _text(value)


def _ordered(compare: Callable[[Any, Any], Any], a: Any, b: Any) -> bool:
    if isinstance(a, str) and isinstance(b, str):
        return bool(compare(a, b))
    return bool(compare(number(a), number(b)))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number(value: Any) -> float:
    """Return a value as a number; an empty cell is zero."""
    return 0.0 if value in (None, "") else float(value)


def truth(value: Any) -> bool:
    """Whether a value holds: nothing, zero and the empty text do not."""
    return value not in (None, 0, "", False) and value != []


LEVELS: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {
        "=": lambda a, b: _plain(a) == _plain(b),
        "!=": lambda a, b: _plain(a) != _plain(b),
        "<": lambda a, b: _ordered(operator.lt, a, b),
        ">": lambda a, b: _ordered(operator.gt, a, b),
        "<=": lambda a, b: _ordered(operator.le, a, b),
        ">=": lambda a, b: _ordered(operator.ge, a, b),
    },
    {"&": lambda a, b: _text(a) + _text(b)},
    {"+": lambda a, b: number(a) + number(b), "-": lambda a, b: number(a) - number(b)},
    {"*": lambda a, b: number(a) * number(b), "/": lambda a, b: number(a) / number(b)},
)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "AND": lambda *values: all(map(truth, values)),
    "OR": lambda *values: any(map(truth, values)),
    "NOT": lambda value: not truth(value),
    "IF": lambda test, yes, no=None: yes if truth(test) else no,
    "BLANK": lambda: None,
    "TRUE": lambda: True,
    "FALSE": lambda: False,
    "LOWER": lambda value: _text(value).lower(),
    "UPPER": lambda value: _text(value).upper(),
    "TRIM": lambda value: _text(value).strip(),
    "LEN": lambda value: len(_text(value)),
    "VALUE": number,
    "CONCATENATE": lambda *values: "".join(map(_text, values)),
    "FIND": lambda needle, text: _text(text).find(_text(needle)) + 1,
    "SEARCH": lambda needle, text: _text(text).lower().find(_text(needle).lower()) + 1,
}
