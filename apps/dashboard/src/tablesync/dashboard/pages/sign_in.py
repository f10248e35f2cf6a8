"""Signing in and out: at the identity provider, and with a session of auth-service's."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import SecretStr
from tablesync.client import TableSyncError, UnauthorizedError
from tablesync.contracts.public_api.people import NewSession
from tablesync.dashboard.web.answers import SEE_OTHER, local_path
from tablesync.dashboard.web.desk import SESSION, Desk
from tablesync.dashboard.web.oidc import IdentityProvider, SignInAttempt, SignInRefusedError
from tablesync.service_kit.errors import DependencyUnavailableError

ATTEMPT = "sign_in"
ATTEMPT_SECONDS = 600
SESSION_SECONDS = 14 * 86_400
SIGNED_OUT = ("out", "elsewhere")
# Whom the sandbox's identity provider lets in without a page of its own.
PEOPLE = {
    "ada": "admin@example.test",
    "bob": "operator@example.test",
    "vera": "viewer@example.test",
}


def routes(desk: Desk, identity: IdentityProvider) -> APIRouter:
    """Make the router."""
    router = APIRouter(include_in_schema=False)
    signing_in = SigningIn(desk, identity)

    @router.get("/sign-in")
    async def show(request: Request, return_to: str = "/", fault: str = "") -> Response:
        return desk.plain_page(
            request,
            "pages/sign_in.html",
            return_to=local_path(return_to),
            fault=fault,
            has_sign_out=fault in SIGNED_OUT and await signing_in.has_sign_out(),
        )

    @router.get("/sign-in/start")
    async def start(return_to: str = "/", person: str = "") -> Response:
        """Leave for the identity provider: a link, since a form's policy would have to name it."""
        return await signing_in.leave(local_path(return_to), person)

    @router.get("/sign-in/callback")
    async def callback(
        request: Request, state: str = "", code: str = "", error: str = "", iss: str | None = None
    ) -> Response:
        kept = signing_in.attempt_of(request, state)
        if kept is None or not identity.is_from(iss):
            return _again("stale", "/")
        if error or not code:
            return _again("denied", kept.return_to)
        return await signing_in.come_back(request, kept, code)

    @router.get("/sign-out/identity-provider")
    async def sign_out_there() -> Response:
        """Leave for the issuer's own sign-out: a link, as for signing in."""
        return await signing_in.leave_for_good()

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await desk.form(request)
        return await signing_in.end(desk.session(request))

    return router


@dataclass(frozen=True)
class Kept:
    """What the browser keeps of a sign-in that is under way."""

    attempt: SignInAttempt
    return_to: str


@dataclass(frozen=True)
class SigningIn:
    """From the button to the identity provider and back, and out again."""

    desk: Desk
    identity: IdentityProvider

    async def leave(self, return_to: str, person: str) -> Response:
        """Send a browser to the identity provider, with what it has to come back with."""
        state, nonce = (secrets.token_urlsafe(32) for _ in range(2))
        attempt = SignInAttempt(state, nonce, secrets.token_urlsafe(48))
        known = PEOPLE.get(person) if self.desk.settings.sandbox_url else None
        hints = {"login_hint": known, "prompt": "none"} if known else {}
        try:
            answer = RedirectResponse(await self.identity.sign_in_url(attempt, **hints), SEE_OTHER)
        except DependencyUnavailableError:
            return _again("away", return_to)
        kept = self.desk.signing.sign(ATTEMPT, [state, nonce, attempt.verifier, return_to])
        self.desk.cookies.set(answer, ATTEMPT, kept, ATTEMPT_SECONDS)
        return answer

    def attempt_of(self, request: Request, state: str) -> Kept | None:
        """Return the sign-in that began in this browser with this state."""
        cookie = self.desk.cookies.get(request, ATTEMPT)
        kept = self.desk.signing.read(ATTEMPT, cookie, ATTEMPT_SECONDS)
        if not kept or not secrets.compare_digest(kept[0].encode(), state.encode()):
            return None
        return Kept(SignInAttempt(*kept[:3]), kept[3])

    async def come_back(self, request: Request, kept: Kept, code: str) -> Response:
        """Begin a session of who the identity provider says it is, always a new one.

        The one that the browser had before is ended: nobody would ever end it otherwise.
        """
        try:
            id_token = await self.identity.id_token(code, kept.attempt)
            wanted = NewSession(
                id_token=id_token, nonce=kept.attempt.nonce, device=_device(request)
            )
            session = await self.desk.visitors.anybody().sessions.begin(wanted)
        except (SignInRefusedError, UnauthorizedError):
            return _again("denied", kept.return_to)
        except (DependencyUnavailableError, TableSyncError):
            return _again("away", kept.return_to)
        await self._end(self.desk.session(request))
        answer = RedirectResponse(kept.return_to, SEE_OTHER)
        self.desk.cookies.set(answer, SESSION, session.session_token, SESSION_SECONDS)
        self.desk.cookies.forget(answer, ATTEMPT)
        return answer

    async def end(self, session: SecretStr | None) -> Response:
        """End a session; it is forgotten here even if auth-service cannot be told."""
        ended = await self._end(session)
        path = "/sign-in?fault=out" if ended else "/sign-in?fault=elsewhere"
        answer = RedirectResponse(path, SEE_OTHER)
        self.desk.forget_session(answer)
        return answer

    async def _end(self, session: SecretStr | None) -> bool:
        """Forget a session here, and tell auth-service; return whether it could be told."""
        if session is None:
            return True
        self.desk.visitors.forget(session)
        try:
            await self.desk.visitors.anybody().sessions.sign_out(session)
        except TableSyncError:
            return False
        return True

    async def has_sign_out(self) -> bool:
        """Whether the identity provider is known to have a sign-out of its own."""
        try:
            return await self.identity.sign_out_url() is not None
        except DependencyUnavailableError:
            return False

    async def leave_for_good(self) -> Response:
        """Send a browser where it is signed out of the identity provider, if there is a place."""
        try:
            url = await self.identity.sign_out_url()
        except DependencyUnavailableError:
            url = None
        return RedirectResponse(url, SEE_OTHER) if url else _again("away", "/")


def _again(fault: str, return_to: str) -> Response:
    query = urlencode({"fault": fault, "return_to": return_to})
    return RedirectResponse(f"/sign-in?{query}", SEE_OTHER)


def _device(request: Request) -> str:
    """Return what the browser calls itself, cut short."""
    return request.headers.get("user-agent", "")[:200]
