"""When what was played in a minute is said to have been: pure arithmetic, in the same order."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# A multiple of every schedule that is used: slots stay slots when they are dated back.
WEEKS = timedelta(weeks=4)
LOST_AGO = timedelta(days=5)
LASTED = timedelta(days=1, hours=2)


@dataclass(frozen=True)
class Calendar:
    """Three chapters were played: until a connection broke, until it was back, and until now."""

    broken_at: datetime
    back_at: datetime
    now: datetime

    @property
    def lost_at(self) -> datetime:
        """When the outage is said to have begun."""
        return self.now - LOST_AGO

    @property
    def regained_at(self) -> datetime:
        """When it is said to have ended."""
        return self.lost_at + LASTED

    def told(self, played: datetime) -> datetime:
        """Return when something is said to have been; what was later stays later."""
        if played < self.broken_at:
            return played - WEEKS
        if played < self.back_at:
            return min(self.lost_at + (played - self.broken_at), self.regained_at)
        return min(self.regained_at + (played - self.back_at), played)

    def lacks(self, slot: datetime) -> bool:
        """Whether a slot fell into the outage."""
        return self.lost_at <= slot < self.regained_at
