"""The formula language of filters."""

import pytest
from tablesync.sandbox.airtable.defaults import make_table
from tablesync.sandbox.airtable.formulas import compile_formula
from tablesync.sandbox.airtable.tables import Row
from tablesync.sandbox.web import Refusal

TABLE = make_table(
    "T",
    [
        {"name": "Key", "type": "singleLineText"},
        {"name": "N", "type": "number", "options": {"precision": 0}},
        {"name": "a}b", "type": "singleLineText"},
        {"name": "Since", "type": "date", "options": {"dateFormat": {"name": "iso"}}},
    ],
)
KEY, NUMBER, BRACED, SINCE = TABLE.fields


def holds(formula: str, key: str | None = "x", number: float | None = 3) -> bool:
    values = {KEY: key, NUMBER: number, BRACED: "braced", SINCE: "2024-03-05"}
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


@pytest.mark.parametrize(
    "formula",
    [
        "{Since}=DATETIME_PARSE('2024-03-05')",
        "{Since}='2024-03-05'",
        "{Since}=DATETIME_PARSE('05/03/2024', 'DD/MM/YYYY')",
        "IS_AFTER(LAST_MODIFIED_TIME(),'2020-01-01')",
        "IS_BEFORE({Since}, TODAY())",
        "NOW() > {Since}",
        "IS_SAME({Since}, '2024-03-31', 'month')",
        "NOT(IS_SAME({Since}, '2024-04-05', 'month'))",
        "DATEADD({Since}, -1, 'years') = '2023-03-05'",
        "DATEADD('2024-01-31', 1, 'month') = '2024-02-29'",
        "DATEADD({Since}, 36, 'hours') = '2024-03-06T12:00:00Z'",
        "DATETIME_DIFF('2024-03-08', {Since}, 'days') = 3",
        "DATETIME_DIFF('2024-05-04', {Since}, 'months') = 1",
        "DATETIME_FORMAT({Since}, 'D. MMMM YYYY [at] HH:mm') = '5. March 2024 at 00:00'",
        "DATETIME_FORMAT(SET_TIMEZONE({Since}, 'Asia/Tokyo'), 'HH:mm Z') = '09:00 +09:00'",
        "DATESTR({Since}) & TIMESTR({Since}) = '2024-03-0500:00:00'",
        "AND(YEAR({Since})=2024, MONTH({Since})=3, DAY({Since})=5, HOUR({Since})=0)",
        "WEEKDAY({Since}) = 2",
        "CREATED_TIME() < {Since}",
    ],
)
def test_formulas_of_dates_that_hold(formula):
    assert holds(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "SUBSTITUTE('a-b-c', '-', '+', 2) = 'a-b+c'",
        "SUBSTITUTE('a-b', '-', '') = 'ab'",
        "LEFT('abc', 2) & RIGHT('abc', 1) & MID('abc', 2, 1) = 'abcb'",
        "REPLACE('abc', 2, 1, 'X') = 'aXc'",
        "REGEX_MATCH('abc', 'b.') ",
        "REGEX_EXTRACT('abc', 'b.') = 'bc'",
        "REGEX_REPLACE('abc', '[ab]', '') = 'c'",
        "ENCODE_URL_COMPONENT('a b&c') = 'a%20b%26c'",
        "REPT('ab', 2) = 'abab'",
        "ROUND(2.345, 2) = 2.35",
        "ROUND(-2.5) = -3",
        "AND(ROUNDUP(2.11, 1) = 2.2, ROUNDDOWN(2.19, 1) = 2.1)",
        "AND(CEILING(2.1) = 3, FLOOR(-2.1) = -3, INT(-2.1) = -3, ABS(-2) = 2)",
        "AND(EVEN(1.5) = 2, ODD(1.5) = 3, MOD(7, 3) = 1, POWER(2, 3) = 8, SQRT(9) = 3)",
        "SUM(1, {N}, 2) = 6",
        "AVERAGE(1, 3) + MAX(1, 5) - MIN(4, 2) = 5",
        "AND(COUNT(1, 'a', 2) = 2, COUNTA(1, '', 'a') = 2, COUNTALL(1, '', 'a') = 3)",
        "SWITCH({N}, 1, 'one', 3, 'three', 'many') = 'three'",
        "XOR(TRUE(), FALSE(), FALSE())",
        "ISERROR(1/0)",
        "ISERROR(ERROR())",
        "NOT(ISERROR({N}))",
        "IF(TRUE(), 1, ERROR()) = 1",
        "T({N}) = BLANK()",
    ],
)
def test_common_functions(formula):
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
