"""Coercion: what each field type makes of a source's text, and what it refuses."""

import math
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.contracts import FieldMapping
from tablesync.sync_runner.airtable.cells import CoercionError, coerce, coerce_record, is_writable
from tablesync.sync_runner.airtable.schema import Field

TEXT_TYPES = [
    "singleLineText",
    "multilineText",
    "richText",
    "email",
    "url",
    "phoneNumber",
    "singleSelect",
]
WRITABLE = [
    *TEXT_TYPES,
    "number",
    "currency",
    "percent",
    "duration",
    "rating",
    "checkbox",
    "multipleSelects",
    "date",
    "dateTime",
    "barcode",
]


def field(kind: str, **options: object) -> Field:
    return Field("fld1", "Field", kind, options)


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("singleLineText", "Ada Löwe 李 🚀", "Ada Löwe 李 🚀"),
        ("multilineText", "a\nb", "a\nb"),
        ("singleSelect", "café_crm ", "café_crm "),
        ("number", "12", 12),
        ("number", "12.50", 12.5),
        ("number", "1E+2", 100),
        ("number", " 7 ", 7),
        ("number", "-0.125", -0.125),
        ("currency", "1234.56", 1234.56),
        ("percent", "0.5", 0.5),
        ("duration", "90", 90),
        ("rating", "3", 3),
        ("rating", "0", None),
        ("checkbox", "true", True),
        ("checkbox", "No", None),
        ("multipleSelects", "a;b;a;;c", ["a", "b", "c"]),
        ("multipleSelects", ";", None),
        ("date", "2026-03-01", "2026-03-01"),
        ("date", "2026-03-01T23:30:00Z", "2026-03-01"),
        ("date", "2026-03-01T23:30:00-05:00", "2026-03-02"),
        ("date", "1772323200000", "2026-03-01"),
        ("dateTime", "2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("dateTime", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"),
        ("dateTime", "2026-03-01T12:00:00.678Z", "2026-03-01T12:00:00.678Z"),
        ("dateTime", "0999-03-01T12:00:00Z", "0999-03-01T12:00:00.000Z"),
        ("barcode", "4006381333931", {"text": "4006381333931"}),
    ],
)
def test_a_value_becomes_a_cell(kind: str, value: str, cell: object) -> None:
    assert coerce(value, field(kind)) == cell


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "abc"),
        ("number", "NaN"),
        ("number", "Infinity"),
        ("number", "1e999"),
        ("rating", "2.5"),
        ("rating", "11"),
        ("checkbox", "perhaps"),
        ("date", "tomorrow"),
        ("dateTime", "999999999999999"),
        ("singleLineText", "x" * 100_001),
    ],
)
def test_a_value_that_no_cell_takes_is_refused_with_field_and_reason(kind: str, value: str) -> None:
    with pytest.raises(CoercionError, match=rf'^field "Field" \({kind}\): ') as refusal:
        coerce(value, field(kind))
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("kind", ["formula", "multipleRecordLinks", "autoNumber", "somethingNew"])
def test_a_field_that_nobody_writes_is_refused(kind: str) -> None:
    assert not is_writable(kind)
    with pytest.raises(CoercionError, match="cannot be written"):
        coerce("x", field(kind))


@pytest.mark.parametrize("kind", WRITABLE)
@pytest.mark.parametrize("value", [None, ""])
def test_no_value_is_an_empty_cell(kind: str, value: str | None) -> None:
    assert coerce(value, field(kind)) is None


@given(kind=st.sampled_from(WRITABLE), value=st.text(max_size=60))
def test_any_text_becomes_a_cell_or_a_named_refusal(kind: str, value: str) -> None:
    with suppress(CoercionError):
        cell = coerce(value, field(kind))
        assert cell is None or isinstance(cell, str | int | float | list | dict)
        assert not isinstance(cell, float) or math.isfinite(cell)


@given(kind=st.sampled_from(TEXT_TYPES), value=st.text(min_size=1, max_size=200))
def test_text_is_kept_as_it_is(kind: str, value: str) -> None:
    assert coerce(value, field(kind)) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_keeps_its_value(value: float) -> None:
    assert coerce(repr(value), field("number")) == value


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_keeps_its_milliseconds(value: datetime) -> None:
    cell = coerce(value.isoformat(), field("dateTime"))
    assert isinstance(cell, str)
    kept = value.replace(microsecond=value.microsecond // 1000 * 1000)
    assert datetime.fromisoformat(cell) == kept


@given(st.lists(st.text(alphabet="abcXYZ é", min_size=1, max_size=5), max_size=6))
def test_choices_keep_their_order_and_lose_doubles(names: list[str]) -> None:
    wanted = list(dict.fromkeys(name for name in names if name.strip()))
    assert coerce(";".join(names), field("multipleSelects")) == (wanted or None)


def test_a_record_becomes_cells_by_field_id() -> None:
    fields = {"fldKey": Field("fldKey", "Key", "singleLineText"), "fld1": field("number")}
    mapping = [
        FieldMapping(source="id", field_id="fldKey"),
        FieldMapping(source="amount", field_id="fld1"),
    ]
    assert coerce_record({"id": "7", "amount": "2"}, mapping, fields) == {"fldKey": "7", "fld1": 2}
    assert coerce_record({"id": "7"}, mapping, fields) == {"fldKey": "7", "fld1": None}
