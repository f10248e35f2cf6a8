"""Full checks: when each sync has everything compared, and not only what changed.

Each sync has its own moment in the quiet hours of a period, by its id: so they are spread, and
nothing is stored for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tablesync.scheduler.domain.syncs import Sync

DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# One that is later than this was missed: it waits for its hour of the day, but not once more.
LATE = timedelta(hours=1)


@dataclass(frozen=True)
class FullChecks:
    """How often a full check is due, and in which hours of the day, UTC; never by itself at 0."""

    every_days: int = 7
    from_hour: int = 1
    hours: int = 4

    def look(self, sync: Sync, now: datetime) -> None:
        """Note that a check is owed once its moment has come, and when the next one is due."""
        if not self.every_days:
            sync.check_at = None  # one that is owed may have been asked for by somebody
        elif sync.check_at is None:
            sync.check_at = self._next(sync.id, now + self._period / 2)
        elif now - sync.check_at > LATE and not sync.check_late:
            sync.check_at, sync.check_late = self._next(sync.id, now, DAY), True
        elif now >= sync.check_at:
            sync.check_owed = not sync.is_checked
            self.put_off(sync, now)

    def put_off(self, sync: Sync, now: datetime) -> None:
        """Have the next check no sooner than half a period from now."""
        sync.check_late = False
        sync.check_at = self._next(sync.id, now + self._period / 2) if self.every_days else None

    @property
    def _period(self) -> timedelta:
        return self.every_days * DAY

    def _next(self, sync_id: str, after: datetime, period: timedelta | None = None) -> datetime:
        """Return a sync's first moment later than `after`, of those that are a period apart."""
        period = period or self._period
        first = _EPOCH + self._place(sync_id)
        return first + ((after - first) // period + 1) * period

    def _place(self, sync_id: str) -> timedelta:
        """Return where in the period a sync's moment lies."""
        digest = hashlib.blake2b(sync_id.encode(), digest_size=8).digest()
        rest, day = divmod(int.from_bytes(digest), self.every_days)
        quiet = timedelta(milliseconds=rest % (self.hours * 3_600_000))
        return day * DAY + timedelta(hours=self.from_hour) + quiet
