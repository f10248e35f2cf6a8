"""Words that are stored and sent: they stay as they are, and each says what it means."""

from tablesync.contracts import (
    CONNECTION_EVENTS,
    EVENT_TYPES,
    ConnectionEvent,
    RunStatus,
    SyncStatus,
)


def test_the_words_for_runs_and_syncs_are_those_that_are_stored() -> None:
    assert {each.value for each in RunStatus} == {
        "requested",
        "queued",
        "running",
        "succeeded",
        "failed",
        "interrupted",
        "held",
        "cancelled",
    }
    assert {each.value for each in SyncStatus} == {"active", "paused", "held"}


def test_a_run_has_ended_once_nobody_waits_for_it_or_works_on_it() -> None:
    open_ = {each for each in RunStatus if not each.ended}
    assert open_ == {RunStatus.REQUESTED, RunStatus.QUEUED, RunStatus.RUNNING}


def test_connection_events_are_all_that_tell_of_one_connection() -> None:
    told = {each for each in EVENT_TYPES.values() if issubclass(each, ConnectionEvent)}
    assert set(CONNECTION_EVENTS) == told
    assert len(CONNECTION_EVENTS) == 7
