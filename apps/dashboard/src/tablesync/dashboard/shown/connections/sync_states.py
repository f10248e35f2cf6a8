"""How the syncs of a connection are, in words."""

from collections.abc import Mapping

from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.dashboard.shown.words import counted, listed, number

# What one sync does, and what more do, worst first.
_DOING: Mapping[SyncState, tuple[str, str]] = {
    SyncState.FAILING: ("fails", "fail"),
    SyncState.WAITING: ("waits", "wait"),
    SyncState.FINE: ("is fine", "are fine"),
    SyncState.NEW: ("has not run yet", "have not run yet"),
    SyncState.PAUSED: ("is paused", "are paused"),
}


def how_syncs_are(use: ConnectionUse | None) -> str:
    """Say how the syncs of a connection are, worst first; nothing while nobody tells."""
    if use is None:
        return ""
    if not use.syncs:
        return "No sync uses it yet."
    states = _told_states(use)
    if len(states) == 1 and (whole := _all_alike(states[0][0], use.syncs)):
        return whole
    (worst, first), *others = states
    begun = f"{counted(first, 'sync')} that {_use(first)} it {doing(worst, first)}"
    also = [f"{number(count)} {doing(state, count)}" for state, count in others]
    why = "; see why there" if use.states.get(SyncState.WAITING) else ""
    return f"{listed([begun, *also], most=len(states))}{why}."


def _told_states(use: ConnectionUse) -> list[tuple[SyncState, int]]:
    """Return how many syncs are how, worst first.

    One that runs is fine, and so is one whose state this version does not know.
    """
    counts = {each: use.states.get(each, 0) for each in _DOING}
    apart = sum(count for state, count in counts.items() if state is not SyncState.FINE)
    counts[SyncState.FINE] = use.syncs - apart
    return [(state, count) for state, count in counts.items() if count > 0]


def _all_alike(state: SyncState, syncs: int) -> str:
    """Say what all syncs are, where that has words of its own."""
    if state is SyncState.FINE:
        return "All syncs that use it are fine."
    if state is SyncState.PAUSED:
        who = "The sync" if syncs == 1 else "All syncs"
        return f"{who} that {_use(syncs)} it {doing(state, syncs)}."
    return "No sync that uses it has run yet." if state is SyncState.NEW else ""


def doing(state: SyncState, count: int) -> str:
    """Return what so many syncs do that are in a state."""
    one, more = _DOING[state]
    return one if count == 1 else more


def wait(count: int) -> str:
    """Return that so many syncs wait."""
    return doing(SyncState.WAITING, count)


def _use(count: int) -> str:
    return "uses" if count == 1 else "use"
