"""The functions of dates: a moment bears the zone that it is shown in, UTC unless it is set."""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tablesync.sandbox.clock import now

from .values import FormulaError, moment, number, text

_FIXED = {
    "milliseconds": 0.001,
    "seconds": 1,
    "minutes": 60,
    "hours": 3600,
    "days": 86_400,
    "weeks": 604_800,
}
_MONTHS = {"months": 1, "quarters": 3, "years": 12}
_SHORT = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHORT |= {"w": "weeks", "M": "months", "Q": "quarters", "y": "years"}
_STARTS = ("years", "months", "days", "hours", "minutes", "seconds")
# What DATETIME_FORMAT takes: the tokens of its documentation that are not of a locale.
_PRINTS: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "Q": lambda at: str((at.month + 2) // 3),
    "MMMM": lambda at: f"{at:%B}",
    "MMM": lambda at: f"{at:%b}",
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "DD": lambda at: f"{at.day:02}",
    "D": lambda at: str(at.day),
    "dddd": lambda at: f"{at:%A}",
    "ddd": lambda at: f"{at:%a}",
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{(at.hour + 11) % 12 + 1:02}",
    "h": lambda at: str((at.hour + 11) % 12 + 1),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "A": lambda at: f"{at:%p}",
    "a": lambda at: f"{at:%p}".lower(),
    "ZZ": lambda at: f"{at:%z}",
    "Z": lambda at: f"{at:%z}"[:3] + ":" + f"{at:%z}"[3:5],
    "X": lambda at: str(int(at.timestamp())),
    "x": lambda at: str(int(at.timestamp() * 1000)),
}
_READS = {"YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "DD": "%d",
          "D": "%d", "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M",
          "ss": "%S", "s": "%S", "A": "%p", "a": "%p", "Z": "%z", "ZZ": "%z"}  # fmt: skip
_TOKEN = re.compile(r"\[([^\]]*)\]|" + "|".join(sorted(_PRINTS, key=len, reverse=True)))


def _unit(name: Any) -> str:
    given = text(name)
    unit = _SHORT.get(given) or given.lower().rstrip("s") + "s"
    if unit not in _FIXED | _MONTHS:
        raise FormulaError(f"{given} is no unit")
    return unit


def _added(value: Any, count: Any, unit: Any) -> datetime:
    at, unit = moment(value), _unit(unit)
    if unit in _FIXED:
        return at + timedelta(seconds=_FIXED[unit] * number(count))
    month = at.year * 12 + at.month - 1 + _MONTHS[unit] * int(number(count))
    year, month = divmod(month, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


def _difference(a: Any, b: Any, unit: Any = "seconds") -> int:
    later, earlier, unit = moment(a), moment(b), _unit(unit)
    if unit in _FIXED:
        return int((later - earlier).total_seconds() / _FIXED[unit])
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    whole = months - (1 if months > 0 and later.day < earlier.day else 0)
    return int(whole / _MONTHS[unit])


def _start(value: Any, unit: Any) -> datetime:
    at, kept = moment(value), _STARTS.index(_unit(unit)) + 1
    parts = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    least = (1, 1, 1, 0, 0, 0)
    return datetime(*parts[:kept], *least[kept:], tzinfo=at.tzinfo)  # type: ignore[misc, arg-type]


def _same(a: Any, b: Any, unit: Any = "milliseconds") -> bool:
    if _unit(unit) not in _STARTS:
        return moment(a) == moment(b)
    return _start(a, unit) == _start(b, unit)


def printed(value: Any, form: Any = "") -> str:
    """Return a moment as a format says, in the zone that it bears."""
    at = moment(value)
    wanted = text(form) or "YYYY-MM-DDTHH:mm:ssZ"
    return _TOKEN.sub(lambda found: _PRINTS[found[0]](at) if found[1] is None else found[1], wanted)


def _read(value: Any, form: Any = "") -> datetime:
    if not text(form):
        return moment(value)
    pattern = _TOKEN.sub(lambda found: _READS.get(found[0], found[1] or found[0]), text(form))
    try:
        found = datetime.strptime(text(value), pattern)  # noqa: DTZ007 - the pattern may have a zone
    except ValueError:
        raise FormulaError(f"{value!r} is no date") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.fromtimestamp(now(), UTC)


DATE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "NOW": _now,
    "TODAY": lambda: _start(_now(), "days"),
    "DATEADD": _added,
    "DATETIME_DIFF": _difference,
    "DATETIME_FORMAT": printed,
    "DATETIME_PARSE": _read,
    "DATESTR": lambda value: printed(value, "YYYY-MM-DD"),
    "TIMESTR": lambda value: printed(value, "HH:mm:ss"),
    "SET_TIMEZONE": lambda value, zone: moment(value).astimezone(ZoneInfo(text(zone))),
    "IS_AFTER": lambda a, b: moment(a) > moment(b),
    "IS_BEFORE": lambda a, b: moment(a) < moment(b),
    "IS_SAME": _same,
    "YEAR": lambda value: moment(value).year,
    "MONTH": lambda value: moment(value).month,
    "DAY": lambda value: moment(value).day,
    "HOUR": lambda value: moment(value).hour,
    "MINUTE": lambda value: moment(value).minute,
    "SECOND": lambda value: moment(value).second,
    "WEEKDAY": lambda value: (moment(value).weekday() + 1) % 7,
    "WEEKNUM": lambda value: int(f"{moment(value):%U}") + 1,
}
