"""Airtable's authorize pages: sign in, pick bases, grant or cancel."""

import re
from collections.abc import Mapping, Sequence

from aiohttp import web
from tablesync.sandbox.oauth.answers import Answer
from tablesync.sandbox.oauth.redirects import is_registered, redirect
from tablesync.sandbox.oauth.sign_in import (
    APP_NAME,
    SIGN_IN_FAILURES,
    refusal_page,
    sign_in_page,
    signed_out_page,
)
from tablesync.sandbox.pages import page
from tablesync.sandbox.people import ADA, AIRTABLE_IDS, AIRTABLE_USERS, CLIENTS

from .state import AirtableState
from .tables import Base

ENABLED_SCOPES = frozenset(
    [
        "data.records:read",
        "data.records:write",
        "schema.bases:read",
        "schema.bases:write",
        "webhook:manage",
        "user.email:read",
    ]
)
_STATE = re.compile(r"[A-Za-z0-9._-]{16,1024}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class AuthorizeRoutes:
    """GET and POST /oauth2/v1/authorize."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state

    async def show(self, request: web.Request) -> web.Response:
        """Show the sign-in page, or answer for the person if a script said how."""
        if refused := self._unknown_app(request.query):
            return refused
        _check(request.query)
        answer = self._state.answers.take()
        if answer is None:
            return _sign_in(request)
        if answer.decision == "deny":
            raise _fail(request.query, "access_denied", "The user denied the request")
        return self._auto_allow(request.query, answer)

    async def sign_out(self, _: web.Request) -> web.Response:
        """Say that nobody is signed in any more."""
        return signed_out_page("airtable")

    async def act(self, request: web.Request) -> web.Response:
        """Take what the person clicked."""
        if refused := self._unknown_app(request.query):
            return refused
        _check(request.query)
        form = await request.post()
        step, user = str(form.get("step")), str(form.get("user"))
        if step == "cancel":
            raise _fail(request.query, "access_denied", "The user denied the request")
        if user not in AIRTABLE_IDS:
            return _sign_in(request, "There is no such user.")
        if failure := self._state.failing_sign_ins.get(user):
            return _sign_in(request, SIGN_IN_FAILURES[failure])
        if step == "allow":
            raise self._allow(request.query, user, [str(base) for base in form.getall("base", [])])
        return page(
            "airtable",
            "choose_bases.html",
            app=APP_NAME,
            user=user,
            action=request.path_qs,
            bases=self._bases_of(user),
            scopes=request.query["scope"].split(),
        )

    def _unknown_app(self, query: Mapping[str, str]) -> web.Response | None:
        """Return the page shown when nobody may be sent back."""
        known = query.get("client_id") == CLIENTS["airtable"][0]
        extra = self._state.settings.extra_redirect_uris
        if known and is_registered(query.get("redirect_uri", ""), extra):
            return None
        text = "The client id is unknown, or the redirect URI is not registered."
        return _refused("Invalid authorization request", text, 400)

    def _bases_of(self, user: str) -> list[Base]:
        user_id = AIRTABLE_IDS[user]
        return [base for base in self._state.bases.values() if user_id in base.permissions]

    def _auto_allow(self, query: Mapping[str, str], answer: Answer) -> web.Response:
        user = answer.user or AIRTABLE_USERS.get(answer.account or "", ADA).email
        if user not in AIRTABLE_IDS:
            return _refused("Signing in failed", "There is no such user.", 400)
        if failure := self._state.failing_sign_ins.get(user):
            return _refused("Signing in failed", SIGN_IN_FAILURES[failure], 401)
        raise self._allow(query, user, answer.bases, answer.scopes)

    def _allow(
        self,
        query: Mapping[str, str],
        user: str,
        bases: Sequence[str] | None,
        scopes: Sequence[str] | None = None,
    ) -> web.HTTPFound:
        granted = query["scope"].split() if scopes is None else scopes
        picked = None if bases is None else frozenset(bases)
        code = self._state.codes.issue(query, AIRTABLE_IDS[user], user, tuple(granted), picked)
        return redirect(
            query["redirect_uri"],
            {
                "code": code,
                "state": query["state"],
                "code_challenge": query["code_challenge"],
                "code_challenge_method": query["code_challenge_method"],
            },
        )


def _check(query: Mapping[str, str]) -> None:
    """Send a malformed request back to the app."""
    scopes = query.get("scope", "").split()
    if query.get("response_type") != "code":
        raise _fail(query, "unsupported_response_type", "The response type has to be code")
    if not _STATE.fullmatch(query.get("state", "")):
        raise _fail(query, "invalid_request", "The state has to be 16 to 1024 characters")
    if not _CHALLENGE.fullmatch(query.get("code_challenge", "")):
        raise _fail(query, "invalid_request", "A code challenge is required")
    if query.get("code_challenge_method") != "S256":
        raise _fail(query, "invalid_request", "The code challenge method has to be S256")
    if not scopes or len(set(scopes)) != len(scopes) or not set(scopes) <= ENABLED_SCOPES:
        raise _fail(query, "invalid_scope", "The scope is empty, repeated or not enabled")


def _fail(query: Mapping[str, str], error: str, description: str) -> web.HTTPFound:
    state = {"state": query["state"]} if "state" in query else {}
    return redirect(
        query["redirect_uri"], {"error": error, "error_description": description, **state}
    )


def _sign_in(request: web.Request, wrong: str = "") -> web.Response:
    return sign_in_page(request, "airtable", AIRTABLE_USERS.values(), wrong)


def _refused(heading: str, text: str, status: int) -> web.Response:
    return refusal_page("airtable", heading, text, status)
