"""The comparison that these tests rest on finds every kind of difference."""

from typing import Any

from row_comparison import Differences, compare
from tablesync.contracts import FieldMapping
from tablesync.sync_runner.airtable.schema import Field

Records = dict[str, dict[str, str | None]]
KEY = FieldMapping(source="id", field_id="fldKey")
SUM = FieldMapping(source="amount", field_id="fldSum")
FIELDS = {
    "fldKey": Field("fldKey", "Key", "singleLineText"),
    "fldSum": Field("fldSum", "Sum", "number"),
}


def differences(records: Records, rows: list[dict[str, Any]], *rejected: str) -> Differences:
    return compare(records, rows, KEY, [SUM], FIELDS, rejected)


def test_equal_is_equal() -> None:
    records: Records = {"1": {"amount": "2"}, "2": {"amount": None}, "3": {"amount": "bad"}}
    assert not differences(records, [{"fldKey": "1", "fldSum": 2}, {"fldKey": "2"}], "3")


def test_each_difference_is_found() -> None:
    records: Records = {
        "1": {"amount": "2"},
        "2": {"amount": "3"},
        "3": {"amount": "bad"},
    }
    rows: list[dict[str, Any]] = [
        {"fldKey": "1", "fldSum": 5},
        {"fldKey": "1", "fldSum": 5},
        {"fldKey": "9"},
    ]
    found = differences(records, rows)
    assert found.missing == ["2"]
    assert found.doubled == ["1"]
    assert found.unexpected == ["9"]
    assert found.unequal == ["1.fldSum: 5 != 2"]
    assert found.not_rejected == ["3"]
