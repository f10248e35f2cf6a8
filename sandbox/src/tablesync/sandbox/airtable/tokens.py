"""Airtable's token endpoint: exchange, and refresh with immediate rotation of both tokens."""

import base64
import binascii
from collections.abc import Mapping

from aiohttp import web
from tablesync.sandbox.clock import now
from tablesync.sandbox.ids import airtable_id, opaque
from tablesync.sandbox.oauth.codes import verifier_matches
from tablesync.sandbox.oauth.grants import Grant, Token
from tablesync.sandbox.people import CLIENTS
from tablesync.sandbox.web import json_answer

from . import errors
from .state import AirtableState

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 60 * 24 * 3600
RACE_SECONDS = 0.3
"""A token refreshed so recently is a lost race (409); later its re-use is taken for a leak."""
_DEAD = "Token has been expired or revoked."


class TokenRoutes:
    """POST /oauth2/v1/token."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, or refresh."""
        form = await _form(request)
        # The code is burnt even if what follows fails.
        code = self._state.codes.burn(form.get("code", ""))
        client_id = _authenticate(request, form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form, client_id)
        if form.get("grant_type") != "authorization_code":
            raise errors.token_error("unsupported_grant_type", "Unsupported grant type")
        if "redirect_uri" not in form or "code_verifier" not in form or "code" not in form:
            raise errors.token_error("invalid_request", "A required parameter is missing")
        if (
            code is None
            or code.client_id != client_id
            or code.redirect_uri != form["redirect_uri"]
            or "~" in form["code_verifier"]  # of all that RFC 7636 allows, the one not listed
            or not verifier_matches(form["code_verifier"], code.challenge)
        ):
            raise errors.token_error("invalid_grant", "The authorization code is not valid")
        bases = None if code.bases is None else set(code.bases)
        grant = self._state.grants.open(code.account, code.user, client_id, code.scopes, bases)
        return json_answer(self.issue_pair(grant), headers={"cache-control": "no-store"})

    def _refresh(self, form: Mapping[str, str], client_id: str) -> web.Response:
        token = self._state.grants.find(form.get("refresh_token", ""), "refresh")
        if token is None or token.grant.client_id != client_id or not token.grant.alive:
            raise errors.token_error("invalid_grant", _DEAD)
        grant = token.grant
        if _lost_a_race(token):
            raise errors.token_error("conflict", "Token recently refreshed", 409)
        if token.state == "consumed":
            grant.alive, grant.end = False, "refresh token used twice"
        if not token.usable:
            raise errors.token_error("invalid_grant", _DEAD)
        scopes = frozenset(form.get("scope", "").split())
        if not scopes <= set(grant.scopes):
            raise errors.token_error("invalid_scope", "The scope exceeds what was granted")
        return self._rotate(grant, scopes or None)

    def _rotate(self, grant: Grant, narrowed: frozenset[str] | None) -> web.Response:
        grants = self._state.grants
        for old in (*grants.tokens_of(grant, "access"), *grants.tokens_of(grant, "refresh")):
            if old.state == "live":
                old.consume()
        self._state.counters.airtable.refreshes += 1
        pair = self.issue_pair(grant, narrowed)
        return json_answer(pair, headers={"cache-control": "no-store"})

    def issue_pair(
        self, grant: Grant, narrowed: frozenset[str] | None = None
    ) -> dict[str, str | int]:
        """Give the grant a fresh pair of tokens; return the answer that carries it.

        `narrowed` is what the access token is for; its refresh token stays one of the whole grant.
        """
        seconds = self._state.settings.access_token_seconds or ACCESS_SECONDS
        values = {kind: f"{airtable_id(kind)}.v1.{opaque(40)}" for kind in ("oaa", "oar")}
        access = self._state.grants.issue(grant, "access", values["oaa"], seconds)
        access.narrowed = narrowed
        self._state.grants.issue(grant, "refresh", values["oar"], REFRESH_SECONDS)
        return {
            "access_token": values["oaa"],
            "refresh_token": values["oar"],
            "token_type": "Bearer",
            "scope": " ".join(access.scopes),
            "expires_in": seconds,
            "refresh_expires_in": REFRESH_SECONDS,
        }


def _lost_a_race(token: Token) -> bool:
    return token.state == "consumed" and now() - token.consumed_at < RACE_SECONDS


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise errors.token_error("invalid_request", "The body has to be form-urlencoded")
    posted = await request.post()
    if len(posted) != len(set(posted)):
        raise errors.token_error("invalid_request", "A parameter is repeated")
    return {name: str(value) for name, value in posted.items()}


def _authenticate(request: web.Request, form: Mapping[str, str]) -> str:
    """Return the client id; this integration has a secret, so only HTTP Basic will do."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    if tuple(given.split(":", 1)) != CLIENTS["airtable"]:
        raise errors.token_error("invalid_client", "Client authentication failed")
    client_id = CLIENTS["airtable"][0]
    if form.get("client_id", client_id) != client_id:
        raise errors.token_error("invalid_client", "The client ids differ")
    return client_id
