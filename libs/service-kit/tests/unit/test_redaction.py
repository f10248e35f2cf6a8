"""P18 in the logs: secrets are hidden by name and by shape, and what is harmless stays."""

import pytest
from tablesync.service_kit.redaction import HIDDEN, redact, redact_text


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
