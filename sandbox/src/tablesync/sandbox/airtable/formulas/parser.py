"""The parser: recursive descent over operators, functions and field names."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tablesync.sandbox.airtable import errors
from tablesync.sandbox.airtable.tables import Row, Table

from .dates import DATE_FUNCTIONS
from .functions import FUNCTIONS
from .values import LEVELS, moment, number, truth

Expression = Callable[[Row], Any]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<field>\{(?:\\.|[^}\\])*\})
    | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<mark>!=|<=|>=|[=<>&+\-*/(),])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_MOMENTS = {"date", "dateTime", "createdTime", "lastModifiedTime"}
_FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, re.error)
# What a formula asks of its row, and not of values.
_OF_THE_ROW: dict[str, Expression] = {
    "RECORD_ID": lambda row: row.id,
    "CREATED_TIME": lambda row: moment(row.created),
    "LAST_MODIFIED_TIME": lambda row: moment(row.modified),
}


def compile_formula(table: Table, source: str) -> Callable[[Row], bool]:
    """Return the filter that a formula describes; raise a 422 refusal for an invalid one."""
    try:
        expression = _Parser(table, source).parse()
    except (ValueError, IndexError) as error:
        raise _invalid(str(error)) from None

    def holds(row: Row) -> bool:
        try:
            return truth(expression(row))
        except _FAILURES:
            return False  # an error value is falsy

    return holds


def _invalid(reason: str) -> Exception:
    text = f"The formula for filtering records is invalid: {reason}"
    return errors.unprocessable("INVALID_FILTER_BY_FORMULA", text)


class _Parser:
    """Recursive descent over the four levels of binary operators."""

    def __init__(self, table: Table, source: str) -> None:
        self._table = table
        self._tokens = list(_tokens(source))
        self._at = 0

    def parse(self) -> Expression:
        expression = self._binary(0)
        if self._at < len(self._tokens):
            raise ValueError(f"unexpected {self._tokens[self._at][1]}")
        return expression

    def _binary(self, level: int) -> Expression:
        if level == len(LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek() in LEVELS[level]:
            apply = LEVELS[level][self._next()[1]]
            left = _apply(apply, [left, self._binary(level + 1)])
        return left

    def _unary(self) -> Expression:
        if self._peek() == "-":
            self._next()
            return _apply(lambda value: -number(value), [self._unary()])
        kind, text = self._next()
        if text == "(":
            inner = self._binary(0)
            self._expect(")")
            return inner
        if kind == "text":
            return _constant(_unescaped(text[1:-1]))
        if kind == "number":
            return _constant(float(text))
        if kind == "name" and self._peek() == "(":
            return self._function(text.upper())
        return self._field(text)

    def _function(self, name: str) -> Expression:
        arguments = self._arguments()
        if name in _OF_THE_ROW:
            return _OF_THE_ROW[name]
        if name in _LAZY:
            return _LAZY[name](*arguments)
        function = FUNCTIONS.get(name) or DATE_FUNCTIONS.get(name)
        if function is None:
            raise ValueError(f"Unknown function {name}")
        return _apply(function, arguments)

    def _arguments(self) -> list[Expression]:
        self._expect("(")
        found: list[Expression] = []
        while self._peek() != ")":
            found.append(self._binary(0))
            if self._peek() != ")":
                self._expect(",")
        self._expect(")")
        return found

    def _field(self, text: str) -> Expression:
        name = _unescaped(text[1:-1]) if text.startswith("{") else text
        field = self._table.field_named(name)
        if field is None:
            raise ValueError(f"Unknown field names: {name.lower()}")
        field_id = field.id
        if field.type in _MOMENTS:
            return lambda row: moment(row.cells[field_id]) if field_id in row.cells else None
        return lambda row: row.cells.get(field_id)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, mark: str) -> None:
        if self._next()[1] != mark:
            raise ValueError(f"{mark} is missing")


def _tokens(source: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position, text = 0, source.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ValueError(f"unexpected {text[position]}")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _constant(value: Any) -> Expression:
    return lambda _: value


def _apply(function: Callable[..., Any], arguments: Sequence[Expression]) -> Expression:
    return lambda row: function(*(argument(row) for argument in arguments))


def _if(test: Expression, yes: Expression, no: Expression | None = None) -> Expression:
    otherwise = no or _constant(None)
    return lambda row: yes(row) if truth(test(row)) else otherwise(row)


def _is_error(tested: Expression) -> Expression:
    def fails(row: Row) -> bool:
        try:
            tested(row)
        except _FAILURES:
            return True
        return False

    return fails


# What does not evaluate all of its arguments, or bears that one fails.
_LAZY: dict[str, Callable[..., Expression]] = {"IF": _if, "ISERROR": _is_error}
