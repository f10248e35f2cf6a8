"""The rig of auth-service's tests: it plays browser, operator and the other services."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
from tablesync.contracts import Provider
from tablesync.contracts.event import Event
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.mongo import Database, Document
from tablesync.test_kit import NO_TLS, SandboxControl, press

Json = dict[str, Any]
PORTAL, OTHER_PORTAL = "7001", "7002"
REDIRECT = "http://127.0.0.1:1/callback"


class Rig:
    """One auth-service, seen from outside, and from one workspace of it."""

    def __init__(
        self, url: str, keys: ServiceKeys, bootstrap: Json, sandbox: SandboxControl
    ) -> None:
        self.url = url
        self.keys = keys
        self.sandbox = sandbox
        self.bootstrap = bootstrap
        self.workspace_id: str = bootstrap["workspace"]["id"]
        self._clients: list[httpx.AsyncClient] = []
        self._services: dict[str, httpx.AsyncClient] = {}
        self._operators: dict[str, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self._clients:
            await each.aclose()

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Make a client of this service: a browser with its own cookies, unless told otherwise."""
        options.setdefault("base_url", self.url)
        client = httpx.AsyncClient(timeout=60, trust_env=False, verify=NO_TLS, **options)
        self._clients.append(client)
        return client

    def service(self, name: str) -> httpx.AsyncClient:
        """Return a client that speaks as another service."""
        if name not in self._services:
            self._services[name] = self.service_at(self.url, name)
        return self._services[name]

    def service_at(self, url: str, name: str) -> httpx.AsyncClient:
        """Make a client that speaks as another service, to this or to another auth-service."""
        signer = Signer.from_file(name, self.keys.private_key_file(name))
        return self.client(auth=ServiceAuth(signer, "auth-service"), base_url=url)

    async def operator(self, role: str = "admin") -> httpx.AsyncClient:
        """Return a client that speaks as an operator of the test's workspace."""
        if role not in self._operators:
            token = await self.user_token(role)
            self._operators[role] = self.client(headers={"Authorization": f"Bearer {token}"})
        return self._operators[role]

    async def user_token(self, role: str = "admin") -> str:
        """Exchange an API token for a user token."""
        answer = await self.client().post("/v1/tokens", json={"api_token": self.api_token(role)})
        return str(answer.raise_for_status().json()["access_token"])

    def api_token(self, role: str = "admin") -> str:
        """Return the API token of the bootstrap file's operator with this role."""
        return str(self.person(role)["api_token"])

    def person(self, role: str) -> Json:
        """Return the bootstrap file's operator with this role."""
        people: list[Json] = self.bootstrap["operators"]
        return next(each for each in people if each["role"] == role)

    async def invite(self, email: str, role: str = "viewer", name: str = "Nia") -> Json:
        """Invite somebody as the workspace's admin; return the invitation."""
        admin = await self.operator("admin")
        new = {"email": email, "name": name, "role": role}
        answer = await admin.post("/v1/members", json=new)
        invitation: Json = answer.raise_for_status().json()
        return invitation

    async def invitation_link(self, invitation_id: str) -> str:
        """Make the link of an invitation's mail as notifier."""
        answer = await self.service("notifier").post(
            f"/internal/v1/invitations/{invitation_id}/links",
            json={"workspace_id": self.workspace_id},
        )
        return str(answer.raise_for_status().json()["url"])

    async def add_member(self, email: str, role: str = "viewer", name: str = "Nia") -> Json:
        """Invite somebody who accepts by the mail's link; return the member."""
        invitation = await self.invite(email, role, name)
        await press(self.client(), await self.invitation_link(invitation["id"]))
        members = (await (await self.operator("admin")).get("/v1/members")).json()["items"]
        return next(each for each in members if each["email"] == email)

    async def authorize(
        self, provider: str, connection_id: str | None = None, **given: str
    ) -> Json:
        """Go through an authorization in a browser, as the sandbox's answer says."""
        operator = await self.operator()
        body = {"provider": provider, "connection_id": connection_id, **given}
        answer = await operator.post("/v1/authorizations", json=body)
        attempt = answer.raise_for_status().json()
        page = await press(self.client(follow_redirects=True), attempt["start_url"])
        outcome = await operator.get(f"/v1/authorizations/{attempt['id']}")
        return {**outcome.raise_for_status().json(), "page": page}

    async def connect(self, provider: str = "hubspot", account: str = PORTAL) -> Json:
        """Connect an account; return the connection."""
        await self.sandbox.answer(provider, **answer_for(provider, account))
        outcome = await self.authorize(provider)
        assert outcome["status"] == "completed", outcome
        return await self.connection(outcome["connection_id"])

    async def connection(self, connection_id: str) -> Json:
        """Read a connection."""
        answer = await (await self.operator()).get(f"/v1/connections/{connection_id}")
        connection: Json = answer.raise_for_status().json()
        return connection

    async def token(
        self, connection_id: str, runner: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """Ask for an access token as sync-runner."""
        path = f"/internal/v1/connections/{connection_id}/access-token"
        runner = runner or self.service("sync-runner")
        return await runner.post(path, json={"workspace_id": self.workspace_id})

    async def report(self, connection_id: str, version: int, status_code: int = 401) -> Json:
        """Report an auth failure as sync-runner; return the ruling."""
        answer = await self.reported(connection_id, version, status_code)
        ruling: Json = answer.raise_for_status().json()
        return ruling

    async def reported(
        self, connection_id: str, version: int, status_code: int = 401
    ) -> httpx.Response:
        """Report an auth failure as sync-runner; return whatever answer there is."""
        return await self.service("sync-runner").post(
            f"/internal/v1/connections/{connection_id}/auth-failures",
            json={
                "workspace_id": self.workspace_id,
                "grant_version": version,
                "status_code": status_code,
            },
        )

    async def metric(self, name: str) -> float:
        """Return what the service says of itself by this name."""
        lines = (await self.client().get("/metrics")).text.splitlines()
        return next(float(each.split()[1]) for each in lines if each.startswith(f"{name} "))

    async def link(self, connection_id: str, role: str | None = None) -> str:
        """Make a reconnect link as notifier, for the bootstrap file's operator with this role.

        Without one it is a link as notifiers of earlier versions want it.
        """
        recipient = {"recipient_id": self.person(role)["id"]} if role else {}
        answer = await self.service("notifier").post(
            f"/internal/v1/connections/{connection_id}/reconnect-links",
            json={"workspace_id": self.workspace_id, **recipient},
        )
        return str(answer.raise_for_status().json()["url"])


async def id_token(sandbox: SandboxControl, user: str, client_id: str = "tablesync") -> str:
    """Sign in at the sandbox's issuer; return the id token."""
    await sandbox.answer("oidc", user=user, decision="allow")
    query = {
        "client_id": client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "s",
    }
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/oidc", verify=NO_TLS) as client:
        answer = await client.get("/authorize", params=query)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": client_id,
        }
        answer = await client.post("/token", data=form)
    return str(answer.raise_for_status().json()["id_token"])


