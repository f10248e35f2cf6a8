"""Search filters: how each operator compares a property of each type."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tablesync.sandbox.clock import parse_instant

Value = str | float
Test = Callable[[str | None], bool]

OPERATORS = frozenset(
    [
        "EQ",
        "NEQ",
        "LT",
        "LTE",
        "GT",
        "GTE",
        "BETWEEN",
        "IN",
        "NOT_IN",
        "HAS_PROPERTY",
        "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN",
        "NOT_CONTAINS_TOKEN",
    ]
)
_TEXT_TYPES = frozenset({"string", "phone_number"})
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda mine, value: bool(mine < value),
    "LTE": lambda mine, value: bool(mine <= value),
    "GT": lambda mine, value: bool(mine > value),
    "GTE": lambda mine, value: bool(mine >= value),
}


def comparable(value: Any, property_type: str) -> Value:
    """Return a value in the form its type is compared in; raise ValueError if it has none.

    Instants are milliseconds, numbers are floats, text is lower case, enumerations stay as is.
    """
    if property_type in ("date", "datetime"):
        return _instant(str(value))
    if property_type == "number":
        return float(value)
    return str(value) if property_type == "enumeration" else str(value).lower()


def _instant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return parse_instant(text)


def compile_test(entry: Mapping[str, Any], property_type: str) -> Test:
    """Return the test of one filter; raise ValueError for a malformed one."""
    operator = entry["operator"]
    if operator == "HAS_PROPERTY":
        return lambda text: text is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda text: text is None
    if operator.endswith("IN"):
        return _membership(entry, property_type)
    if operator.endswith("CONTAINS_TOKEN"):
        return _token(entry)
    return _comparison(entry, property_type)


def _comparison(entry: Mapping[str, Any], property_type: str) -> Test:
    operator, value = entry["operator"], comparable(_required(entry, "value"), property_type)
    if operator == "EQ":
        return _present(property_type, lambda mine: mine == value)
    if operator == "NEQ":
        # A record without a value differs from every value.
        equal = _present(property_type, lambda mine: mine == value)
        return lambda text: not equal(text)
    if operator == "BETWEEN":
        high = comparable(_required(entry, "highValue"), property_type)
        return _present(property_type, lambda mine: value <= mine <= high)
    compare = _ORDERED[operator]
    return _present(property_type, lambda mine: compare(mine, value))


def _present(property_type: str, test: Callable[[Any], bool]) -> Test:
    return lambda text: text is not None and test(comparable(text, property_type))


def _membership(entry: Mapping[str, Any], property_type: str) -> Test:
    values = entry.get("values")
    if not isinstance(values, list) or not values:
        raise ValueError("values")
    # Text is kept in lower case here, so a value in upper case matches nothing, as at HubSpot.
    is_text = property_type in _TEXT_TYPES
    wanted = {str(value) if is_text else comparable(value, property_type) for value in values}
    inside = _present(property_type, lambda mine: mine in wanted)
    return inside if entry["operator"] == "IN" else lambda text: not inside(text)


def _token(entry: Mapping[str, Any]) -> Test:
    needle = re.escape(str(_required(entry, "value")).lower()).replace(r"\*", r"\S*")
    pattern = re.compile(rf"(?<!\w){needle}(?!\w)")
    if entry["operator"] == "CONTAINS_TOKEN":
        return lambda text: text is not None and bool(pattern.search(text.lower()))
    return lambda text: text is None or not pattern.search(text.lower())


def _required(entry: Mapping[str, Any], member: str) -> Any:
    if entry.get(member) is None:
        raise ValueError(member)
    return entry[member]
