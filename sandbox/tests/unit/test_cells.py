"""Cell values, type by type, with and without typecast."""

import pytest
from tablesync.sandbox.airtable.cells import LONGEST_TEXT, CellReader
from tablesync.sandbox.airtable.defaults import make_table
from tablesync.sandbox.web import Refusal

OPTIONS = {
    "number": {"precision": 2},
    "currency": {"precision": 2, "symbol": "€"},
    "percent": {"precision": 0},
    "duration": {"durationFormat": "h:mm"},
    "rating": {"icon": "star", "color": "yellowBright", "max": 5},
    "checkbox": {"icon": "check", "color": "greenBright"},
    "multipleRecordLinks": {"linkedTableId": "tblAAAAAAAAAAAAAA"},
    "singleSelect": {"choices": [{"name": "a"}]},
    "multipleSelects": {"choices": [{"name": "a"}, {"name": "b"}]},
    "date": {"dateFormat": {"name": "iso"}},
    "dateTime": {
        "dateFormat": {"name": "iso"},
        "timeFormat": {"name": "24hour"},
        "timeZone": "utc",
    },
}


def read(kind: str, value, typecast: bool = False):
    fields = [{"name": "Key", "type": "singleLineText"}]
    fields.append({"name": "F", "type": kind, "options": OPTIONS.get(kind)})
    table = make_table("T", fields)
    reader = CellReader(table, typecast, may_add_options=True)
    (stored,) = reader.read({"F": value}).values()
    return stored


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("singleLineText", "שלום 👋", "שלום 👋"),
        ("email", "no address at all", "no address at all"),
        ("multilineText", "x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
        ("singleLineText", "", None),
        ("number", 3.0, 3),
        ("number", 0, 0),
        ("currency", -12.5, -12.5),
        ("percent", 0.5, 0.5),
        ("duration", 3600, 3600),
        ("rating", 5, 5),
        ("checkbox", True, True),
        ("checkbox", False, None),
        ("singleSelect", "a", "a"),
        ("multipleSelects", ["b", "a", "b"], ["b", "a"]),
        ("multipleSelects", [], None),
        ("date", "2024-02-29", "2024-02-29"),
        ("dateTime", "2024-02-29T12:00:00+02:00", "2024-02-29T10:00:00.000Z"),
        ("dateTime", "2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("dateTime", "2024-02-29T12:00:00.123456Z", "2024-02-29T12:00:00.123Z"),
        ("barcode", {"text": "4006381333931"}, {"text": "4006381333931"}),
        ("number", None, None),
    ],
)
def test_values_of_the_right_type_are_stored(kind, value, stored):
    assert read(kind, value) == stored


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("singleLineText", 5),
        ("singleLineText", ["a"]),
        ("multilineText", "x" * (LONGEST_TEXT + 1)),
        ("number", "5"),
        ("number", True),
        ("rating", 6),
        ("rating", 2.5),
        ("checkbox", "true"),
        ("checkbox", 1),
        ("multipleSelects", "a"),
        ("date", "2024-02-30"),
        ("date", "2024-02-01T00:00:00Z"),
        ("date", 1700000000000),
        ("dateTime", "yesterday"),
        ("multipleRecordLinks", [1]),
        ("multipleAttachments", ["http://x"]),
    ],
)
def test_values_of_another_type_are_refused(kind, value):
    with pytest.raises(Refusal) as refusal:
        read(kind, value)
    assert refusal.value.status == 422
    assert refusal.value.body["error"]["type"] == "INVALID_VALUE_FOR_COLUMN"


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("singleLineText", 5, "5"),
        ("singleLineText", 2.5, "2.5"),
        ("number", "1,234.5", 1234.5),
        ("checkbox", "no", None),
        ("checkbox", 1, True),
        ("date", "2024-02-01T23:30:00Z", "2024-02-01"),
        ("singleSelect", "new", "new"),
        ("multipleSelects", "a, new", ["a", "new"]),
    ],
)
def test_typecast_converts(kind, value, stored):
    assert read(kind, value, typecast=True) == stored


@pytest.mark.parametrize(("kind", "value"), [("number", "many"), ("date", "soon"), ("rating", "9")])
def test_typecast_has_its_bounds(kind, value):
    with pytest.raises(Refusal):
        read(kind, value, typecast=True)
