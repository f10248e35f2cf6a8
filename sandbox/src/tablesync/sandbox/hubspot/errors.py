"""HubSpot's refusals, in its own words."""

from typing import Any

from tablesync.sandbox.clock import java_instant, now
from tablesync.sandbox.ids import correlation_id
from tablesync.sandbox.web import Refusal

CONTENT_TYPE = "application/json;charset=utf-8"
# HubSpot tells no number; this is what its names of properties may take in all.
LONGEST_URL = 16_384
_OVERVIEW = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
_SCOPES = "https://developers.hubspot.com/scopes"
_TOKEN_ERRORS = {
    "BAD_REFRESH_TOKEN": ("invalid_grant", "refresh token is invalid, expired or revoked"),
    "BAD_HUB": ("access_denied", "missing or unknown hub id"),
    "BAD_AUTH_CODE": ("invalid_grant", "missing or unknown auth code"),
    "BAD_REDIRECT_URI": ("invalid_grant", "missing or invalid redirect uri"),
    "BAD_CODE_VERIFIER": ("invalid_grant", "missing or invalid code verifier"),
    "BAD_CLIENT_ID": ("invalid_client", "missing or unknown client id"),
    "BAD_CLIENT_SECRET": ("invalid_client", "missing or invalid client secret"),
    "BAD_GRANT_TYPE": ("unsupported_grant_type", "missing or unknown grant type"),
    "BAD_SCOPES": ("invalid_scope", "missing or unknown scopes"),
}


def _refusal(status: int, members: dict[str, Any]) -> Refusal:
    correlation = correlation_id()
    body = {"status": "error", **members, "correlationId": correlation}
    headers = {"x-hubspot-correlation-id": correlation, "content-type": CONTENT_TYPE}
    return Refusal(status, body, headers)


def invalid_authentication() -> Refusal:
    """No bearer, garbage, or a token of an app that is no longer installed."""
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you "
        f"can find more details at {_OVERVIEW}"
    )
    return _refusal(401, {"message": message, "category": "INVALID_AUTHENTICATION"})


def expired_authentication(expired_at: float) -> Refusal:
    """The access token's life is over; `expired_at` is in unix seconds."""
    seconds = max(0, int(now() - expired_at))
    return _refusal(
        401,
        {
            "message": f"The OAuth token used to make this call expired {seconds} second(s) ago.",
            "category": "EXPIRED_AUTHENTICATION",
            "context": {"expire time": [java_instant(expired_at * 1000)]},
        },
    )


def missing_scopes(required: list[str]) -> Refusal:
    """The grant lacks what the route needs."""
    message = (
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {_SCOPES}."
    )
    error = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": required},
    }
    return _refusal(
        403,
        {
            "message": message,
            "category": "MISSING_SCOPES",
            "errors": [error],
            "links": {"scopes": _SCOPES},
        },
    )


def validation(message: str, **context: list[str]) -> Refusal:
    """The request itself is wrong."""
    members: dict[str, Any] = {"message": message, "category": "VALIDATION_ERROR"}
    if context:
        members["context"] = context
    return _refusal(400, members)


def resource_not_found() -> Refusal:
    """A numeric id that no record has, or a route that does not exist."""
    return _refusal(404, {"message": "resource not found"})


def object_not_found() -> Refusal:
    """An id that is no number."""
    message = "Object not found.  objectId are usually numeric."
    return _refusal(404, {"message": message, "category": "OBJECT_NOT_FOUND"})


def not_in_batch(what: str, ids: list[str]) -> dict[str, Any]:
    """Say, within a 207, what a batch has asked for in vain."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {what} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "context": {"ids": ids},
    }


def uri_too_long() -> Refusal:
    """More names in a URL than fit."""
    return _refusal(414, {"message": "URI Too Long"})


def unknown_object_type(name: str) -> Refusal:
    """An object type that the portal does not have."""
    message = f"Unable to infer object type from: {name}"
    return _refusal(400, {"message": message, "category": "VALIDATION_ERROR"})


def rolling_limit(app_id: int, portal: str, headers: dict[str, str]) -> Refusal:
    """More than 110 calls in ten seconds."""
    refusal = _limit("ten_secondly_rolling", "TEN_SECONDLY_ROLLING", f"oauth:{app_id}:{portal}")
    refusal.headers.update(headers)
    return refusal


def search_limit(app_id: int, portal: str) -> Refusal:
    """More than five searches in a second; no limit headers."""
    return _limit("secondly", "SECONDLY", f"crm:search:oauth:{app_id}:{portal}")


def _limit(name: str, policy: str, group: str) -> Refusal:
    return _refusal(
        429,
        {
            "message": f"You have reached your {name} limit.",
            "errorType": "RATE_LIMIT",
            "policyName": policy,
            "groupName": f"publicapi:{group}",
        },
    )


def token_error(status: str, message: str | None = None) -> Refusal:
    """A refusal of the token endpoint, with HubSpot's own and the RFC's fields."""
    error, text = _TOKEN_ERRORS[status]
    text = message or text
    body = {"status": status, "message": text, "error": error}
    if status != "BAD_HUB":
        body["error_description"] = text
    headers = {"x-hubspot-correlation-id": correlation_id(), "content-type": CONTENT_TYPE}
    return Refusal(400, body, headers)


def broken(status: int) -> Refusal:
    """Trouble that a script switched on: an edge's HTML page, a lock, a moving account."""
    if status in {502, 503, 504} or 521 <= status <= 526:
        html = (
            f"<html><head><title>{status}</title></head><body>HubSpot edge: {status}</body></html>"
        )
        return Refusal(status, html, {"content-type": "text/html"})
    refusal = _refusal(status, {"message": "internal error"})
    if status == 477:
        refusal.headers["retry-after"] = "60"
    return refusal
