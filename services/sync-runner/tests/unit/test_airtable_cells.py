"""Coercion: what each field type makes of a value, and what it refuses."""

import math
import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.sync_runner.airtable.cells import Cell, CoercionError, coerce, is_blank, is_writable
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.values import Value, WrittenNumber

TEXT_TYPES = ["singleLineText", "multilineText", "richText", "email", "url", "phoneNumber"]
WRITABLE = [
    *TEXT_TYPES,
    "singleSelect",
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
BERLIN = ZoneInfo("Europe/Berlin")
FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
EDGES = [datetime.min.replace(tzinfo=FAR_EAST), datetime.max.replace(tzinfo=FAR_WEST)]
LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
VALUES = st.one_of(
    st.none(),
    ANY_TEXT,
    st.from_regex(r"\s*[-+]?\d{0,30}([.]\d{0,30})?([eE][-+]?\d{1,9})?\s*", fullmatch=True),
    st.from_regex(r"\d{4}-\d{2}-\d{2}([T ].{0,16})?", fullmatch=True),
    st.decimals(),
    st.decimals(allow_nan=False, min_value=Decimal("-1e400"), max_value=Decimal("1e400")),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.timezones()),
    st.sampled_from(EDGES),
    st.lists(ANY_TEXT, max_size=4).map(tuple),
)
ZONES = st.sampled_from([UTC, FAR_EAST, FAR_WEST]) | st.timezones()


def field(kind: str, **options: Any) -> Field:
    return Field("fld1", "Field", kind, options)


def select(kind: str, *names: str) -> Field:
    return field(kind, choices=[{"id": f"sel{name}", "name": name} for name in names])


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("singleLineText", "Ada Löwe 李 🚀", "Ada Löwe 李 🚀"),
        ("singleLineText", Decimal("1.50"), "1.50"),
        ("singleLineText", Decimal("1E-7"), "0.0000001"),
        ("singleLineText", Decimal("1.00E+12"), "1000000000000"),
        ("singleLineText", Decimal("1E+999999999"), "1E+999999999"),
        ("singleLineText", WrittenNumber("007.5"), "007.5"),
        ("number", WrittenNumber("007.5"), 7.5),
        ("singleLineText", True, "true"),
        ("singleLineText", date(2026, 3, 1), "2026-03-01"),
        ("singleLineText", LATE, "2026-03-01T23:30:00Z"),
        ("singleLineText", LATE.replace(microsecond=67_800), "2026-03-01T23:30:00.067Z"),
        ("singleLineText", ("a", "b"), "a;b"),
        ("multilineText", "a\nb", "a\nb"),
        ("number", "12", 12),
        ("number", Decimal("12.50"), 12.5),
        ("number", Decimal("1E+2"), 100),
        ("number", " 7 ", 7),
        ("number", "-0.125", -0.125),
        ("number", Decimal("-0"), 0),
        ("currency", "1234.56", 1234.56),
        ("percent", Decimal("0.1"), 0.1),
        ("duration", Decimal(90), 90),
        ("rating", "3", 3),
        ("rating", "0", None),
        ("checkbox", "true", True),
        ("checkbox", "No", None),
        ("checkbox", True, True),
        ("checkbox", False, None),
        ("date", date(2026, 3, 1), "2026-03-01"),
        ("date", date(999, 3, 1), "0999-03-01"),
        ("date", "2026-03-01", "2026-03-01"),
        ("date", "1772323200000", "2026-03-01"),
        ("date", LATE, "2026-03-01"),
        ("dateTime", date(2026, 3, 1), "2026-03-01T00:00:00.000Z"),
        ("dateTime", LATE, "2026-03-01T23:30:00.000Z"),
        ("dateTime", "2026-03-01T12:00:00.678+02:00", "2026-03-01T10:00:00.678Z"),
        ("barcode", "4006381333931", {"text": "4006381333931"}),
    ],
)
def test_a_value_becomes_a_cell(kind: str, value: Value, cell: object) -> None:
    assert coerce(value, field(kind)) == cell


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "abc"),
        ("number", "NaN"),
        ("number", Decimal("NaN")),
        ("number", Decimal("Infinity")),
        ("number", Decimal("1e999")),
        ("number", Decimal("1e999999")),
        ("number", "12E34567890"),
        ("number", "100E10"),
        ("number", "1_000"),
        ("number", "１２"),
        ("number", "134376773869;137654776000"),
        ("number", "0.12345678901234567"),
        ("number", Decimal("12345678901234567890.5")),
        ("number", Decimal(2**53 + 1)),
        ("number", True),
        ("number", LATE),
        ("rating", "2.5"),
        ("rating", "11"),
        ("rating", Decimal("1e999999")),
        ("checkbox", "perhaps"),
        ("date", "tomorrow"),
        ("date", Decimal(5)),
        ("dateTime", "999999999999999"),
        ("singleLineText", "x" * 100_001),
    ],
)
def test_a_value_that_no_cell_takes_is_refused_with_field_and_reason(
    kind: str, value: Value
) -> None:
    with pytest.raises(CoercionError, match=rf'^field "Field" \({kind}\): ') as refusal:
        coerce(value, field(kind))
    assert len(str(refusal.value)) < 200


