"""What people read of providers, causes and moments: complete, in one sentence each."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.contracts import ConnectionCause, Provider
from tablesync.contracts.names import name_fault
from tablesync.contracts.wording import (
    PROVIDER_LABELS,
    isolated,
    loss,
    moment,
    one_line,
    provider_label,
)


@pytest.mark.parametrize("provider", Provider)
def test_every_provider_has_a_label(provider: Provider) -> None:
    assert PROVIDER_LABELS[provider].lower() == provider.value


@pytest.mark.parametrize("provider", Provider)
@pytest.mark.parametrize("cause", [*ConnectionCause, None])
def test_every_loss_is_one_sentence_that_names_the_provider(
    cause: ConnectionCause | None, provider: Provider
) -> None:
    said = loss(cause, provider)
    assert PROVIDER_LABELS[provider] in said
    assert said[0].isupper()
    assert said.count(".") == 1
    assert said.endswith(".")
    assert not {"{", "}", "'"} & set(said)


@pytest.mark.parametrize("provider", Provider)
def test_every_loss_has_its_own_sentence(provider: Provider) -> None:
    assert len({loss(cause, provider) for cause in [*ConnectionCause, None]}) == 8


def test_what_a_newer_version_has_written_has_words_too() -> None:
    assert provider_label("salesforce") == "salesforce"
    assert loss("moon_phase", "salesforce") == "salesforce no longer gives TableSync access."
    assert loss("moon_phase", "hubspot") == loss(None, "hubspot")


def test_what_is_read_from_the_right_is_isolated_in_plain_text() -> None:
    assert isolated("العملاء") == "\u2068العملاء\u2069"
    assert isolated("Контакты 連絡先") == "Контакты 連絡先"


@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from("ab \u200d\ufe0f\u202e\u200b\u0301🏴"))
)
def test_what_was_cleaned_is_clean_and_could_be_given(name: str) -> None:
    shown = one_line(name)
    assert one_line(shown) == shown
    fault = name_fault(shown)
    assert fault is None or "it is empty" in fault.message or "shows nothing" in fault.message


@pytest.mark.parametrize("name", ["Контакты", "連絡先", "العملاء", "नमस्ते", "👩‍👩‍👧 Kids", "Łódź"])
def test_names_in_any_script_stay_as_they_are(name: str) -> None:
    assert one_line(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\r\nBcc: x@y.test", "a Bcc: x@y.test"),
        ("  many   spaces\t\u00a0", "many spaces"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("a \u2066 b", "a b"),
        ("a\u2028b\u2029c", "a b c"),
        ("\x00\x1b[31mred\x9b0m", "[31mred 0m"),
    ],
)
def test_names_are_kept_to_one_harmless_line(name: str, shown: str) -> None:
    assert one_line(name) == shown


def test_a_moment_is_told_in_utc() -> None:
    there = datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(there) == "22 November 2026, 19:30 UTC"
    assert moment(datetime(2026, 3, 4, 5, 6, tzinfo=UTC)) == "4 March 2026, 05:06 UTC"
