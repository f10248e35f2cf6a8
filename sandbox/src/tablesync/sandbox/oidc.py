"""An OIDC issuer: authorization code flow with PKCE, and ID tokens signed with RS256."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from .clock import now
from .ids import opaque
from .oauth.answers import AnswerBook
from .oauth.codes import AuthorizationCode, CodeStore, verifier_matches
from .oauth.redirects import is_registered, redirect
from .oauth.sign_in import SIGN_IN_FAILURES, refusal_page, sign_in_page
from .people import OIDC_PEOPLE, Person
from .settings import Settings
from .web import Refusal, json_answer

TOKEN_SECONDS = 3600
_ALGORITHM = "RS256"
_KEY_ID = "sandbox-1"


class OidcIssuer:
    """The issuer's state and routes; it takes any client id, secret or not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.issuer = settings.issuer
        self._key = RSAKey.generate_key(2048, {"kid": _KEY_ID, "use": "sig"})
        self.reset()

    def reset(self) -> None:
        """Forget codes, tokens and the auto-answer; the signing key stays."""
        self.codes = CodeStore()
        self.answers = AnswerBook()
        self.failing_sign_ins: dict[str, str] = {}
        self._tokens: dict[str, Person] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the issuer's routes."""
        return [
            web.get("/oidc/.well-known/openid-configuration", self.configuration),
            web.get("/oidc/jwks", self.jwks),
            web.get("/oidc/authorize", self.show),
            web.post("/oidc/authorize", self.act),
            web.post("/oidc/token", self.token),
            web.get("/oidc/userinfo", self.userinfo),
            web.post("/oidc/userinfo", self.userinfo),
        ]

    async def configuration(self, _: web.Request) -> web.Response:
        """Return the discovery document."""
        return json_answer(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self._settings.base_url}/oidc/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "prompt_values_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [_ALGORITHM],
                "scopes_supported": ["openid", "email", "profile"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "none",
                ],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        """Return the public signing key."""
        public = self._key.as_dict(private=False)
        return json_answer({"keys": [{**public, "alg": _ALGORITHM}]})

    async def show(self, request: web.Request) -> web.Response:
        """Show the sign-in page, or answer for the person if a script said how."""
        if trouble := self._trouble(request.query):
            return refusal_page("oidc", "Signing in failed", trouble, 400)
        answer = self.answers.take()
        if answer is None:
            return self._ask(request)
        if answer.decision == "deny" or answer.user not in OIDC_PEOPLE:
            raise self._deny(request.query)
        raise self._allow(request.query, answer.user)

    def _ask(self, request: web.Request) -> web.Response:
        """Show the page, unless none is wanted: then whoever is named has signed in before."""
        if "none" not in request.query.get("prompt", "").split():
            return _sign_in(request)
        user = request.query.get("login_hint", "")
        if user not in OIDC_PEOPLE:
            raise self._deny(request.query, "login_required")
        raise self._allow(request.query, user)

    async def act(self, request: web.Request) -> web.Response:
        """Take what the person clicked."""
        if trouble := self._trouble(request.query):
            return refusal_page("oidc", "Signing in failed", trouble, 400)
        form = await request.post()
        if form.get("step") == "cancel":
            raise self._deny(request.query)
        user = str(form.get("user"))
        if user not in OIDC_PEOPLE:
            return _sign_in(request, "There is no such user.")
        if failure := self.failing_sign_ins.get(user):
            return _sign_in(request, SIGN_IN_FAILURES[failure])
        raise self._allow(request.query, user)

    def _trouble(self, query: Mapping[str, str]) -> str:
        uri = query.get("redirect_uri", "")
        if not query.get("client_id"):
            return "The client id is missing."
        if not is_registered(uri, self._settings.extra_redirect_uris):
            return "The redirect URI is not registered."
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            return "The response type has to be code, and the scope has to contain openid."
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return "The code challenge method has to be S256."
        return ""

    def _allow(self, query: Mapping[str, str], user: str) -> web.HTTPFound:
        code = self.codes.issue(query, user, user, tuple(query["scope"].split()))
        return redirect(query["redirect_uri"], {"code": code, **self._echo(query)})

    def _deny(self, query: Mapping[str, str], error: str = "access_denied") -> web.HTTPFound:
        return redirect(query["redirect_uri"], {"error": error, **self._echo(query)})

    def _echo(self, query: Mapping[str, str]) -> dict[str, str]:
        state = {"state": query["state"]} if "state" in query else {}
        return {**state, "iss": self.issuer}

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code for an access token and an ID token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id = _client_id(request, form)
        code = self.codes.burn(form.get("code", ""))
        if form.get("grant_type") != "authorization_code":
            raise Refusal(400, {"error": "unsupported_grant_type"})
        if (
            code is None
            or code.client_id != client_id
            or code.redirect_uri != form.get("redirect_uri")
            or (code.challenge
                and not verifier_matches(form.get("code_verifier", ""), code.challenge))
        ):  # fmt: skip
            raise Refusal(400, {"error": "invalid_grant"})
        access = opaque()
        self._tokens[access] = OIDC_PEOPLE[code.user]
        body = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": " ".join(code.scopes),
            "id_token": self._id_token(code),
        }
        return json_answer(body, headers={"cache-control": "no-store"})

    def _id_token(self, code: AuthorizationCode) -> str:
        issued = int(now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": code.client_id,
            "iat": issued,
            "exp": issued + TOKEN_SECONDS,
            "auth_time": issued,
            **_claims(OIDC_PEOPLE[code.user]),
        }
        if code.nonce:
            claims["nonce"] = code.nonce
        header = {"alg": _ALGORITHM, "kid": _KEY_ID}
        return jwt.encode(header, claims, self._key, algorithms=[_ALGORITHM])

    async def userinfo(self, request: web.Request) -> web.Response:
        """Return who the access token belongs to."""
        value = request.headers.get("authorization", "").removeprefix("Bearer ")
        person = self._tokens.get(value)
        if person is None:
            raise Refusal(401, {"error": "invalid_token"}, {"www-authenticate": "Bearer"})
        return json_answer(_claims(person))


def _claims(person: Person) -> dict[str, Any]:
    return {
        "sub": person.email.partition("@")[0],
        "email": person.email,
        "email_verified": True,
        "name": person.name,
    }


def _client_id(request: web.Request, form: Mapping[str, str]) -> str:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", "")
    try:
        return base64.b64decode(encoded).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(401, {"error": "invalid_client"}) from None


def _sign_in(request: web.Request, wrong: str = "") -> web.Response:
    return sign_in_page(request, "oidc", OIDC_PEOPLE.values(), wrong)
