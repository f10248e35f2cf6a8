"""The envelope: CloudEvents headers and JSON, read tolerantly where contracts may grow."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.contracts import (
    Envelope,
    MalformedEventError,
    RunCancelRequested,
    UnknownEventTypeError,
    is_id,
    new_id,
    next_sequence,
)
from tablesync.contracts.envelope import decode
from tablesync.contracts.specs import rfc3339

EVENT = RunCancelRequested(workspace_id="ws_1", sync_id="syn_1", run_id="run_1", requested_by="op")
MOMENT = datetime(2026, 11, 22, 9, 14, 3, 127_900, tzinfo=UTC)


def test_an_envelope_comes_back_as_it_went() -> None:
    sent = Envelope(EVENT, "scheduler", time=MOMENT, traceparent="00-1-2-01")
    read = decode(sent.headers(), sent.value())
    assert (read.event, read.source, read.id, read.traceparent) == (
        EVENT,
        "scheduler",
        sent.id,
        "00-1-2-01",
    )
    assert rfc3339(read.time) == "2026-11-22T09:14:03.127Z"
    headers = dict(sent.headers())
    assert headers["ce_type"] == b"tablesync.run.cancel-requested.v1"
    assert headers["ce_subject"] == b"syn_1"
    assert headers["ce_specversion"] == b"1.0"


def test_fields_of_a_later_version_are_ignored() -> None:
    value = json.dumps({**EVENT.model_dump(mode="json"), "colour": "red"}).encode()
    assert decode(Envelope(EVENT, "scheduler").headers(), value).event == EVENT


def test_a_type_of_a_later_version_is_told_from_a_malformed_message() -> None:
    headers = [("ce_type", b"tablesync.run.exploded.v9"), ("ce_id", b"1")]
    headers += [("ce_source", b"x"), ("ce_time", b"2026-11-22T09:14:03Z")]
    with pytest.raises(UnknownEventTypeError, match="exploded"):
        decode(headers, b"{}")


def test_the_reason_names_fields_and_never_values() -> None:
    with pytest.raises(MalformedEventError) as refused:
        decode(Envelope(EVENT, "s").headers(), b'{"workspace_id": ["canary"], "sync_id": "s"}')
    assert "run_id: Field required" in str(refused.value)
    assert "canary" not in str(refused.value)


RAW: Any = st.one_of(st.binary(max_size=20), st.none())


@given(
    headers=st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "x"]), RAW)),
    value=RAW,
)
def test_p13_whatever_arrives_is_malformed_and_nothing_else(headers: Any, value: Any) -> None:
    fixed = dict(Envelope(EVENT, "scheduler").headers())
    with pytest.raises((MalformedEventError, UnknownEventTypeError)):
        decode(headers, value)
    with pytest.raises((MalformedEventError, UnknownEventTypeError)):
        decode([*fixed.items(), *headers], value)


def test_ids_have_their_prefix_and_sort_by_creation() -> None:
    first, second = new_id("syn"), new_id("syn")
    assert is_id(first, "syn")
    assert not is_id(first, "run")
    assert not is_id("syn_123", "syn")
    assert first < second


def test_a_sequence_grows_even_when_the_clock_does_not() -> None:
    assert next_sequence(5, 1_000) == 1_000
    assert next_sequence(1_000, 1_000) == 1_001
    assert next_sequence(2_000, 1_000) == 2_001
