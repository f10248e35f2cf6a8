"""The formula language of filters."""

import pytest
from tablesync.sandbox.airtable.defaults import make_table
from tablesync.sandbox.airtable.formula import compile_formula
from tablesync.sandbox.airtable.tables import Row
from tablesync.sandbox.web import Refusal

TABLE = make_table(
    "T",
    [
        {"name": "Key", "type": "singleLineText"},
        {"name": "N", "type": "number", "options": {"precision": 0}},
        {"name": "a}b", "type": "singleLineText"},
    ],
)
KEY, NUMBER, BRACED = TABLE.fields


def holds(formula: str, key: str | None = "x", number: float | None = 3) -> bool:
    values = {KEY: key, NUMBER: number, BRACED: "braced"}
    cells = {name: value for name, value in values.items() if value is not None}
    return compile_formula(TABLE, formula)(Row("rec1", "2024-01-01T00:00:00.000Z", cells))


@pytest.mark.parametrize(
    "formula",
    [
        "{Key}='x'",
        'Key = "x"',
        "AND({N}>2, {N}<=3)",
        "OR({Key}='y', NOT({N}=4))",
        "{N}*2-1=5",
        "RECORD_ID()='rec1'",
        "FIND('B', UPPER({a\\}b}))",
        "{Key}&'1' = 'x1'",
        "IF({N}, TRUE(), FALSE())",
        "-{N} < 0",
        "LEN(TRIM('  a '))=1",
        "({N}+1)/2 = 2",
    ],
)
def test_formulas_that_hold(formula):
    assert holds(formula)


def test_empty_cells_are_falsy_and_equal_the_empty_text():
    assert holds("{Key}=''", key=None)
    assert holds("{N}=BLANK()", number=None)
    assert not holds("{Key}", key=None)
    assert not holds("1/{N}", number=None)


def test_quotes_are_escaped():
    assert holds("{Key}='it\\'s'", key="it's")


@pytest.mark.parametrize("formula", ["{Nope}=1", "AND(", "{Key}=", "NOSUCH(1)", "1 2", "?"])
def test_invalid_formulas_are_refused(formula):
    with pytest.raises(Refusal) as refusal:
        holds(formula)
    assert refusal.value.body["error"]["type"] == "INVALID_FILTER_BY_FORMULA"
