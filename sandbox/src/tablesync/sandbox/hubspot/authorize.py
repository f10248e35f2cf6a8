"""HubSpot's authorize pages: sign in, choose a portal, connect or cancel."""

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
from tablesync.sandbox.people import CLIENTS, HUBSPOT_PEOPLE, PORTALS, Person, Portal

from .state import HubSpotState

REQUIRED_SCOPES = frozenset({"oauth"})
DECLARED_SCOPES = REQUIRED_SCOPES | {
    f"crm.{part}.{kind}.read"
    for part in ("objects", "schemas")
    for kind in ("contacts", "companies", "deals")
} | {"crm.objects.owners.read"}  # fmt: skip
_ADMIN_NEEDED = (
    "You need to be a super admin or have the App Marketplace Access permission to connect an app "
    "to this account. Ask an admin of {name} to connect it."
)


class AuthorizeRoutes:
    """GET and POST /oauth/authorize."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state

    async def show(self, request: web.Request) -> web.Response:
        """Show the sign-in page, or answer for the person if a script said how."""
        query = request.query
        if trouble := self._trouble(query):
            return _refused("This app cannot be connected", trouble, 400)
        answer = self._state.answers.take()
        if answer is None:
            return _sign_in(request)
        if answer.decision == "deny":
            raise redirect(query["redirect_uri"], _denial(query))
        return self._auto_allow(query, answer)

    async def sign_out(self, _: web.Request) -> web.Response:
        """Say that nobody is signed in any more."""
        return signed_out_page("hubspot")

    async def act(self, request: web.Request) -> web.Response:
        """Take what the person clicked."""
        if trouble := self._trouble(request.query):
            return _refused("This app cannot be connected", trouble, 400)
        form = await request.post()
        step, user = str(form.get("step")), str(form.get("user"))
        if step == "cancel":
            # HubSpot sends nobody back without consent: the browser stays here.
            return _refused("Nothing was connected", "You can close this window.", 200)
        if user not in HUBSPOT_PEOPLE:
            return _sign_in(request, "There is no such user.")
        if failure := self._state.failing_sign_ins.get(user):
            return _sign_in(request, SIGN_IN_FAILURES[failure])
        if step == "allow":
            return self._allow(request.query, user, str(form.get("account")))
        return page(
            "hubspot",
            "choose_portal.html",
            app=APP_NAME,
            user=user,
            action=request.path_qs,
            portals=_portals_of(user),
            scopes=_requested(request.query),
        )

    def _trouble(self, query: Mapping[str, str]) -> str:
        scopes = set(query.get("scope", "").split())
        optional = set(query.get("optional_scope", "").split())
        if query.get("client_id") != CLIENTS["hubspot"][0]:
            return "The client id is missing or unknown."
        uri = query.get("redirect_uri", "")
        if not is_registered(uri, self._state.settings.extra_redirect_uris):
            return "The redirect URL does not match the ones of this app."
        if not scopes >= REQUIRED_SCOPES or not scopes | optional <= DECLARED_SCOPES:
            return "The scopes do not agree with the ones that this app declares."
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return "The code challenge method has to be S256."
        return ""

    def _auto_allow(self, query: Mapping[str, str], answer: Answer) -> web.Response:
        user = answer.user or next(iter(HUBSPOT_PEOPLE))
        mine = _portals_of(user)
        if not mine:
            return _refused("Signing in failed", "There is no such user.", 400)
        if failure := self._state.failing_sign_ins.get(user):
            return _refused("Signing in failed", SIGN_IN_FAILURES[failure], 401)
        return self._allow(query, user, answer.account or mine[0].id, answer.scopes)

    def _allow(
        self,
        query: Mapping[str, str],
        user: str,
        account: str,
        scopes: Sequence[str] | None = None,
    ) -> web.Response:
        portal = PORTALS.get(account)
        person = HUBSPOT_PEOPLE[user]
        if portal is None or person not in portal.people:
            return _refused("No such account", "You have no access to this account.", 403)
        if person not in portal.admins:
            return _refused("Ask an admin", _ADMIN_NEEDED.format(name=portal.name), 403)
        granted = _requested(query) if scopes is None else scopes
        code = self._state.codes.issue(query, account, user, tuple(granted))
        raise redirect(query["redirect_uri"], {"code": code, **_state_of(query)})


def _requested(query: Mapping[str, str]) -> list[str]:
    return query["scope"].split() + query.get("optional_scope", "").split()


def _portals_of(user: str) -> list[Portal]:
    person = HUBSPOT_PEOPLE.get(user, Person("", ""))
    return [portal for portal in PORTALS.values() if person in portal.people]


def _sign_in(request: web.Request, wrong: str = "") -> web.Response:
    return sign_in_page(request, "hubspot", HUBSPOT_PEOPLE.values(), wrong)


def _refused(heading: str, text: str, status: int) -> web.Response:
    return refusal_page("hubspot", heading, text, status)


def _state_of(query: Mapping[str, str]) -> dict[str, str]:
    return {"state": query["state"]} if "state" in query else {}


def _denial(query: Mapping[str, str]) -> dict[str, str]:
    text = "The user denied the authorization"
    return {"error": "access_denied", "error_description": text, **_state_of(query)}
