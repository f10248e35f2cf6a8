"""What makes cells and the oracle of all comparisons agree; neither knows of the other."""

from itertools import product
from zoneinfo import ZoneInfo

from expected_cells import Json, Mapped, RefusedError, UnknownCaseError, expected_cell
from tablesync.contracts import MappedAs
from tablesync.sync_runner.airtable.cells import CoercionError
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.pipeline.columns import Column
from tablesync.sync_runner.sources.hubspot.definitions import PropertyAnswer, read_property
from tablesync.sync_runner.sources.hubspot.values import read_value

VALUES = ["a", "b", "true", "5", "0.1", "2026-03-01"]
SELECT: Json = {
    "type": "enumeration",
    "fieldType": "select",
    "options": [{"value": each, "label": f"The {each}"} for each in VALUES],
}
NAMES = {"choices": [{"name": each} for each in ("The a", "The b", "a", "5", "0.1", "true")]}
DEFINITIONS: list[Json] = [
    {"type": "string"},
    {"type": "number"},
    {"type": "number", "numberDisplayHint": "duration"},
    {"type": "bool"},
    SELECT | {"type": "bool"},
    SELECT,
    SELECT | {"fieldType": "checkbox"},
    {"type": "enumeration", "fieldType": "checkbox"},
    {"type": "date"},
    {"type": "datetime"},
]
FIELDS: list[tuple[str, Json]] = [
    *((each, {}) for each in ("singleLineText", "barcode", "number", "currency", "duration")),
    *((each, {}) for each in ("checkbox", "date", "dateTime")),
    ("rating", {"max": 5}),
    ("singleSelect", NAMES),
    ("multipleSelects", NAMES),
]
# fmt: off
TEXTS = [
    "", "  ", "\u3000", "a", " a ", "x", "The a", "the a", "b;a", "a; b ;a;", "a;x", ";", " ; ",
    "true", "TRUE", " false", "yes", "no", "0", "1", "5", " 5 ", "5.0", "6", "-1", "-0", "+5",
    "007", "0.1", ".5", "5.", "1.50", "-12.50", "0.0000001", "1e3", "1E+2", "1E-7", "1E+309",
    "1E-400", "1e22", "1e23", "9007199254740991", "9007199254740993", "9007199254740994",
    "12345678901234567", "0.30000000000000004", "1234567890123.4567",
    "123456789012345678901234567890",
    "1000.0000000000000000000000000000001", "1,000", "1_000", "$5", "0x10", "NaN", "Infinity", "-",
    "\u0661\u0662", "2026-03-01", " 2026-03-01 ", "2026-03-01T03:30:00Z", "2026-03-01 03:30:00",
    "2026-03-01T03:30:00.25+02:00", "2026-03-01T00:00:00.001Z", "1772335800000", "1772335800123",
    "86400000", "-86400000", "202603011200", "12025550123", "yesterday", "Ada\x00 \x07L",
    "\ufeffAda", "x" * 50, "x" * 100_001,
]
# fmt: on


def of_oracle(text: str, mapped: Mapped) -> object:
    """Return the cell, or the reason why there is none; the mapping itself where it knows none."""
    try:
        return expected_cell(text, mapped)
    except RefusedError as error:
        return error.args
    except UnknownCaseError:
        return mapped


def made(text: str, mapped: Mapped) -> object:
    """Return the cell that a sync makes, or the reason why there is none."""
    told = PropertyAnswer.model_validate({"label": "P", **mapped.definition})
    property_ = read_property(told, ZoneInfo(mapped.zone))
    as_ = MappedAs(mapped.as_) if mapped.as_ else None
    column = Column(property_, Field(**mapped.field), as_)
    try:
        return column.cell(read_value(text, property_))
    except CoercionError as error:
        return error.args


def test_all_that_is_made_is_what_the_oracle_expects() -> None:
    known, wrong = 0, []
    for defined, (type_, options), as_ in product(DEFINITIONS, FIELDS, (None, "label", "value")):
        field = {"id": "fldF", "name": "F", "type": type_, "options": options}
        definition = {"name": "p", "fieldType": "text"} | defined
        mapped = Mapped(definition, field, as_, "America/New_York")
        found = [(each, of_oracle(each, mapped), made(each, mapped)) for each in TEXTS]
        known += sum(expected is not mapped for _, expected, _ in found)
        wrong += [
            f"{text[:40]!r} of {defined} as {as_} in {type_}: {cell!r}, not {expected!r}"
            for text, expected, cell in found
            if expected is not mapped and (cell, type(cell)) != (expected, type(expected))
        ]
    assert not wrong, "\n".join(wrong)
    assert known > 10_000
