"""Schedules: when syncs are due."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked, Text
from tablesync.contracts.specs import (
    Moment,
)


class Interval(Asked):
    """One slot every so many seconds of elapsed time."""

    model_config = showing({"every_seconds": 600})

    every_seconds: int = Field(description="Seconds between two slots.")

    @property
    def length(self) -> timedelta:
        """The time between two slots."""
        return timedelta(seconds=self.every_seconds)


# A union with local days and cron lines, once they exist.
Schedule = Interval


class OtherSchedule(Answer):
    """A schedule of a kind that this version does not know: all else of its sync can be read."""


# As answers say it: a kind that a newer service says spoils no list.
SaidSchedule = Annotated[Schedule | OtherSchedule, Field(union_mode="left_to_right")]


class SchedulePreview(Asked):
    """A schedule that somebody thinks about."""

    model_config = showing({"schedule": {"every_seconds": 600}})

    schedule: Schedule
    sync_id: Text | None = Field(default=None, description="A sync that has it already, or would.")


class NextSlots(Answer):
    """When a schedule would be due next."""

    model_config = showing({"slots": ["2026-11-22T10:00:00.000Z", "2026-11-22T10:10:00.000Z"]})

    slots: tuple[Moment, ...]
