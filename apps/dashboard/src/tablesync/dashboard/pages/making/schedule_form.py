"""Name, interval and overlap as a form has them, for a new sync and for one that is edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tablesync.client import AwayError, ProblemError
from tablesync.contracts import Overlap
from tablesync.contracts.names import name_fault
from tablesync.contracts.public_api.schedules import Interval, SchedulePreview
from tablesync.dashboard.pages.making.draft import UNITS
from tablesync.dashboard.pages.making.steps.base import trouble
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form

FIELDS = {"name": "name", "schedule": "every"}
OVERLAPS = {
    Overlap.COALESCE: "run once more as soon as it has ended",
    Overlap.SKIP: "leave that slot out",
}
LONGEST_NAME = 200
MOST_DIGITS = 6


@dataclass(frozen=True)
class NextSlots:
    """When a schedule would be due, or why that cannot be told."""

    slots: Sequence[datetime] = ()
    why_not: str = ""


def split(seconds: int) -> tuple[int, str]:
    """Return an interval as a number and its largest unit: 7 200 s are `2 hours`."""
    fits = [unit for unit, length in UNITS.items() if seconds % length == 0]
    return seconds // UNITS[fits[-1]], fits[-1]


def units(chosen: str) -> list[str]:
    """Return the units to choose from; seconds only for a schedule that has them already."""
    return [each for each in UNITS if each != "seconds" or chosen == "seconds"]


def read_every(form: Form) -> int:
    """Return the number that was typed; 0 for what is none."""
    typed = form.get("every").strip()
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= MOST_DIGITS else 0


def read_unit(form: Form) -> str:
    """Return the unit that was chosen."""
    return form.get("unit") if form.get("unit") in UNITS else "minutes"


def read_overlap(form: Form) -> Overlap:
    """Return what was chosen for slots that come due meanwhile."""
    wanted = form.get("overlap")
    return Overlap(wanted) if wanted in set(Overlap) else Overlap.COALESCE


def with_faults(form: Form) -> Form:
    """Return the form with what is wrong with its name and its interval."""
    name = form.get("name").strip()
    if fault := name_fault(name):
        form = form.with_error("name", f"{fault.message.capitalize()}. {fault.remedy}")
    elif len(name) > LONGEST_NAME:
        form = form.with_error("name", f"It is longer than {LONGEST_NAME} characters. Shorten it.")
    if not read_every(form):
        form = form.with_error("every", "Type a whole number, 1 or more.")
    return form


async def next_slots(asked: Asked, schedule: Interval, sync_id: str | None = None) -> NextSlots:
    """Ask when a schedule would be due."""
    if schedule.every_seconds < 1:
        return NextSlots()
    wanted = SchedulePreview(schedule=schedule, sync_id=sync_id)
    try:
        return NextSlots((await asked.visitor.tablesync.syncs.preview(wanted)).slots)
    except (AwayError, ProblemError) as error:
        return NextSlots(why_not=trouble(error))
