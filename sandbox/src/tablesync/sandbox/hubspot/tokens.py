"""HubSpot's token endpoint, introspection and revocation."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from tablesync.sandbox.clock import now
from tablesync.sandbox.ids import opaque
from tablesync.sandbox.oauth.codes import AuthorizationCode, verifier_matches
from tablesync.sandbox.oauth.grants import Grant, Token
from tablesync.sandbox.people import CLIENTS, HUBSPOT_USER_IDS
from tablesync.sandbox.web import Refusal, json_answer

from . import errors
from .access import admit
from .state import APP_ID, HubSpotState

ACCESS_SECONDS = 1800


class TokenRoutes:
    """POST /oauth/…/token and what belongs to it."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, or refresh."""
        form = await _form(request)
        grant_type = form.get("grant_type")
        if grant_type not in ("authorization_code", "refresh_token"):
            raise errors.token_error("BAD_GRANT_TYPE")
        if grant_type == "refresh_token":
            _authenticate(form)
            return self._refresh(form)
        code = self._state.codes.burn(form.get("code", ""))
        _authenticate(form)
        return self._exchange(form, code)

    def _exchange(self, form: Mapping[str, str], code: AuthorizationCode | None) -> web.Response:
        if code is None or code.client_id != form["client_id"]:
            raise errors.token_error("BAD_AUTH_CODE")
        if code.redirect_uri != form.get("redirect_uri"):
            raise errors.token_error("BAD_REDIRECT_URI")
        if code.challenge and not verifier_matches(form.get("code_verifier", ""), code.challenge):
            raise errors.token_error("BAD_CODE_VERIFIER")
        grants = self._state.grants
        grant = grants.open(code.account, code.user, code.client_id, code.scopes)
        region = self._state.portals[code.account].portal.region
        refresh = grants.issue(grant, "refresh", f"{region}-{opaque(8)}-{opaque(36)}")
        return self._tokens(grant, refresh)

    def _refresh(self, form: Mapping[str, str]) -> web.Response:
        token = self._state.grants.find(form.get("refresh_token", ""), "refresh")
        if token is None:
            raise errors.token_error("BAD_REFRESH_TOKEN")
        if token.grant.client_id != form["client_id"]:
            text = "refresh token was not issued to this client"
            raise errors.token_error("BAD_REFRESH_TOKEN", text)
        if token.grant.account in self._state.deleted_portals:
            raise errors.token_error("BAD_HUB")
        if not token.usable:
            raise errors.token_error("BAD_REFRESH_TOKEN")
        self._state.counters.hubspot.refreshes += 1
        return self._tokens(token.grant, token)

    def _tokens(self, grant: Grant, refresh: Token) -> web.Response:
        access = self.issue_access(grant)
        return json_answer(
            {
                "token_type": "bearer",
                "access_token": access.value,
                "refresh_token": refresh.value,
                "expires_in": self._seconds,
                "hub_id": int(grant.account),
                "scopes": grant.scopes,
                "token_use": "access_token",
            },
            headers={"cache-control": "no-store"},
            content_type=errors.CONTENT_TYPE,
        )

    @property
    def _seconds(self) -> int:
        return self._state.settings.access_token_seconds or ACCESS_SECONDS

    def issue_access(self, grant: Grant) -> Token:
        """Return a fresh access token; older ones live on until their own expiry."""
        return self._state.grants.issue(grant, "access", f"CN{opaque(120)}", self._seconds)

    async def introspect(self, request: web.Request) -> web.Response:
        """Describe a token to the app that owns it; a dead one is just inactive."""
        form = await _form(request)
        _authenticate(form)
        token = self._state.grants.find(form.get("token", ""))
        if token is None or not token.usable:
            return json_answer({"active": False}, content_type=errors.CONTENT_TYPE)
        described = self._describe(token)
        use = f"{token.kind}_token"
        described |= {
            "active": True,
            "client_id": token.grant.client_id,
            "token_use": use,
            "token_type": "bearer",
            "is_private_distribution": False,
        }
        return json_answer(described, content_type=errors.CONTENT_TYPE)

    def _describe(self, token: Token) -> dict[str, Any]:
        grant = token.grant
        portal = self._state.portals[grant.account].portal
        user_id = int(HUBSPOT_USER_IDS[grant.user])
        described: dict[str, Any] = {
            "token": token.value,
            "user": grant.user,
            "hub_domain": portal.domain,
            "scopes": grant.scopes,
            "hub_id": int(grant.account),
            "app_id": APP_ID,
            "user_id": user_id,
        }
        if token.expires_at is not None:
            described["expires_in"] = max(0, int(token.expires_at - now()))
            described["signed_access_token"] = _signed(token, user_id, portal.region)
        return described

    async def revoke(self, request: web.Request) -> web.Response:
        """Kill one token; access tokens survive their refresh token."""
        form = await _form(request)
        _authenticate(form)
        token = self._state.grants.find(form.get("token", ""))
        if token:
            token.consume()
        return json_answer({}, content_type=errors.CONTENT_TYPE)

    async def uninstall(self, request: web.Request) -> web.Response:
        """DELETE the app's installation in the account of the bearer."""
        admission = admit(self._state, request)
        self._state.grants.end_account(admission.portal.portal.id, "uninstalled")
        return web.Response(status=204)

    def _legacy(self, request: web.Request, kind: str) -> Token:
        token = self._state.grants.find(request.match_info["token"])
        if token is None or token.kind != kind or not token.usable:
            raise errors.resource_not_found()
        return token

    async def legacy_access_token(self, request: web.Request) -> web.Response:
        """GET /oauth/v1/access-tokens/{token}."""
        token = self._legacy(request, "access")
        described = self._describe(token) | {"token_type": "access"}
        return json_answer(described, content_type=errors.CONTENT_TYPE)

    async def legacy_refresh_token(self, request: web.Request) -> web.Response:
        """GET or DELETE /oauth/v1/refresh-tokens/{token}."""
        token = self._legacy(request, "refresh")
        if request.method == "DELETE":
            token.consume()
            return web.Response(status=204)
        described = self._describe(token) | {
            "client_id": token.grant.client_id,
            "token_type": "refresh",
        }
        return json_answer(described, content_type=errors.CONTENT_TYPE)


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refusal(415, {"status": "error", "message": "Unsupported Media Type"})
    return {name: str(value) for name, value in (await request.post()).items()}


def _authenticate(form: Mapping[str, str]) -> None:
    client_id, secret = CLIENTS["hubspot"]
    if form.get("client_id") != client_id:
        raise errors.token_error("BAD_CLIENT_ID")
    if form.get("client_secret") != secret:
        raise errors.token_error("BAD_CLIENT_SECRET")


def _signed(token: Token, user_id: int, region: str) -> dict[str, Any]:
    return {
        "expiresAt": int((token.expires_at or 0) * 1000),
        "scopes": "",
        "hubId": int(token.grant.account),
        "userId": user_id,
        "appId": APP_ID,
        "signature": "",
        "appInstallId": int(f"{APP_ID}{token.grant.account}"),
        "audience": "",
        "hublet": region,
        "installingUserId": user_id,
        "isPrivateDistribution": False,
        "isServiceAccount": False,
        "isUserLevel": False,
        "newSignature": "",
        "scopeToScopeGroupPks": "",
        "trialScopeToScopeGroupPks": "",
        "trialScopes": "",
    }