async def pages_of(client: httpx.AsyncClient, path: str, limit: int) -> list[list[Json]]:
    """Read a list page by page, following its cursors."""
    pages: list[list[Json]] = []
    query: dict[str, str | int] = {"limit": limit}
    while True:
        page = (await client.get(path, params=query)).raise_for_status().json()
        pages.append(page["items"])
        if page["next_cursor"] is None:
            return pages
        query["cursor"] = page["next_cursor"]


async def stored(database: Database, collection: str, id_: str) -> Document:
    """Read a document that is there."""
    document = await database[collection].find_one({"_id": id_})
    assert document is not None, f"{collection} has no {id_}"
    return document


async def events_of(database: Database, kind: type[Event]) -> list[Json]:
    """Return what was put into the outbox of one type of event, in order."""
    rows = await database["outbox"].find({"topic": kind.topic}).sort("_id").to_list(None)
    return [
        json.loads(row["value"]) for row in rows if dict(row["headers"])["ce_type"] == kind.type
    ]


async def aged(database: Database, connection_id: str, seconds_left: float = -60.0) -> None:
    """Let the stored access token have so many seconds left by the clock."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds_left)
    await database["grants"].update_one({"_id": connection_id}, {"$set": {"expires_at": moment}})


async def cooled(database: Database, connection_id: str) -> None:
    """Let the cooldown be over: a minute of waiting proves nothing more."""
    await database["grants"].update_one({"_id": connection_id}, {"$unset": {"cooldown_until": ""}})


def answer_for(provider: str, account: str) -> Json:
    """Return the sandbox's answer for an account: at Airtable the account is the user."""
    if provider == Provider.AIRTABLE:
        return {"user": account if "@" in account else "ada@acme.test", "decision": "allow"}
    return {"user": "ada@acme.test", "account": account, "decision": "allow"}


# Starts one more auth-service in this process, over the same database.
Start = Callable[..., Awaitable[Rig]]
