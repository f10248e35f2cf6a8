"""The comparison that these tests rest on finds every kind of difference."""

from typing import Any

from expected_cells import OWN, Mapped
from row_comparison import Differences, compare

Records = dict[str, dict[str, str | None]]
AMOUNT = {"name": "amount", "type": "string"}
MAPPING = [
    Mapped(OWN["id"], {"id": "fldKey", "name": "Key", "type": "singleLineText"}),
    Mapped(AMOUNT, {"id": "fldSum", "name": "Sum", "type": "number"}),
]


def differences(records: Records, rows: list[dict[str, Any]], *rejected: str) -> Differences:
    told = [
        {"id": id_, "archived": False, "properties": properties}
        for id_, properties in records.items()
    ]
    return compare(told, rows, MAPPING, rejected)


def test_equal_is_equal() -> None:
    records: Records = {"1": {"amount": "2"}, "2": {"amount": None}, "3": {"amount": "bad"}}
    assert not differences(records, [{"fldKey": "1", "fldSum": 2}, {"fldKey": "2"}], "3")


def test_true_is_no_number() -> None:
    found = differences({"1": {"amount": "1"}}, [{"fldKey": "1", "fldSum": True}])
    assert found.unequal == ["1.fldSum: True != 1"]


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
