"""P18 in the logs: secrets are hidden by name and by shape, and what is harmless stays."""

import pytest
from tablesync.service_kit.redaction import (
    FOREIGN_CHARACTERS,
    HIDDEN,
    foreign_text,
    redact,
    redact_text,
)


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "client_secret", "code", "code_verifier", "Authorization", "cookie",
     "password", "reconnect_link", "state", "api_keys"],
)  # fmt: skip
def test_p18_a_field_with_a_secrets_name_is_hidden(name: str) -> None:
    assert redact(None, "", {name: "canary"}) == {name: HIDDEN}


@pytest.mark.parametrize("name", ["status_code", "token_expires_at", "authorization_id", "linked"])
def test_a_harmless_name_is_not(name: str) -> None:
    assert redact(None, "", {name: "kept"}) == {name: "kept"}


@pytest.mark.parametrize(
    "text",
    [
        "GET /oauth/hubspot/callback?code=canary&state=canary failed",
        "Authorization: Bearer canary",
        "mongodb://user:canary@db:27017 is away",
        "ValueError: refresh_token=canary, client_secret='canary'",
        'Traceback …\n  raise Error("api_key=canary")',
    ],
)
def test_p18_text_that_looks_like_a_secret_is_hidden(text: str) -> None:
    assert "canary" not in redact_text(text)
    assert HIDDEN in redact_text(text)


def test_other_text_stays_as_it_is() -> None:
    text = "http://127.0.0.1:8101/v1/runs answered 409: status_code=409 for run_1"
    assert redact_text(text) == text


CANARY = "CANARY7fK2mQ9xLw4Zt8Rb1Vy6Nc3Hd5Js0PgAe"


@pytest.mark.parametrize(
    "said",
    [
        "Bearer {} is bad access_token={}",
        "the token {} has expired",
        'invalid {{"access_token": "{}", "refresh_token":"{}"}}',
        "Authorization: token {}",
        "Authorization: Basic {}",
        "unknown credential {}",
        "password: {}",
    ],
)
def test_p18_what_a_provider_repeats_of_our_secrets_goes_no_further(said: str) -> None:
    text = foreign_text(said.format(CANARY, CANARY))
    assert CANARY not in text
    assert HIDDEN in text


@pytest.mark.parametrize(
    "said",
    [
        'Property "tier_code" does not exist on objects of type contacts',
        "Value for field Name: token is missing. Unknown field name: fldDoesNotExist00",
        "correlation 0198f0c2-8a40-7c31-9d52-3f6b1c7e9a01: Grundstücksverkehrsgenehmigung",
        "error code: 422, state: active",
    ],
)
def test_what_a_provider_says_else_stays_as_it_is(said: str) -> None:
    assert foreign_text(said) == said


def test_p30_what_a_provider_says_is_one_short_line() -> None:
    assert foreign_text("a\r\nb\x1b[31m\u2028c") == "a b[31m c"
    assert len(foreign_text("long " * 5_000)) == FOREIGN_CHARACTERS
