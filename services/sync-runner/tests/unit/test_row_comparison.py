"""The comparison that these tests rest on finds every kind of difference."""

from typing import Any

from row_comparison import Differences, compare
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.pipeline.columns import Column
from tablesync.sync_runner.sources.base import SourceProperty, SourceRecord

Records = dict[str, dict[str, str | None]]
COLUMNS = [
    Column(SourceProperty("id", "ID", "string"), Field("fldKey", "Key", "singleLineText")),
    Column(SourceProperty("amount", "Amount", "string"), Field("fldSum", "Sum", "number")),
]


def differences(records: Records, rows: list[dict[str, Any]], *rejected: str) -> Differences:
    read = [SourceRecord(id_, {**values, "id": id_}) for id_, values in records.items()]
    return compare(read, rows, COLUMNS, rejected)


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
