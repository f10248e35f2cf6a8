"""Who may call: bearer, scopes and the two limiters, in the order HubSpot checks them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web
from tablesync.sandbox.calls import Call
from tablesync.sandbox.oauth.grants import Grant, Token
from tablesync.sandbox.web import json_answer

from . import errors
from .portals import ROLLING_MAXIMUM, ROLLING_SECONDS, PortalState
from .state import APP_ID, HubSpotState


@dataclass(slots=True)
class Admission:
    """An admitted call: its portal and grant, and the headers that its answer carries."""

    portal: PortalState
    grant: Grant
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, body: object, status: int = 200) -> web.Response:
        """Answer with HubSpot's content type and limit headers."""
        return json_answer(body, status, self.headers, errors.CONTENT_TYPE)


def admit(
    state: HubSpotState,
    request: web.Request,
    scopes: Sequence[str] = (),
    *,
    any_of: bool = False,
    search: bool = False,
) -> Admission:
    """Return the admission of a call, or raise HubSpot's refusal."""
    call: Call = request["call"]
    grant = _authenticate(call.token).grant
    portal = state.portals[grant.account]
    headers = _limit(state, portal, search)
    request["limit_headers"] = headers  # a refusal behind this bears them, too
    _authorize(grant, scopes, any_of)
    return Admission(portal, grant, headers)


def _authenticate(token: Token | None) -> Token:
    if token is None or token.kind != "access" or not token.grant.alive:
        raise errors.invalid_authentication()
    if token.expires_at is not None and token.expired:
        raise errors.expired_authentication(token.expires_at)
    return token


def _authorize(grant: Grant, scopes: Sequence[str], any_of: bool) -> None:
    held = [scope in grant.scopes for scope in scopes]
    if held and not (any(held) if any_of else all(held)):
        raise errors.missing_scopes(list(scopes))


def _limit(state: HubSpotState, portal: PortalState, search: bool) -> dict[str, str]:
    if search:
        if state.limits_on and not portal.search.admit():
            state.counters.hubspot.rate_violations += 1
            raise errors.search_limit(APP_ID, portal.portal.id)
        return {}
    if not state.limits_on:
        return {}
    admitted = portal.rolling.admit()
    headers = {
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(ROLLING_SECONDS * 1000),
        "X-HubSpot-RateLimit-Max": str(ROLLING_MAXIMUM),
        "X-HubSpot-RateLimit-Remaining": str(portal.rolling.remaining),
    }
    if not admitted:
        state.counters.hubspot.rate_violations += 1
        raise errors.rolling_limit(APP_ID, portal.portal.id, headers)
    return headers
