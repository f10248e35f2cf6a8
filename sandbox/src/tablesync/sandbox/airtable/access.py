"""Who may call: bearer, limits, scopes, granted bases and roles, in the order Airtable checks."""

from aiohttp import web
from tablesync.sandbox.calls import Call, bearer
from tablesync.sandbox.oauth.grants import Grant, Token

from . import errors
from .state import AirtableState, can_reach
from .tables import Base, Table

_ROLES = ("none", "read", "comment", "edit", "create")


def admit(state: AirtableState, request: web.Request, scope: str | None = None) -> Grant:
    """Return the grant of a call that names no base, or raise the refusal."""
    token = _authenticate(request)
    _limit(state, token.grant, None)
    _require_scope(token, scope)
    return token.grant


def admit_to_base(
    state: AirtableState, request: web.Request, scope: str, role: str = "read"
) -> tuple[Base, Grant]:
    """Return the base of a call and its grant, or raise the refusal."""
    token = _authenticate(request)
    grant = token.grant
    base = state.bases.get(request.match_info["base"])
    _limit(state, grant, base)
    _require_scope(token, scope)
    if base is None or not can_reach(grant, base):
        raise errors.permissions_or_model_not_found()
    if not has_role(grant, base, role):
        raise errors.permissions()
    return base, grant


def has_role(grant: Grant, base: Base, role: str) -> bool:
    """Whether the person's role in the base is at least this one."""
    return _ROLES.index(base.permissions[grant.account]) >= _ROLES.index(role)


def table_of(base: Base, request: web.Request) -> Table:
    """Return the table that the path names, by id or by name."""
    table = base.table_named(request.match_info["table"])
    if table is None:
        raise errors.permissions_or_model_not_found()
    return table


def _authenticate(request: web.Request) -> Token:
    call: Call = request["call"]
    if bearer(request) is None:
        raise errors.authentication_required()
    if call.token is None or call.token.kind != "access" or not call.token.usable:
        raise errors.unauthorized()
    return call.token


def _limit(state: AirtableState, grant: Grant, base: Base | None) -> None:
    if not state.limits_on:
        return
    # Both are asked, so that one refused call is one violation of each limit that it broke.
    user_ok = state.admits_user(grant.account)
    base_ok = base is None or state.admits_base(base.id)
    if user_ok and base_ok:
        return
    state.counters.airtable.rate_violations += 1
    if base is not None:
        state.counters.airtable.base(base.id).violations += 1
    raise errors.rate_limited()


def _require_scope(token: Token, scope: str | None) -> None:
    if scope is not None and scope not in token.scopes:
        raise errors.permissions_or_model_not_found()
