"""What a page's records claim and may have, as far as it is told without asking anybody."""

from dataclasses import replace

import pytest
from tablesync.sync_runner.pipeline.mapper import Item
from tablesync.sync_runner.pipeline.record_states import RecordState
from tablesync.sync_runner.pipeline.tally import PageTrack

STATE = RecordState("7", b"digest", "rec1", '"a"')
ITEM = Item("7", STATE, PageTrack({}), {"fld1": "b"}, b"other", '"b"')


def test_a_row_that_moves_may_have_either_key_until_it_is_acknowledged() -> None:
    state = ITEM.under_way()
    assert (state.keys, state.digest, state.rejected) == (['"b"', '"a"'], None, True)
    assert ITEM.written("rec1", None) == RecordState("7", b"other", "rec1", '"b"')


def test_a_doubt_about_a_row_outlives_a_second_try() -> None:
    doubtful = replace(ITEM, known=ITEM.under_way())
    assert not doubtful.moves
    assert doubtful.under_way().keys == ['"b"', '"a"']


@pytest.mark.parametrize(
    ("item", "in_doubt"),
    [
        (ITEM, False),
        (replace(ITEM, known=ITEM.under_way()), False),
        (replace(ITEM, known=ITEM.under_way(), key='"c"'), True),
    ],
)
def test_a_third_key_is_not_written_over_one_of_two(item: Item, *, in_doubt: bool) -> None:
    assert item.in_doubt is in_doubt


def test_one_that_is_gone_claims_no_key_and_leaves_the_key_cell_as_it_is() -> None:
    gone = replace(ITEM, fate="deleted").without_key("fld1", STATE.key)
    assert not gone.claims
    assert not gone.moves
    assert gone.cells == {}
    assert gone.keys == {'"a"'}


def test_one_that_is_rejected_keeps_the_key_of_its_row() -> None:
    state = ITEM.because("too odd").rejected()
    assert (state.keys, state.row_id, state.rejected) == (['"a"'], "rec1", True)
