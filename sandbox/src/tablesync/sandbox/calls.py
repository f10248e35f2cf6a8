"""One request to a provider, as the counters, the log and the faults see it."""

import re
from dataclasses import dataclass, field

from aiohttp import web

from .clock import now_ms
from .oauth.grants import Grant, GrantStore, Token

_BASE = re.compile(r"^/airtable/v0/(?:meta/bases/)?(app\w{14})(?:/|$)")
_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Call:
    """Who calls what: `data` marks the calls that move records or schemas."""

    provider: str
    method: str
    path: str
    path_qs: str
    token: Token | None
    account: str | None
    base: str | None
    data: bool
    at: float = field(default_factory=now_ms)

    @property
    def grant(self) -> Grant | None:
        """The grant behind the token, dead or alive."""
        return self.token.grant if self.token else None

    @property
    def is_api(self) -> bool:
        """Whether it goes to the provider's API and not to its OAuth server."""
        return not self.path.startswith(("/airtable/oauth2/", "/hubspot/oauth/"))


def bearer(request: web.Request) -> str | None:
    """Return the bearer token of the request; None without a well-formed one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


async def _presented_token(request: web.Request, grants: GrantStore) -> Token | None:
    value = bearer(request)
    if value is None and request.method == "POST" and request.path.endswith("/token"):
        if request.content_type != _FORM:
            return None
        value = str((await request.post()).get("refresh_token", ""))
    return grants.find(value) if value else None


async def identify(request: web.Request, provider: str, grants: GrantStore) -> Call:
    """Tell whose call this is, before anything is decided about it."""
    token = await _presented_token(request, grants)
    path = request.path
    base = _BASE.match(path) if provider == "airtable" else None
    return Call(
        provider=provider,
        method=request.method,
        path=path,
        path_qs=request.path_qs,
        token=token,
        account=token.grant.account if token else None,
        base=base[1] if base else None,
        data=base is not None or path.startswith("/hubspot/crm/"),
    )
