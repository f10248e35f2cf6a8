"""What providers' error bodies stand for."""

from typing import Any

import pytest
from tablesync.auth_service.errors import AppRefusedError, CodeRefusedError, GrantLostError
from tablesync.auth_service.providers import airtable, hubspot
from tablesync.auth_service.providers.oauth_client import Classify
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
        hubspot.classify(400, body)
    assert raised.value.cause is cause


def test_hubspot_says_that_another_app_owns_the_token() -> None:
    body = {
        "status": "BAD_REFRESH_TOKEN",
        "error": "invalid_grant",
        "message": "refresh token was not issued to this client",
    }

    with pytest.raises(AppRefusedError):
        hubspot.classify(400, body)


@pytest.mark.parametrize("status", ["BAD_AUTH_CODE", "BAD_CODE_VERIFIER"])
def test_hubspot_refuses_a_code(status: str) -> None:
    with pytest.raises(CodeRefusedError):
        hubspot.classify(400, {"status": status, "error": "invalid_grant"})


@pytest.mark.parametrize("status", ["BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_SCOPES"])
def test_hubspot_blames_the_app_for_its_own_errors(status: str) -> None:
    with pytest.raises(AppRefusedError, match=status) as raised:
        hubspot.classify(400, {"status": status, "error": "invalid_client"})
    assert not raised.value.processed


def test_airtable_says_that_a_grant_is_lost() -> None:
    with pytest.raises(GrantLostError):
        airtable.classify(400, {"error": "invalid_grant", "error_description": "revoked"})


@pytest.mark.parametrize("status_code", [302, 401, 403, 404, 408, 410, 422])
@pytest.mark.parametrize(
    ("classify", "body"),
    [
        (hubspot.classify, {"status": "BAD_REFRESH_TOKEN", "message": DEAD}),
        (hubspot.classify, {"status": "BAD_HUB", "error": "access_denied"}),
        (hubspot.classify, {"status": "BAD_AUTH_CODE", "error": "invalid_grant"}),
        (hubspot.classify, {"error": "invalid_grant"}),
        (airtable.classify, {"error": "invalid_grant"}),
    ],
)
def test_nothing_is_said_of_a_grant_with_another_status(
    classify: Classify, body: dict[str, Any], status_code: int
) -> None:
    assert classify(status_code, body) is None  # type: ignore[func-returns-value]


def test_airtable_refuses_the_app() -> None:
    with pytest.raises(AppRefusedError) as raised:
        airtable.classify(401, {"error": "invalid_client"})
    assert not raised.value.processed
