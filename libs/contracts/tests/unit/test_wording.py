"""What people read of providers, causes and moments: complete, in one sentence each."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from tablesync.contracts import ConnectionCause, Provider
from tablesync.contracts.wording import PROVIDER_LABELS, loss, moment, provider_label


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


def test_a_moment_is_told_in_utc() -> None:
    there = datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(there) == "22 November 2026, 19:30 UTC"
    assert moment(datetime(2026, 3, 4, 5, 6, tzinfo=UTC)) == "4 March 2026, 05:06 UTC"
