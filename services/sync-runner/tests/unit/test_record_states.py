"""What is stored of a record: refusals rest by the time of the transaction, and read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import bson
import pytest
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner.pipeline.record_states import RecordState, Refusal

NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
REFUSAL = Refusal(b"cells", b"fields", "too odd", "Name", tries=1, retry_at=NOW)
STATE = RecordState("7", None, "rec1", '"a"', rejected=True, former_key='"b"', refusal=REFUSAL)


def test_a_state_reads_as_it_was_stored() -> None:
    options: bson.CodecOptions[Document] = bson.CodecOptions(tz_aware=True, tzinfo=UTC)
    stored = bson.decode(bson.encode(STATE.to_document("syn_1")), options)
    assert RecordState.from_document(stored) == STATE


def test_a_refusal_that_an_earlier_version_left_behind_a_written_record_is_none() -> None:
    stored = STATE.to_document("syn_1") | {"rejected": False}
    assert RecordState.from_document(stored).refusal is None


def test_what_a_state_has_not_is_left_out() -> None:
    document = RecordState("7", b"d", "rec1").to_document("syn_1")
    members = {"_id", "sync_id", "source_id", "digest", "row_id", "rejected"}
    assert document.keys() == members


@pytest.mark.parametrize(("tries", "hours"), [(1, 1), (2, 4), (3, 24), (4, 24), (50, 24)])
def test_a_new_refusal_rests_longer_from_try_to_try(tries: int, hours: int) -> None:
    new = replace(REFUSAL, tries=tries, retry_at=None)
    assert new.resting_from(NOW).retry_at == NOW + timedelta(hours=hours)


def test_a_refusal_that_rests_goes_on_resting_as_long_as_it_did() -> None:
    assert REFUSAL.resting_from(NOW + timedelta(hours=3)) is REFUSAL


@pytest.mark.parametrize(
    ("state", "keys"),
    [
        (STATE, ['"a"', '"b"']),
        (replace(STATE, former_key=None), ['"a"']),
        (replace(STATE, row_id=None), []),
        (STATE.without_key(), []),
        (STATE.without_row(), []),
    ],
)
def test_a_state_has_the_keys_that_its_row_may_have(state: RecordState, keys: list[str]) -> None:
    assert state.keys == keys
