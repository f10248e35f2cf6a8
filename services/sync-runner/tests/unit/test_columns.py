"""Columns: an option's value or its label, a duration in the unit of the field."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tablesync.contracts import MappedAs
from tablesync.sync_runner.airtable.cells import Cell
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.pipeline.columns import Column
from tablesync.sync_runner.sources.base import SourceProperty
from tablesync.sync_runner.values import Option, Unit, Value, ValueKind

STAGE = SourceProperty(
    "dealstage",
    "Deal stage",
    "enumeration",
    ValueKind.TEXT,
    (Option("appointmentscheduled", "Appointment scheduled"), Option("1043225341", "Gold")),
)
LENGTH = SourceProperty("length", "Length", "number", ValueKind.NUMBER, unit=Unit.MILLISECONDS)


def moment_in(zone: str) -> SourceProperty:
    return SourceProperty("m", "M", "datetime", ValueKind.MOMENT, zone=ZoneInfo(zone))


LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
NAMES = {"choices": [{"name": "Gold"}, {"name": "1043225341"}]}


@pytest.mark.parametrize(
    ("source", "type_", "conversion"),
    [
        (LENGTH, "duration", "seconds"),
        (LENGTH, "number", None),
        (SourceProperty("n", "N", "number", ValueKind.NUMBER), "duration", None),
        (moment_in("Europe/Berlin"), "date", "days in Europe/Berlin"),
        (moment_in("Europe/Berlin"), "dateTime", None),
        (moment_in("UTC"), "date", None),
        (
            SourceProperty("d", "D", "date", ValueKind.DATE, zone=ZoneInfo("Asia/Tokyo")),
            "date",
            None,
        ),
    ],
)
def test_what_is_converted_otherwise_than_before_is_known(
    source: SourceProperty, type_: str, conversion: str | None
) -> None:
    assert Column(source, Field("fld1", "F", type_)).conversion == conversion


@pytest.mark.parametrize(
    ("source", "type_", "value", "conversions", "cell"),
    [
        (LENGTH, "duration", Decimal(5_000), [], 5_000),
        (LENGTH, "duration", Decimal(5_000), ["seconds"], 5),
        (moment_in("Europe/Berlin"), "date", LATE, [], "2026-03-01"),
        (moment_in("UTC"), "date", LATE, ["days in Europe/Berlin"], "2026-03-02"),
        (moment_in("Europe/Berlin"), "date", LATE, ["days in America/New_York"], "2026-03-01"),
        (moment_in("Europe/Berlin"), "date", LATE, ["days in UTC+02:00"], "2026-03-01"),
    ],
)
def test_a_value_is_converted_again_as_it_was_before(
    source: SourceProperty, type_: str, value: Value, conversions: list[str], cell: Cell
) -> None:
    assert Column(source, Field("fld1", "F", type_)).before(conversions).cell(value) == cell


@pytest.mark.parametrize(
    ("mapped_as", "value", "cell"),
    [
        (MappedAs.LABEL, "1043225341", "Gold"),
        (MappedAs.VALUE, "1043225341", "1043225341"),
        (None, "1043225341", "1043225341"),
        (MappedAs.LABEL, ("1043225341",), "Gold"),
        (MappedAs.LABEL, "Gold", "Gold"),
        (MappedAs.LABEL, None, None),
    ],
)
def test_an_option_is_written_as_it_is_mapped(
    mapped_as: MappedAs | None, value: Value, cell: str | None
) -> None:
    field = Field("fld1", "Stage", "singleSelect", NAMES)
    assert Column(STAGE, field, mapped_as).cell(value) == cell


@pytest.mark.parametrize("value", ["a", " a ", "a ", ("a",)])
def test_spaces_around_a_value_do_not_tell_it_from_its_option(value: Value) -> None:
    for told in ("a", "a "):
        source = SourceProperty("p", "P", "enumeration", options=(Option(told, "Alpha"),))
        field = Field("fld1", "F", "singleSelect", {"choices": [{"name": "Alpha"}]})
        assert Column(source, field, MappedAs.LABEL).cell(value) == "Alpha"


@pytest.mark.parametrize(
    ("type_", "value", "label", "cell"),
    [
        ("number", "5", "Five", 5),
        ("rating", "3", "Good", 3),
        ("date", "2026-03-01", "First of March", "2026-03-01"),
        ("checkbox", "true", "Ja", True),
        ("checkbox", "false", "Nein", None),
        ("checkbox", "true", "Opted in", True),
    ],
)
def test_an_option_is_told_by_its_value_where_its_field_takes_no_words(
    type_: str, value: str, label: str, cell: Cell
) -> None:
    source = SourceProperty("p", "P", "enumeration", options=(Option(value, label),))
    assert Column(source, Field("fld1", "F", type_), MappedAs.LABEL).cell(value) == cell


def test_a_number_that_is_an_option_has_its_label() -> None:
    source = SourceProperty("p", "P", "number", ValueKind.NUMBER, (Option("1", "Gold"),))
    field = Field("fld1", "F", "singleSelect", NAMES)
    assert Column(source, field, MappedAs.LABEL).cell(Decimal(1)) == "Gold"


@pytest.mark.parametrize(("kind", "cell"), [("duration", 5400), ("number", 5_400_000)])
def test_a_duration_is_in_the_unit_of_its_field(kind: str, cell: int) -> None:
    assert Column(LENGTH, Field("fld1", "Length", kind)).cell(Decimal(5_400_000)) == cell


@pytest.mark.parametrize(
    ("kind", "cell"), [("singleLineText", "Yes"), ("singleSelect", "Yes"), ("checkbox", True)]
)
def test_what_is_true_or_false_is_told_by_its_label_where_no_box_can_be_checked(
    kind: str, cell: str | bool
) -> None:
    options = (Option("true", "Yes"), Option("false", "No"))
    member = SourceProperty("member", "Member", "bool", ValueKind.BOOL, options)
    names = {"choices": [{"name": "Yes"}, {"name": "No"}]}
    assert Column(member, Field("fld1", "Member", kind, names), MappedAs.LABEL).cell(True) == cell
