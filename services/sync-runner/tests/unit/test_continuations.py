"""Lists that go on: which of them would be read for ever."""

from itertools import count

import pytest
from tablesync.sync_runner.access.answers import Continuations, EndlessListError


def test_a_list_of_ever_new_records_goes_on() -> None:
    continuations = Continuations()
    for number in range(5_000):
        where = f"after {number}"
        assert continuations.take(where, "HubSpot", str(number)) == where
    assert continuations.take(None, "HubSpot", "0") is None


def test_a_token_that_comes_again_is_a_circle() -> None:
    continuations = Continuations("a")
    with pytest.raises(EndlessListError):
        continuations.take("a", "HubSpot", "1")


def test_a_record_that_ends_two_pages_is_a_circle_whatever_the_tokens() -> None:
    continuations, tokens = Continuations(), map(str, count())
    for last_id in ("3", "6", "9"):
        continuations.take(next(tokens), "HubSpot", last_id)
    with pytest.raises(EndlessListError):
        continuations.take(next(tokens), "HubSpot", "6")


def test_pages_without_a_record_come_for_a_while_and_not_for_ever() -> None:
    continuations, tokens = Continuations(), map(str, count())
    for _ in range(500):
        continuations.take(next(tokens), "Airtable", None)
    continuations.take(next(tokens), "Airtable", "recX")
    for _ in range(1_000):
        continuations.take(next(tokens), "Airtable", None)
    with pytest.raises(EndlessListError):
        continuations.take(next(tokens), "Airtable", None)
