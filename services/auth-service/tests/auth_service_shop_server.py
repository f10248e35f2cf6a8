"""The shops and the lists of the test-only providers, over real HTTP on loopback."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from auth_service_shops import CLIENT_ID, CLIENT_SECRET, LOGIN, signature
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from tablesync.test_kit import free_port

REFUSED = JSONResponse({"error": "invalid_request"}, 401)
AWAY = JSONResponse({"error": "unavailable"}, 503, headers={"Retry-After": "1"})


@dataclass
class Site:
    """One host: who signs in there, the tokens that it has given, and how it fails.

    One that `keeps` its refresh token does not repeat it at a refresh (RFC 6749, section 6).

    `asked` counts how often it was asked who it is.

    The refresh token `previous` may be sent again until its successor `current` is used.
    """

    account: str
    lasting: bool = False
    keeps: bool = False
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    current: str = ""
    previous: str = ""
    refreshes: int = 0
    asked: int = 0
    is_away: bool = False
    denies: bool = False
    answers_lost: int = 0

    def expire(self) -> None:
        """Let all access tokens be over."""
        self.access.clear()

    def withdraw(self) -> None:
        """End everything, as whoever removes the app does."""
        self.access.clear()
        self.current = self.previous = ""

    def code(self, challenge: str) -> str:
        """Give out a code for the account that is signed in."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = (challenge, self.account)
        return code

    def redeem(self, code: str, verifier: str) -> dict[str, Any] | None:
        """Return tokens for a code, None for a bad one; earlier refresh tokens are void."""
        challenge, account = self.codes.pop(code, ("", ""))
        if challenge != _s256(verifier):
            return None
        self.previous = ""
        return self._tokens(account)

    def refresh(self, refresh_token: str) -> dict[str, Any] | None:
        """Return new tokens for the current refresh token, or again for the one before it."""
        if not refresh_token or refresh_token not in (self.current, self.previous):
            return None
        self.refreshes += 1
        self.previous = refresh_token
        return self._tokens(self.account)

    def _tokens(self, account: str) -> dict[str, Any]:
        access = secrets.token_urlsafe(16)
        self.access[access] = account
        if self.lasting:
            return {"access_token": access, "expires_in": 0, "scope": None}
        if self.keeps and self.current:
            return {"access_token": access, "expires_in": 3_600}
        self.current = secrets.token_urlsafe(16)
        return {"access_token": access, "refresh_token": self.current, "expires_in": 3_600}


class ShopServer:
    """All sites, made when they are first asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._sites: dict[str, Site] = {}
        self.app = Starlette(
            routes=[
                Route("/{host}/authorize", self._authorize),
                Route("/{host}/token", self._token, methods=["POST"]),
                Route("/{host}/account", self._account),
                Route("/{host}/metadata", self._metadata),
            ]
        )

    def site(self, host: str) -> Site:
        """Return what is at a host."""
        return self._sites.setdefault(host, Site(account=f"{host} 1", lasting=host == LOGIN))

    def reset(self) -> None:
        """Forget all sites."""
        self._sites.clear()

    async def _authorize(self, request: Request) -> Response:
        """Allow or deny at once, and say so with a signature."""
        host, asked = request.path_params["host"], request.query_params
        site = self.site(host)
        told = {"code": site.code(asked["code_challenge"])}
        answer = {
            **({"error": "access_denied"} if site.denies else told),
            "shop": host,
            "state": asked["state"],
            "timestamp": str(int(time.time())),
        }
        signed = urlencode({**answer, "hmac": signature(answer.items())})
        return RedirectResponse(f"{asked['redirect_uri']}?{signed}", 302)

    async def _token(self, request: Request) -> Response:
        site, form = self._asked(request), dict(parse_qsl((await request.body()).decode()))
        if site.is_away:
            return AWAY
        assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        if form["grant_type"] == "refresh_token":
            tokens = site.refresh(form["refresh_token"])
        else:
            tokens = site.redeem(form["code"], form["code_verifier"])
        if tokens and site.answers_lost:
            site.answers_lost -= 1
            return AWAY
        return JSONResponse(tokens) if tokens else REFUSED

    async def _account(self, request: Request) -> Response:
        site = self._asked(request)
        site.asked += 1
        account = site.access.get(_bearer(request))
        if site.is_away:
            return AWAY
        return JSONResponse(self._told(request, account)) if account else REFUSED

    async def _metadata(self, request: Request) -> Response:
        site = self._asked(request)
        account = site.access.get(_bearer(request))
        if site.is_away:
            return AWAY
        told = self._told(request, account) if account else {"error": "invalid_token"}
        return JSONResponse(told)

    def _asked(self, request: Request) -> Site:
        return self.site(request.path_params["host"])

    def _told(self, request: Request, account: str) -> dict[str, str]:
        endpoint = f"{self.url}/{request.path_params['host']}"
        return {"id": account, "name": f"Shop {account}", "endpoint": endpoint}


@contextmanager
def serving_shops() -> Iterator[ShopServer]:
    """Yield a server that runs beside the tests, so that nothing they wait for keeps it waiting."""
    port = free_port()
    shops = ShopServer(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(shops.app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield shops
    server.should_exit = True
    thread.join()


def _bearer(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
