"""The functions of logic, text, numbers and lists."""

import math
import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any
from urllib.parse import quote

from .values import FormulaError, number, text, truth


def _flat(values: Iterable[Any]) -> list[Any]:
    return list(chain.from_iterable(each if isinstance(each, list) else [each] for each in values))


def _numbers(values: Iterable[Any]) -> list[float]:
    found = (each for each in _flat(values) if not isinstance(each, bool))
    return [float(each) for each in found if isinstance(each, (int, float))]


def _rounded(value: Any, digits: Any, how: Callable[[float], float]) -> float:
    scale = 10.0 ** int(number(digits))
    return float(how(round(number(value) * scale, 9)) / scale)


def _half_up(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _away(value: float) -> float:
    return math.copysign(math.ceil(abs(value)), value)


def _parity(value: Any, remainder: int) -> int:
    """Return the whole number of a parity that is as far from zero as the value, or next to it."""
    found = int(_away(number(value)))
    if abs(found) % 2 == remainder:
        return found
    return found + (-1 if found < 0 else 1)


def _switch(value: Any, *rest: Any) -> Any:
    for pattern, result in zip(rest[::2], rest[1::2], strict=False):
        if pattern == value:
            return result
    return rest[-1] if len(rest) % 2 else None


def _substitute(value: Any, old: Any, new: Any, index: Any = None) -> str:
    if index is None:
        return text(value).replace(text(old), text(new))
    parts = text(value).split(text(old))
    wanted = int(number(index))
    if not 0 < wanted < len(parts):
        return text(value)
    before, behind = text(old).join(parts[:wanted]), text(old).join(parts[wanted:])
    return before + text(new) + behind


def _find(needle: Any, value: Any, start: Any = None) -> int:
    return text(value).find(text(needle), max(0, int(number(start)) - 1)) + 1


def _extract(value: Any, pattern: Any) -> str:
    found = re.search(text(pattern), text(value))
    if found is None:
        raise FormulaError("nothing matches")
    return found[0]


def _fail() -> None:
    raise FormulaError("ERROR()")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "AND": lambda *values: all(map(truth, values)),
    "OR": lambda *values: any(map(truth, values)),
    "XOR": lambda *values: sum(map(truth, values)) % 2 == 1,
    "NOT": lambda value: not truth(value),
    "SWITCH": _switch,
    "BLANK": lambda: None,
    "TRUE": lambda: True,
    "FALSE": lambda: False,
    "ERROR": _fail,
    "LOWER": lambda value: text(value).lower(),
    "UPPER": lambda value: text(value).upper(),
    "TRIM": lambda value: text(value).strip(),
    "LEN": lambda value: len(text(value)),
    "LEFT": lambda value, count=1: text(value)[: int(number(count))],
    "RIGHT": lambda value, count=1: text(value)[-int(number(count)) :] if number(count) else "",
    "MID": lambda value, at, count: text(value)[int(at) - 1 : int(at) - 1 + int(count)],
    "REPT": lambda value, count: text(value) * int(number(count)),
    "REPLACE": lambda value, at, count, new: (
        text(value)[: int(at) - 1] + text(new) + text(value)[int(at) - 1 + int(count) :]
    ),
    "SUBSTITUTE": _substitute,
    "T": lambda value: value if isinstance(value, str) else None,
    "CONCATENATE": lambda *values: "".join(map(text, values)),
    "FIND": _find,
    "SEARCH": lambda needle, value, start=None: _find(
        text(needle).lower(), text(value).lower(), start
    ),
    "ENCODE_URL_COMPONENT": lambda value: quote(text(value), safe="!'()*-._~"),
    "REGEX_MATCH": lambda value, pattern: re.search(text(pattern), text(value)) is not None,
    "REGEX_EXTRACT": _extract,
    "REGEX_REPLACE": lambda value, pattern, new: re.sub(text(pattern), text(new), text(value)),
    "VALUE": number,
    "ABS": lambda value: abs(number(value)),
    "INT": lambda value: math.floor(number(value)),
    "ROUND": lambda value, digits=0: _rounded(value, digits, _half_up),
    "ROUNDUP": lambda value, digits=0: _rounded(value, digits, _away),
    "ROUNDDOWN": lambda value, digits=0: _rounded(value, digits, math.trunc),
    "CEILING": lambda value, step=1: math.ceil(number(value) / number(step)) * number(step),
    "FLOOR": lambda value, step=1: math.floor(number(value) / number(step)) * number(step),
    "EVEN": lambda value: _parity(value, 0),
    "ODD": lambda value: _parity(value, 1),
    "MOD": lambda value, by: number(value) % number(by),
    "POWER": lambda value, by: number(value) ** number(by),
    "SQRT": lambda value: math.sqrt(number(value)),
    "EXP": lambda value: math.exp(number(value)),
    "LOG": lambda value, base=10: math.log(number(value), number(base)),
    "SUM": lambda *values: sum(_numbers(values)),
    "AVERAGE": lambda *values: sum(_numbers(values)) / len(_numbers(values)),
    "MAX": lambda *values: max(_numbers(values), default=0),
    "MIN": lambda *values: min(_numbers(values), default=0),
    "COUNT": lambda *values: len(_numbers(values)),
    "COUNTA": lambda *values: sum(each not in (None, "") for each in _flat(values)),
    "COUNTALL": lambda *values: len(_flat(values)),
    "ARRAYJOIN": lambda value, between=", ": text(between).join(map(text, _flat([value]))),
    "ARRAYUNIQUE": lambda value: list(dict.fromkeys(_flat([value]))),
    "ARRAYCOMPACT": lambda value: [each for each in _flat([value]) if each not in (None, "")],
    "ARRAYFLATTEN": lambda *values: _flat(values),
}
