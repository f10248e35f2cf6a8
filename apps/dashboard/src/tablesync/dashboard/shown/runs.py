"""Runs as lists and pages show them: what asked for them, how far they are, what they brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tablesync.contracts import RunStatus, Trigger
from tablesync.contracts.public_api.runs import RunProgress, RunView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.times import Clock, span
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.words import counted, how_far

_TRIGGERS = {
    Trigger.SCHEDULE: "Scheduled run",
    Trigger.MANUAL: "Run by hand",
    Trigger.CATCH_UP: "Catch-up run",
}
_OPEN = frozenset({RunStatus.REQUESTED, RunStatus.QUEUED, RunStatus.RUNNING})


@dataclass(frozen=True)
class ShownRun:
    """One run; `sync` is None in lists and for a deleted one, `progress` once the run has ended."""

    run: RunView
    sync: SyncView | None
    clock: Clock
    progress: RunProgress | None = None

    @property
    def version(self) -> str:
        """What tells whether its row has changed since it was last shown."""
        at = self.run.started_at or self.run.requested_at
        return version_of(self.run, self.took, self.clock.near(at))

    @property
    def badge(self) -> Badge:
        """How it ended, or that it goes on."""
        return badges.of_run(self.run)

    @property
    def kind(self) -> str:
        """What asked for it."""
        if self.run.check_everything:
            return "Check of everything"
        known = {str(trigger): words for trigger, words in _TRIGGERS.items()}
        return known.get(str(self.run.trigger), str(self.run.trigger).capitalize())

    @property
    def name(self) -> str:
        """Whose run it is."""
        called = self.sync.name if self.sync else self.run.sync_name
        return called or "a deleted sync"

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.run.status in {str(each) for each in _OPEN}

    @property
    def why(self) -> str:
        """The gap that it covers, or the slot that it is for."""
        if gap := self.run.gap:
            until = self.clock.between(gap.from_, gap.to)
            return f"Gap {until}, {counted(gap.slots_missed, 'slot')} missed"
        if self.run.slot:
            return f"For {self.clock.on(self.run.slot)}"
        return ""

    @property
    def took(self) -> str:
        """How long it took, or takes so far."""
        if self.run.started_at is None:
            return ""
        return span((self.run.ended_at or self.clock.now) - self.run.started_at)

    @property
    def read(self) -> int:
        """How many records it has read."""
        return self.progress.counts.read if self.progress else self.run.counts.read

    @property
    def total(self) -> int | None:
        """About how many records it will read, once that is known."""
        return self.progress.total if self.progress else None

    @property
    def rate(self) -> float:
        """Records a second, over all of it."""
        begun = self.run.started_at
        seconds = ((self.run.ended_at or self.clock.now) - begun).total_seconds() if begun else 0
        return self.read / seconds if seconds > 1 else 0.0

    @property
    def ready(self) -> str:
        """When it is done, as far as that can be told; nothing once the estimate is reached."""
        if not self.total or self.read >= self.total or self.rate <= 0 or not self.is_open:
            return ""
        left = timedelta(seconds=(self.total - self.read) / self.rate)
        return f"ready about {self.clock.on(self.clock.now + left)}, in {span(left)}"

    @property
    def line(self) -> str:
        """How far it is, in words."""
        share = ""
        if self.total and self.is_within_estimate:
            share = f" ({round(100 * self.read / self.total)} %)"
        return how_far(self.read, self.total) + share

    @property
    def is_within_estimate(self) -> bool:
        """Whether it has not read more than it was thought that there is."""
        return bool(self.total and self.read <= self.total)


def shown_runs(runs: Sequence[RunView], clock: Clock) -> list[ShownRun]:
    """Show runs, newest first, as they come."""
    return [ShownRun(each, None, clock) for each in runs]
