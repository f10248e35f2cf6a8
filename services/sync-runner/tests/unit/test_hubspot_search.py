"""The search's walk over changing data, against the rules that HubSpot's search follows."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.sources.base import SourceProperty
from tablesync.sync_runner.sources.hubspot.answers import Found
from tablesync.sync_runner.sources.hubspot.search import SEARCH_LIMIT, SearchWalk, first_position

CURSOR = "hs_lastmodifieddate"


def instant(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"2026-01-01T00:{minutes:02d}:{seconds:02d}.{rest:03d}Z"


START = 1767225600000


def answer(records: dict[int, int], query: dict[str, Any]) -> Found:
    """Answer a query over records {id: changed ms after the start}, as the search would."""
    assert query["limit"] == SEARCH_LIMIT
    found = list(records.items())
    for each in query["filterGroups"][0]["filters"]:
        value = int(each["value"])
        match each["propertyName"], each["operator"]:
            case "hs_lastmodifieddate", "GTE":
                found = [(key, ms) for key, ms in found if START + ms >= value]
            case "hs_lastmodifieddate", "EQ":
                found = [(key, ms) for key, ms in found if START + ms == value]
            case "hs_object_id", "GT":
                found = [(key, ms) for key, ms in found if key > value]
            case unexpected:
                raise AssertionError(unexpected)
    by_id = query["sorts"][0]["propertyName"] == "hs_object_id"
    found.sort(key=lambda each: each[0] if by_id else (each[1], each[0]))
    shown = [
        {"id": str(key), "properties": {CURSOR: instant(ms), "hs_object_id": str(key)}}
        for key, ms in found[: query["limit"]]
    ]
    return Found.model_validate({"total": len(found), "results": shown})


def walk_over(
    records: dict[int, int], since: int, until: int, change: Callable[[], None] = lambda: None
) -> list[str]:
    """Walk to the end; `change` is called after each page."""
    walk = SearchWalk("deals", [], {"since": START + since, "until": START + until})
    seen: list[str] = []
    for _ in range(200):
        if walk.ended:
            return seen
        page = walk.take(answer(records, walk.query()))
        seen += [each.id for each in page.records]
        walk = resumed(walk, page.position) if len(seen) % 3 == 0 and not walk.ended else walk
        change()
    raise AssertionError("the walk does not end")


def resumed(walk: SearchWalk, position: dict[str, Any]) -> SearchWalk:
    """Go on from a checkpoint, as another worker would."""
    again = SearchWalk("deals", [], position)
    again.ended = walk.ended
    return again


def test_each_record_is_read_once() -> None:
    records = {key: key * 3 for key in range(1, 1000)}
    amount = SourceProperty("amount", "Amount", "number")
    walk = SearchWalk("deals", [amount], {"since": START, "until": START + 10_000})
    seen: list[str] = []
    while not walk.ended:
        seen += [each.id for each in walk.take(answer(records, walk.query())).records]
    assert seen == [str(key) for key in range(1, 1000)]
    assert walk.query()["properties"] == ["amount", CURSOR]


def test_thousands_that_share_one_timestamp_are_walked_by_id() -> None:
    records = dict.fromkeys(range(1, 12_001), 500) | {20_000: 499, 20_001: 501}
    walk = SearchWalk("deals", [], {"since": START, "until": START + 10_000})
    seen: list[str] = []
    while not walk.ended:
        seen += [each.id for each in walk.take(answer(records, walk.query())).records]
    assert sorted(map(int, seen)) == sorted(records)
    assert len(seen) == len(records)


def test_the_pass_ends_although_records_keep_changing() -> None:
    records = {key: key for key in range(1, 1001)}
    clock = iter(range(2_000, 10_000_000, 50))

    def change() -> None:
        for key in range(1, 500):
            records[key] = next(clock)

    seen = walk_over(records, 0, 1_500, change)
    assert {str(key) for key in range(500, 1001)} <= set(seen)


def test_what_changed_in_the_second_before_the_pass_began_is_read_by_it() -> None:
    """The Date header says 2.000 s for a pass that began at 2.900 s: 2.850 s is before it."""
    records = dict.fromkeys(range(1, 2 * SEARCH_LIMIT), 2_600) | {5_000: 2_850}
    walk = SearchWalk("deals", [], first_position(START + 1_500, START + 2_000))
    seen: list[str] = []
    while not walk.ended:
        seen += [each.id for each in walk.take(answer(records, walk.query())).records]
    assert "5000" in seen


@given(
    st.dictionaries(st.integers(1, 2_000), st.integers(0, 5), min_size=1, max_size=900),
    st.integers(0, 6),
)
@settings(max_examples=40, deadline=None)
def test_whatever_the_timestamps_nothing_is_left_out(records: dict[int, int], since: int) -> None:
    expected = {str(key) for key, ms in records.items() if ms >= since}
    assert set(walk_over(records, since, 100)) == expected


def test_a_walk_by_id_that_goes_in_a_circle_is_ended() -> None:
    """Pages of one timestamp that come in turn, as of a server that takes no filter."""
    pages = [dict.fromkeys(range(first, first + SEARCH_LIMIT), 500) for first in (1_000, 2_000)]
    walk = SearchWalk("deals", [], {"since": START + 500, "until": START + 10_000})

    def go_on(page: dict[int, int]) -> None:
        found = answer(page, walk.query() | {"filterGroups": [{"filters": []}]})
        walk.take(found.model_copy(update={"total": 10_000}))

    go_on(pages[0])  # all of one timestamp: from here on by id
    go_on(pages[0])
    go_on(pages[1])
    with pytest.raises(RunFailedError, match="does not go on"):
        go_on(pages[0])
