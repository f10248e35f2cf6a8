"""HubSpot's dialect: what its texts stand for, by what their properties are defined as."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.contracts import MappedAs
from tablesync.sync_runner.airtable.cells import CoercionError
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.pipeline.columns import Column
from tablesync.sync_runner.sources.base import LONGEST_ID, SourceProperty
from tablesync.sync_runner.sources.hubspot.answers import Record, read_record
from tablesync.sync_runner.sources.hubspot.definitions import (
    AccountAnswer,
    PropertyAnswer,
    read_property,
    read_zone,
)
from tablesync.sync_runner.sources.hubspot.values import read_value
from tablesync.sync_runner.values import Option, Unit, Value, ValueKind

FIELD_TYPES = [
    "singleLineText",
    "richText",
    "number",
    "duration",
    "rating",
    "checkbox",
    "singleSelect",
    "multipleSelects",
    "date",
    "dateTime",
    "barcode",
]
NOON = datetime(2021, 2, 10, 12, tzinfo=UTC)


def of(kind: ValueKind) -> SourceProperty:
    return SourceProperty("p", "P", "-", kind)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ValueKind.TEXT, "a;b", "a;b"),
        (ValueKind.TEXT, "12E34567890", "12E34567890"),
        (ValueKind.NUMBER, "1E+2", Decimal(100)),
        (ValueKind.NUMBER, " 12.50 ", Decimal("12.50")),
        (ValueKind.NUMBER, ".5", Decimal("0.5")),
        (ValueKind.NUMBER, "1_000", "1_000"),
        (ValueKind.NUMBER, "NaN", "NaN"),
        (ValueKind.NUMBER, "１２", "１２"),
        (ValueKind.NUMBER, "12E34567890", "12E34567890"),
        (ValueKind.BOOL, "true", True),
        (ValueKind.BOOL, "False", False),
        (ValueKind.BOOL, "perhaps", "perhaps"),
        (ValueKind.DATE, "2021-02-10", date(2021, 2, 10)),
        (ValueKind.DATE, "1612915200000", date(2021, 2, 10)),
        (ValueKind.DATE, "86400000", date(1970, 1, 2)),
        (ValueKind.DATE, "2021-W06-3", "2021-W06-3"),
        (ValueKind.DATE, "999999999999999", "999999999999999"),
        (ValueKind.MOMENT, "2021-02-10T12:00:00Z", NOON),
        (ValueKind.MOMENT, "2021-02-10T14:00:00+02:00", NOON),
        (ValueKind.MOMENT, "2021-02-10T12:00:00", NOON),
        (ValueKind.MOMENT, "1612958400000", NOON),
        (ValueKind.MOMENT, "yesterday", "yesterday"),
        (ValueKind.TEXTS, ";a; b;a;", ("a", "b")),
        (ValueKind.TEXTS, " ; ", None),
        (ValueKind.TEXTS, "", None),
        (ValueKind.NUMBER, None, None),
    ],
)
def test_a_text_is_read_by_its_definition(kind: ValueKind, text: str | None, value: Value) -> None:
    assert read_value(text, of(kind)) == value


@given(kind=st.sampled_from(ValueKind), text=st.text())
def test_what_fits_no_definition_stays_text(kind: ValueKind, text: str) -> None:
    value = read_value(text, of(kind))
    assert value is None or not isinstance(value, str) or value == text


@pytest.mark.parametrize(
    ("type_", "field_type", "kind"),
    [
        ("string", "text", ValueKind.TEXT),
        ("number", "number", ValueKind.NUMBER),
        ("number", "calculation_equation", ValueKind.NUMBER),
        ("bool", "booleancheckbox", ValueKind.BOOL),
        ("date", "date", ValueKind.DATE),
        ("datetime", "date", ValueKind.MOMENT),
        ("enumeration", "checkbox", ValueKind.TEXTS),
        ("enumeration", "select", ValueKind.TEXT),
        ("json", "text", ValueKind.TEXT),
        ("something new", None, ValueKind.TEXT),
    ],
)
def test_a_definition_says_what_values_are(
    type_: str, field_type: str | None, kind: ValueKind
) -> None:
    answer = PropertyAnswer(name="p", label="P", type=type_, fieldType=field_type)
    assert read_property(answer, UTC).kind is kind


def test_options_unit_and_zone_belong_to_the_property() -> None:
    told = {
        "name": "p",
        "label": "P",
        "type": "number",
        "numberDisplayHint": "duration",
        "options": [{"value": 1, "label": "One"}, {"value": "2"}, {"label": "lost"}, None],
    }
    berlin = ZoneInfo("Europe/Berlin")
    found = read_property(PropertyAnswer.model_validate(told), berlin)
    assert found.options == (Option("1", "One"), Option("2", "2"))
    assert found.unit is Unit.MILLISECONDS
    assert found.zone is berlin


@pytest.mark.parametrize("options", [None, {}, "none"])
def test_odd_options_are_none(options: object) -> None:
    told = {"name": "p", "label": "P", "type": "string", "options": options}
    assert read_property(PropertyAnswer.model_validate(told), UTC).options == ()


def test_zones_are_known_where_the_machine_has_none() -> None:
    """A bare image has no /usr/share/zoneinfo."""
    program = "from zoneinfo import ZoneInfo; ZoneInfo('Europe/Berlin')"
    bare = os.environ | {"PYTHONTZPATH": ""}
    subprocess.run([sys.executable, "-c", program], env=bare, check=True)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(kind=st.sampled_from(ValueKind), told=ANY_JSON, type_=st.sampled_from(FIELD_TYPES))
def test_whatever_a_property_holds_becomes_a_cell_or_spoils_its_record_alone(
    kind: ValueKind, told: object, type_: str
) -> None:
    property_ = SourceProperty("p", "P", "-", kind, unit=Unit.MILLISECONDS)
    record = read_record(Record.of({"id": "1", "properties": {"p": told}}), [property_])
    field = Field("fld1", "P", type_, {"choices": [{"name": "a"}]})
    if record.fault is not None:
        assert isinstance(told, list | dict)
        assert 'property "p" holds no text, but ' in str(record.fault)
        return
    with suppress(CoercionError):
        orjson.dumps(Column(property_, field, MappedAs.LABEL).cell(record.values["p"]))


@given(ANY_JSON)
def test_whatever_stands_for_a_record_is_read(told: object) -> None:
    for each in (told, {"id": told, "properties": {}}, {"id": "1", "properties": told}):
        record = read_record(Record.of(each), [SourceProperty("p", "P", "-")])
        assert 0 < len(record.id) <= LONGEST_ID
        assert record.id.isprintable()


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Europe/Berlin", ZoneInfo("Europe/Berlin")),
        ("US/Eastern", ZoneInfo("US/Eastern")),
        (None, UTC),
        ("Mars/Olympus", UTC),
        ("../etc/passwd", UTC),
        ("\x00", UTC),
    ],
)
def test_an_unknown_time_zone_is_utc(told: str | None, zone: object) -> None:
    assert read_zone(AccountAnswer(timeZone=told)) == zone


def test_a_time_zone_that_is_not_told_is_the_one_that_is_known() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert read_zone(AccountAnswer(timeZone=None), tokyo) is tokyo
    assert read_zone(AccountAnswer(timeZone="Mars/Olympus"), tokyo) is UTC
