"""Plain words: names from outside, times and numbers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.contracts import RunFailureCause, RunStatus
from tablesync.notifier.catch_ups import NoCatchUp
from tablesync.notifier.mail import wording

pytestmark = pytest.mark.unit
START = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["Контакты", "連絡先", "العملاء", "Ζωή Λόβλεϊς", "नमस्ते", "👩‍👩‍👧 Kids", "Łódź"]
)
def test_names_in_any_script_stay_as_they_are(name: str) -> None:
    assert wording.plain(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\r\nBcc: x@y.test", "a Bcc: x@y.test"),
        ("  many   spaces\t", "many spaces"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("x" * 200, "x" * 79 + "…"),
        ("\x00\x1b[31m", "[31m"),
    ],
)
def test_names_are_kept_to_one_harmless_line(name: str, shown: str) -> None:
    assert wording.plain(name) == shown


@given(st.text())
def test_no_name_breaks_a_header(name: str) -> None:
    shown = wording.plain(name)
    assert len(shown) <= wording.NAME_MAX
    assert len(shown.splitlines()) <= 1
    assert wording.plain(shown) == shown


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=1), "1 second"),
        (timedelta(minutes=12), "12 minutes"),
        (timedelta(hours=25), "1 day"),
        (timedelta(days=7), "7 days"),
        (timedelta(seconds=-5), "0 seconds"),
    ],
)
def test_duration(length: timedelta, said: str) -> None:
    assert wording.duration(length) == said


def test_a_span_names_its_days_once_where_it_can() -> None:
    same_day = wording.span(START, START + timedelta(minutes=12))
    assert same_day == "19:30–19:42 UTC on 22 November 2026 (12 minutes)"
    over_night = wording.span(START, START + timedelta(hours=12))
    assert over_night == "22 November 2026, 19:30 UTC – 23 November 2026, 07:30 UTC (12 hours)"
    assert wording.span(START, None) == "since 22 November 2026, 19:30 UTC"


@pytest.mark.parametrize("cause", RunFailureCause)
def test_every_failure_has_words_and_a_remedy(cause: RunFailureCause) -> None:
    words = wording.failure(cause)
    assert not words.what.endswith(".")
    assert words.remedy.endswith(".")
    assert words.then.endswith(".")


@pytest.mark.parametrize("cause", [RunFailureCause.RESOURCE, RunFailureCause.MAPPING])
def test_what_is_held_is_never_said_to_run_at_its_next_slot(cause: RunFailureCause) -> None:
    then = wording.failure(cause).then
    assert "on hold" in then
    assert "next slot" not in then


def test_a_failure_that_a_newer_version_has_written_has_words_too() -> None:
    assert wording.failure("moon_phase") == wording.failure(RunFailureCause.INTERNAL)


def test_every_end_of_a_catch_up_has_words() -> None:
    told = {each for each in RunStatus if each.ended} - {RunStatus.SUCCEEDED}
    assert told | set(NoCatchUp) | {RunStatus.RUNNING} == set(wording.ENDINGS)
