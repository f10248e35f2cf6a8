"""What providers' error bodies stand for."""

from typing import Any

import pytest
from tablesync.auth_service.errors import AppRefusedError, CodeRefusedError, GrantLostError
from tablesync.auth_service.providers import airtable, hubspot
from tablesync.contracts import ConnectionCause

DEAD = "refresh token is invalid, expired or revoked"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"status": "BAD_REFRESH_TOKEN", "message": DEAD}, ConnectionCause.APP_UNINSTALLED),
        ({"status": "BAD_HUB", "error": "access_denied"}, ConnectionCause.APP_UNINSTALLED),
        ({"error": "invalid_grant"}, ConnectionCause.GRANT_REVOKED),
    ],
)
def test_hubspot_says_that_a_grant_is_lost(body: dict[str, Any], cause: ConnectionCause) -> None:
    with pytest.raises(GrantLostError) as raised:
        hubspot.classify(body)
    assert raised.value.cause is cause


def test_hubspot_says_that_another_app_owns_the_token() -> None:
    body = {
        "status": "BAD_REFRESH_TOKEN",
        "error": "invalid_grant",
        "message": "refresh token was not issued to this client",
    }

    with pytest.raises(AppRefusedError):
        hubspot.classify(body)


@pytest.mark.parametrize("status", ["BAD_AUTH_CODE", "BAD_CODE_VERIFIER"])
def test_hubspot_refuses_a_code(status: str) -> None:
    with pytest.raises(CodeRefusedError):
        hubspot.classify({"status": status, "error": "invalid_grant"})


@pytest.mark.parametrize("status", ["BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_SCOPES"])
def test_hubspot_blames_the_app_for_its_own_errors(status: str) -> None:
    assert hubspot.classify({"status": status, "error": "invalid_client"}) is None


def test_airtable_says_that_a_grant_is_lost() -> None:
    with pytest.raises(GrantLostError):
        airtable.classify({"error": "invalid_grant", "error_description": "revoked"})


def test_airtable_refuses_the_app() -> None:
    with pytest.raises(AppRefusedError):
        airtable.classify({"error": "invalid_client"})
