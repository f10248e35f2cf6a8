"""What a shop holds: values as they are, and the dialect in which the shop tells them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tablesync.sync_runner.values import Value

ZONE = "Pacific/Auckland"
_SHOPS_CLOCK = timezone(timedelta(hours=13))
_MOST = 90_000


@dataclass(frozen=True)
class Record:
    """A record as it is; `changed` is a number that grows with each change in the shop."""

    id: str
    values: Mapping[str, Value]
    changed_ms: int
    deleted: bool = False

    def edited(self, changed_ms: int, **values: Value) -> "Record":
        """Return it as it is once some of its values are others."""
        return replace(self, values={**self.values, **values}, changed_ms=changed_ms)


# By name: label, the shop's own name for the type, and what can be chosen.
FIELDS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "title": ("Title", "line", {}),
    "price": ("Price", "cents", {}),
    "labels": ("Labels", "list", {}),
    "organic": ("Organic", "flag", {}),
    "picked": ("Picked on", "day", {}),
    "ripe_at": ("Ripe at", "instant", {}),
    "ripens_in": ("Ripens in", "minutes", {}),
    "grade": ("Grade", "choice", {"x": "Extra", "1": "Class I", "2": "Class II"}),
}


def harvest(number: int) -> dict[str, Value]:
    """Return the values of one of many records; some have none."""
    moment = datetime(2026, 3, 1, 22, 30, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "title": f"Boskoop {number} 🍏",
        "price": Decimal(number) / 100,
        "labels": ("red", "sour; cold") if number % 3 else None,
        "organic": bool(number % 2),
        "picked": date(2026, 2, 1) + timedelta(days=number % 20),
        "ripe_at": moment,
        "ripens_in": Decimal(number % _MOST),
        "grade": "x" if number % 2 else None,
    }


def told(name: str, value: Value) -> Any:
    """Return a value as the shop tells it; nothing is an empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _DIALECT[FIELDS[name][1]](value)


_DIALECT: Mapping[str, Callable[[Any], Any]] = {
    "cents": lambda it: int(it * 100),
    "list": ", ".join,
    "flag": lambda it: "Y" if it else "N",
    "day": lambda it: it.strftime("%d/%m/%Y"),
    "instant": lambda it: it.astimezone(_SHOPS_CLOCK).isoformat(),
    "minutes": str,
}
