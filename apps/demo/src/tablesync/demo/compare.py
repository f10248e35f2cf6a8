"""Compares Airtable with HubSpot, record by record, by rules written apart from the runner's.

P14's equality: each source record is exactly one row, whose mapped cells equal the coerced
values; an empty cell is an absent one.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from tablesync.demo.syncs import KEY_FIELD, Table

Cell = Any


@dataclass
class Comparison:
    """What differs between one object and its table; `equal` if nothing does."""

    records: int
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    def examples(self) -> str:
        """Name the first few differences of each kind."""
        kinds = ("missing", "unexpected", "doubled", "differing")
        found = ((kind, getattr(self, kind)) for kind in kinds)
        return "; ".join(f"{kind}: {', '.join(each[:3])}" for kind, each in found if each)

    @property
    def equal(self) -> bool:
        """Whether every record is one row with the right cells."""
        return not (self.missing or self.unexpected or self.doubled or self.differing)


def compare(
    records: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    table: Table,
    mapping: list[Mapping[str, str]],
    labels: Mapping[str, Mapping[str, str]],
) -> Comparison:
    """Compare ground truth with ground truth, both read from the sandbox's control API.

    `labels` are what people see of the options of each property, by value.
    """
    names = {each["id"]: name for name, each in table.fields.items()}
    by_key = {str(row["fields"].get(KEY_FIELD)): row["fields"] for row in rows}
    counts = Counter(str(row["fields"].get(KEY_FIELD)) for row in rows)
    expected = {each["id"]: {**each["properties"], "id": each["id"]} for each in records}
    result = Comparison(records=len(records))
    result.missing = sorted(expected.keys() - by_key.keys())
    result.unexpected = sorted(by_key.keys() - expected.keys())
    result.doubled = sorted(key for key, count in counts.items() if count > 1)
    for key in expected.keys() & by_key.keys():
        for each in mapping:
            name = names[each["field_id"]]
            value, type_ = expected[key].get(each["source"]), table.fields[name]["type"]
            as_label = each.get("as") == "label" and type_ != "checkbox"
            shown = labels.get(each["source"], {}) if as_label else {}
            want = expected_cell(value, type_, shown)
            if by_key[key].get(name) != want:
                result.differing.append(f"{key}.{name}")
    return result


def expected_cell(
    value: str | None, field_type: str, labels: Mapping[str, str] = MappingProxyType({})
) -> Cell:
    """Say what a HubSpot value looks like in an Airtable field of this type; None is empty."""
    if value is None or value == "":
        return None
    shown = ";".join(labels.get(each, each) for each in value.split(";"))
    return _EXPECTED.get(field_type, _text)(shown if labels else value)


def _text(value: str) -> Cell:
    return value


def _number(value: str) -> Cell:
    return float(value)


def _checkbox(value: str) -> Cell:
    return True if value.lower() == "true" else None


def _choices(value: str) -> Cell:
    return [choice for choice in value.split(";") if choice] or None


def _instant(value: str) -> datetime:
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(value: str) -> Cell:
    return _instant(value).date().isoformat()


def _date_time(value: str) -> Cell:
    return (
        _instant(value).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{_instant(value).microsecond // 1000:03d}Z"
    )


_EXPECTED: Mapping[str, Callable[[str], Cell]] = {
    "number": _number,
    "currency": _number,
    "percent": _number,
    "checkbox": _checkbox,
    "multipleSelects": _choices,
    "date": _date,
    "dateTime": _date_time,
}
