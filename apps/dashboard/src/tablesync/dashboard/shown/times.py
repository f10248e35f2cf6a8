"""Moments and spans as people read them, in the viewer's zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
# Further away a zone could lead out of the calendar.
YEARS = range(1970, 3000)
_NO_PLACES = ("Etc/", "SystemV/", "posix/", "right/")
_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Clock:
    """What it is now, and where the viewer is."""

    now: datetime
    zone: ZoneInfo

    def near(self, moment: datetime) -> str:
        """Return a moment as briefly as it is told: `1 min ago`, `today, 09:12`, `3 Feb 2026`."""
        away = self.now - moment
        if abs(away) < HOUR:
            return _minutes(away)
        return self.on(moment)

    def on(self, moment: datetime) -> str:
        """Return a moment by its day: `today, 09:12`, `25 Nov, 18:05`, `3 Feb 2026`."""
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone).date()
        days = (local.date() - today).days
        time = f"{local:%H:%M}"
        if days in _DAYS:
            return f"{_DAYS[days]}, {time}"
        if local.year == today.year:
            return f"{local.day} {local:%b}, {time}"
        return f"{local.day} {local:%b} {local.year}"

    def exact(self, moment: datetime) -> str:
        """Return a moment to the second, with its zone."""
        local = moment.astimezone(self.zone)
        return f"{local.day} {local:%B %Y, %H:%M:%S %Z}"

    def read(self, typed: str) -> datetime | None:
        """Read a moment of a form, which is local, or of an address, with its zone; None if none.

        An address is good for people in other zones, too.
        """
        try:
            moment = datetime.fromisoformat(typed)
        except ValueError:
            return None
        if moment.year not in YEARS:
            return None
        local = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return local.astimezone(UTC)

    def typed(self, moment: datetime | None) -> str:
        """Return a moment as a form's field has it: local, to the minute."""
        return f"{moment.astimezone(self.zone):%Y-%m-%dT%H:%M}" if moment else ""

    def between(self, begun: datetime, ended: datetime | None) -> str:
        """Return an interval: `25 Nov, 18:05 – today, 14:36`, or `today, 09:12–14:40`.

        One that goes on is `since today, 09:12`.
        """
        if ended is None:
            return f"since {self.on(begun)}"
        first, last = (each.astimezone(self.zone) for each in (begun, ended))
        if first.date() == last.date():
            return f"{self.on(begun)}–{last:%H:%M}"
        return f"{self.on(begun)} – {self.on(ended)}"


_DAYS = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def _minutes(away: timedelta) -> str:
    minutes = int(abs(away) / MINUTE)
    if minutes == 0:
        return "just now" if away >= timedelta() else "in a moment"
    return f"{minutes} min ago" if away > timedelta() else f"in {minutes} min"


def span(length: timedelta) -> str:
    """Return how long something took, in two units at most: `5 h 31 min`, `14 days`, `9 s`."""
    left = max(0, round(length.total_seconds()))
    parts: list[tuple[int, str]] = []
    for name, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append((count, name))
    told = [_counted(count, name) for count, name in parts[:2] if count]
    return " ".join(told) or "0 s"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}s" if name == "day" and count != 1 else f"{count} {name}"


@cache
def zone_names() -> tuple[str, ...]:
    """Return the time zones that people call by a place, sorted."""
    placed = (each for each in available_timezones() if "/" in each)
    return tuple(sorted(each for each in placed if not each.startswith(_NO_PLACES)))


def zone_named(name: str | None) -> ZoneInfo:
    """Return a time zone by its name; UTC for one that nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
