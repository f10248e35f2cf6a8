"""Whether the refresh that an intent tells of may still be under way in another process.

Its owner renews an intent (a heartbeat, by the database's clock) as long as the refresh is out, or
its tokens wait to be stored. Nobody else acts on it before having *himself* read the same sign of
life for long enough: while MongoDB is away nobody can renew anything, and nobody reads either.
"""

from typing import Annotated

from pydantic import BaseModel, Field
from tablesync.auth_service.grants.grant import Intent
from tablesync.service_kit import clock

Seconds = Annotated[float, Field(gt=0, le=3_600)]


class RefreshSettings(BaseModel):
    """How long whom a refresh waits for."""

    auth_refresh_wait_seconds: Seconds = 10.0
    auth_refresh_answer_seconds: Seconds = 60.0
    auth_refresh_lease_seconds: Seconds = 15.0
    auth_refresh_abandoned_seconds: Seconds = 15.0

    @property
    def beat_seconds(self) -> float:
        """How often an owner renews its intent."""
        return min(1.0, self.auth_refresh_abandoned_seconds / 10)


class Observation:
    """For how long this process has itself read the same sign of life of an intent."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # What lies between two reads counts for no more: the database, or we, may have been away.
        self._gap_seconds = min(1.0, seconds / 5)
        self._intent: Intent | None = None
        self._unchanged = 0.0
        self._read_at = 0.0

    def shows_no_life(self, intent: Intent) -> bool:
        """Count one more reading; returns whether its owner has been silent for long enough."""
        now = clock.seconds()
        gap = min(now - self._read_at, self._gap_seconds)
        self._unchanged = self._unchanged + gap if intent == self._intent else 0.0
        self._intent, self._read_at = intent, now
        return self._unchanged >= self._seconds
