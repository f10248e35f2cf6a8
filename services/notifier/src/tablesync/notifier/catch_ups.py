"""How each sync's catch-up stands after a connection is back: judged here, asked for elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from tablesync.contracts import Gap, RunCounts, RunStatus
from tablesync.contracts.internal_api import AffectedSync, CatchUp
from tablesync.contracts.wording import runs_again
from tablesync.notifier.models import CatchUpEnd, ConnectionIncident, HoldState

# How long a sync may look as if nothing had happened to it: events are on their way.
SETTLE_SECONDS = 60.0
NOTHING = RunCounts()
AT_ITS_SLOT = "at its next slot"


class NoCatchUp(StrEnum):
    """How a sync stands that has no catch-up to tell of."""

    WAITING = "waiting"  # for its release, or for a run of which nothing was heard yet
    UNMISSED = "unmissed"  # released, and nothing was owed
    PAUSED = "paused"  # released, and scheduler plans no catch-up while it is paused
    ON_HOLD = "on_hold"  # for another cause, which keeps what was missed


@dataclass(frozen=True)
class Recovered:
    """A sync of a connection that is back: how its catch-up stands, and what it brought.

    `runs` is when it runs next, as `at its next slot`; None while scheduler does not tell.
    """

    name: str
    status: RunStatus | NoCatchUp
    counts: RunCounts = NOTHING
    gap: Gap | None = None
    runs: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody, or another hold, keeps it from its schedule."""
        return self.status is NoCatchUp.PAUSED or self.runs not in (None, AT_ITS_SLOT)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come."""
        if isinstance(self.status, RunStatus):
            return self.status.ended
        return self.status is not NoCatchUp.WAITING


@dataclass(frozen=True)
class CatchUps:
    """What is known of the syncs of a closed incident, `elapsed` seconds after it was closed.

    `holds` are the hold states that the incident caused, by sync; `ends` the catch-ups that
    ended, by run.
    """

    incident: ConnectionIncident
    elapsed: float
    holds: Mapping[str, HoldState]
    ends: Mapping[str, CatchUpEnd]

    def of(self, sync: AffectedSync) -> Recovered:
        """Judge a sync by its events and by what scheduler says of it."""
        others = sync.stopped_beside(self.incident.connection_id)
        runs = runs_again(sync.status, others) or AT_ITS_SLOT
        return replace(self._judge(sync, held_by_others=bool(others)), runs=runs)

    def _judge(self, sync: AffectedSync, *, held_by_others: bool) -> Recovered:
        found = self._catch_up(sync)
        if found is None and self._early:
            return Recovered(sync.name, NoCatchUp.WAITING)
        if found is None and held_by_others:
            return Recovered(sync.name, NoCatchUp.ON_HOLD, gap=sync.gap)
        if found is None:
            return Recovered(sync.name, NoCatchUp.UNMISSED)
        if found.settled and found.gap is None and self._early:
            return replace(found, status=NoCatchUp.WAITING)  # for the release, which tells the gap
        return found

    def by_events(self) -> list[Recovered]:
        """Judge the syncs by their events alone, while scheduler does not answer."""
        return [self._by_events(each) for each in self.holds.values()]

    @property
    def _early(self) -> bool:
        return self.elapsed < SETTLE_SECONDS

    def _catch_up(self, sync: AffectedSync) -> Recovered | None:
        """Say how far a sync's catch-up is: by its events if they came, else as scheduler says."""
        if sync.stopped_by_loss_of(self.incident.connection_id):
            return Recovered(sync.name, NoCatchUp.WAITING, gap=sync.gap)
        release = self.holds.get(sync.sync_id)
        if release is not None and not release.held:
            found = self._released(sync.name, release)
            if found.status is not NoCatchUp.WAITING or sync.catch_up is None:
                return found
        if sync.catch_up is None or self._is_older(sync.gap):
            return None
        return self._as_told(sync, sync.catch_up)

    def _by_events(self, state: HoldState) -> Recovered:
        if state.held:
            return Recovered(state.name, NoCatchUp.WAITING, gap=state.gap)
        return self._released(state.name, state)

    def _released(self, name: str, release: HoldState) -> Recovered:
        gap, run_id = release.gap, release.catch_up_run_id
        if run_id is None:
            owed = gap.slots_missed > 0 or gap.interrupted
            return Recovered(name, NoCatchUp.PAUSED if owed else NoCatchUp.UNMISSED, gap=gap)
        if end := self.ends.get(run_id):
            return Recovered(name, end.status, end.counts, gap)
        return Recovered(name, NoCatchUp.WAITING, gap=gap)

    def _as_told(self, sync: AffectedSync, catch_up: CatchUp) -> Recovered:
        if end := self.ends.get(catch_up.run_id):
            return Recovered(sync.name, end.status, end.counts, sync.gap)
        status = catch_up.status if catch_up.status.ended else RunStatus.RUNNING
        return Recovered(sync.name, status, catch_up.counts, sync.gap)

    def _is_older(self, gap: Gap | None) -> bool:
        """Whether a catch-up followed an earlier loss: scheduler shows the last one there was."""
        return gap is not None and gap.to is not None and gap.to < self.incident.lost_at


def belongs(state: HoldState, incident: ConnectionIncident) -> bool:
    """Whether a hold overlaps the incident: an older one was another incident's."""
    return state.held or state.gap.to is None or state.gap.to >= incident.lost_at
