"""The demo's comparison finds every way in which a table may differ from its source."""

import copy
from typing import Any

import pytest
from tablesync.demo.compare import compare, expected_cell
from tablesync.demo.syncs import KEY_FIELD, Table

pytestmark = pytest.mark.unit

TABLE = Table(
    "app1",
    "tbl1",
    {
        KEY_FIELD: {"id": "fld1", "type": "singleLineText"},
        "Name": {"id": "fld2", "type": "singleLineText"},
        "Score": {"id": "fld3", "type": "number"},
    },
)
MAPPING = [
    {"source": "id", "field_id": "fld1"},
    {"source": "name", "field_id": "fld2"},
    {"source": "score", "field_id": "fld3"},
]
RECORDS = [
    {"id": "1", "properties": {"name": "Ada", "score": "1.50"}},
    {"id": "2", "properties": {"name": None, "score": ""}},
]
ROWS = [
    {"id": "rec1", "fields": {KEY_FIELD: "1", "Name": "Ada", "Score": 1.5}},
    {"id": "rec2", "fields": {KEY_FIELD: "2"}},
]


def test_equal_tables_are_equal() -> None:
    assert compare(RECORDS, ROWS, TABLE, MAPPING, {}).equal


def test_a_missing_row_is_found() -> None:
    assert compare(RECORDS, ROWS[:1], TABLE, MAPPING, {}).missing == ["2"]


def test_a_row_too_many_is_found() -> None:
    assert compare(RECORDS[:1], ROWS, TABLE, MAPPING, {}).unexpected == ["2"]


def test_a_row_that_is_there_twice_is_found() -> None:
    assert compare(RECORDS, [*ROWS, ROWS[0]], TABLE, MAPPING, {}).doubled == ["1"]


@pytest.mark.parametrize(("field", "cell"), [("Name", "Eve"), ("Score", 1.4), ("Score", None)])
def test_a_wrong_cell_is_found(field: str, cell: Any) -> None:
    rows = copy.deepcopy(ROWS)
    rows[0]["fields"][field] = cell
    assert compare(RECORDS, rows, TABLE, MAPPING, {}).differing == [f"1.{field}"]


@pytest.mark.parametrize(
    ("value", "type_", "cell"),
    [
        (None, "number", None),
        ("", "multilineText", None),
        ("12.50", "currency", 12.5),
        ("false", "checkbox", None),
        ("true", "checkbox", True),
        ("a;b", "multipleSelects", ["a", "b"]),
        ("2026-05-06", "date", "2026-05-06"),
        ("2026-05-06T07:08:09Z", "dateTime", "2026-05-06T07:08:09.000Z"),
    ],
)
def test_expected_cells(value: str | None, type_: str, cell: Any) -> None:
    assert expected_cell(value, type_) == cell


def test_options_are_compared_as_their_mapping_shows_them() -> None:
    fields = {KEY_FIELD: {"id": "fld1", "type": "singleLineText"}}
    fields["Stage"] = {"id": "fld2", "type": "singleSelect"}
    fields["Won"] = {"id": "fld3", "type": "checkbox"}
    table = Table("app1", "tbl1", fields)
    mapping = [
        {"source": "id", "field_id": "fld1"},
        {"source": "stage", "field_id": "fld2", "as": "label"},
        {"source": "won", "field_id": "fld3", "as": "label"},
    ]
    records = [{"id": "1", "properties": {"stage": "closed", "won": "true"}}]
    labels = {"stage": {"closed": "Closed"}, "won": {"true": "Yes"}}

    for stage, differing in (("Closed", []), ("closed", ["1.Stage"])):
        rows = [{"id": "rec1", "fields": {KEY_FIELD: "1", "Stage": stage, "Won": True}}]
        assert compare(records, rows, table, mapping, labels).differing == differing