def test_a_moment_is_the_day_that_people_see_at_the_source() -> None:
    assert coerce(LATE, field("date"), BERLIN) == "2026-03-02"
    assert coerce("2026-03-01T23:30:00Z", field("date"), BERLIN) == "2026-03-01"
    assert coerce(date(2026, 3, 1), field("date"), BERLIN) == "2026-03-01"
    assert coerce("2026-03-01", field("date"), BERLIN) == "2026-03-01"
    assert coerce(LATE, field("dateTime"), BERLIN) == "2026-03-01T23:30:00.000Z"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Ada \ud83d", "Ada \ufffd"),
        ("\ufeffAda", "Ada"),
        ("A\x00da\x07", "Ada"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x00", None),
    ],
)
def test_what_no_cell_holds_is_mended(text: str, cell: str | None) -> None:
    assert coerce(text, field("singleLineText")) == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [("Gold", "Gold"), ("Gold ", "Gold"), (" café_crm", "café_crm "), (("Gold",), "Gold")],
)
def test_spaces_do_not_tell_options_apart(value: Value, cell: str) -> None:
    assert coerce(value, select("singleSelect", "Gold", "café_crm ")) == cell


def test_choices_keep_their_order_and_lose_doubles() -> None:
    options = select("multipleSelects", "a", "b", "c")
    assert coerce(("c", " a", "c", " "), options) == ["c", "a"]
    assert coerce((" ",), options) is None
    assert coerce("b", options) == ["b"]


@pytest.mark.parametrize("kind", ["singleSelect", "multipleSelects"])
def test_an_unknown_option_is_refused_with_the_known_ones(kind: str) -> None:
    names = [f"option {number}" for number in range(12)]
    with pytest.raises(CoercionError, match="'gold' is no option of it") as refusal:
        coerce("gold", select(kind, *names))
    assert "'option 9' and 2 more" in str(refusal.value)
    with pytest.raises(CoercionError, match="which has none"):
        coerce("gold", select(kind))


def test_a_list_is_no_single_choice() -> None:
    with pytest.raises(CoercionError, match="is a list"):
        coerce(("a", "b"), select("singleSelect", "a", "b"))


@pytest.mark.parametrize("kind", ["formula", "multipleRecordLinks", "autoNumber", "somethingNew"])
def test_a_field_that_nobody_writes_is_refused(kind: str) -> None:
    assert not is_writable(kind)
    with pytest.raises(CoercionError, match="cannot be written"):
        coerce("x", field(kind))


@pytest.mark.parametrize("kind", WRITABLE)
@pytest.mark.parametrize("value", [None, ""])
def test_no_value_is_an_empty_cell(kind: str, value: str | None) -> None:
    assert coerce(value, field(kind)) is None


def tried(value: Value, field: Field, zone: tzinfo) -> tuple[Cell, str | None]:
    """Return the cell of a value, or why there is none."""
    try:
        return coerce(value, field, zone), None
    except CoercionError as refusal:
        return None, str(refusal)


@given(kind=st.sampled_from(WRITABLE), value=VALUES, zone=ZONES)
def test_any_value_becomes_a_cell_or_a_refusal_with_field_value_and_remedy(
    kind: str, value: Value, zone: tzinfo
) -> None:
    cell, refusal = tried(value, select(kind, "a", "b"), zone)
    if refusal is not None:
        start, end = f'field "Field" ({kind}): ', re.compile("(?s).*; (map|add|shorten) .*")
        assert refusal.startswith(start)
        assert refusal[len(start)] in "'\"", "the value is quoted"
        assert end.fullmatch(refusal), "with the remedy"
        assert len(refusal) < 300
    assert cell is None or isinstance(cell, str | int | float | list | dict)
    assert not isinstance(cell, float) or math.isfinite(cell)
    orjson.dumps(cell)


@pytest.mark.parametrize("kind", WRITABLE)
@pytest.mark.parametrize("blank", [" ", "\t\n", "\u3000", "\ufeff", "\x00 "])
def test_a_blank_is_no_value_but_in_a_text(kind: str, blank: str) -> None:
    cell = coerce(blank, field(kind))
    assert cell is None or (kind in (*TEXT_TYPES, "barcode") and is_blank(cell))


@given(
    kind=st.sampled_from(TEXT_TYPES),
    value=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200),
)
def test_text_is_kept_as_it_is(kind: str, value: str) -> None:
    assert coerce(value, field(kind)) == "".join(value.split("\ufeff")) or None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_a_double_is_keeps_its_value(value: float) -> None:
    assert coerce(Decimal(repr(value)), field("number")) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_as_it_is_or_refused(value: Decimal) -> None:
    with suppress(CoercionError):
        cell = coerce(value, field("number"))
        assert isinstance(cell, int | float)
        assert Decimal(repr(cell)) == value


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_keeps_its_milliseconds(value: datetime) -> None:
    cell = coerce(value, field("dateTime"))
    assert isinstance(cell, str)
    kept = value.replace(microsecond=value.microsecond // 1000 * 1000)
    assert datetime.fromisoformat(cell) == kept
