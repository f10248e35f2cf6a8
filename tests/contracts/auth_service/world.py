"""auth-service, real or stood in for, as its peers see it, and hands on what it depends on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest_asyncio
from tablesync.contracts import Account, Provider, new_id
from tablesync.contracts.internal_api import Recipient, Verdict
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl, press
from tablesync.test_kit.services import InternalEdge
from tablesync.test_kit.stand_ins import AuthServiceStandIn

PROVIDERS = (Provider.HUBSPOT, Provider.AIRTABLE)
FOREIGN = "ws_0198f0c2-0000-7000-8000-00000000dead"
UNKNOWN = "con_0198f0c2-0000-7000-8000-00000000dead"
ACCOUNTS = {Provider.HUBSPOT: "7001", Provider.AIRTABLE: "ada@acme.test"}


class World(Protocol):
    """auth-service, and hands on what it depends on; `operator` connects, the others are ones."""

    edge: InternalEdge
    workspace_id: str
    operator_id: str
    admin_id: str
    viewer_id: str

    async def connect(self, provider: Provider) -> str:
        """Connect an account, or connect it again; return the connection's id."""

    async def disconnect(self, connection_id: str) -> None:
        """Do as an operator does who disconnects."""

    async def lose(self, connection_id: str) -> None:
        """Have the provider end the grant; nobody has told auth-service."""

    async def expire(self, connection_id: str) -> None:
        """Have the provider refuse the access token, and nothing else."""

    async def leave_working(self, connection_id: str) -> None:
        """Have the provider accept the access token."""

    async def be_away(self, connection_id: str) -> None:
        """Have the provider fail whoever asks it."""

    async def invite(self, email: str, name: str) -> str:
        """Invite somebody as the admin; return the invitation's id."""

    async def withdraw(self, invitation_id: str) -> None:
        """Take an invitation back."""


class StandInWorld:
    """The stand-in, told what it would find out."""

    def __init__(self, auth: AuthServiceStandIn, edge: InternalEdge) -> None:
        self.edge = edge
        self.workspace_id = new_id("ws")
        self.operator_id, self.admin_id, self.viewer_id = "op_1", "op_2", "op_3"
        self._auth = auth
        operator = Recipient(operator_id="op_1", email="o@x.test", name="O", role="operator")
        admin = Recipient(operator_id="op_2", email="a@x.test", name="A", role="admin")
        viewer = Recipient(operator_id="op_3", email="v@x.test", name="V", role="viewer")
        auth.members[self.workspace_id] = [admin, operator, viewer]

    async def connect(self, provider: Provider) -> str:
        connection_id = f"con_{provider}"
        if connection_id in self._auth.connections:
            await self._auth.reconnect(connection_id)
        else:
            account = Account(id=ACCOUNTS[provider], name="Acme")
            self._auth.connect(
                connection_id, self.workspace_id, provider, account, owner_id=self.operator_id
            )
        return connection_id

    async def disconnect(self, connection_id: str) -> None:
        self._auth.disconnect(connection_id)

    async def lose(self, _: str) -> None:
        self._auth.verdicts.append(Verdict.REVOKED)

    async def expire(self, _: str) -> None:
        self._auth.verdicts.append(Verdict.RECOVERED)

    async def leave_working(self, _: str) -> None:
        self._auth.verdicts.append(Verdict.NOT_CONFIRMED)

    async def be_away(self, _: str) -> None:
        self._auth.verdicts.append(Verdict.INCONCLUSIVE)

    async def invite(self, email: str, name: str) -> str:
        self._auth.invite(self.workspace_id, "inv_1", email=email, name=name)
        return "inv_1"

    async def withdraw(self, invitation_id: str) -> None:
        self._auth.withdraw(self.workspace_id, invitation_id)


class RealWorld:
    """The real service, over the sandbox's providers; an operator uses its public routes."""

    def __init__(
        self, url: str, content: dict[str, Any], sandbox: SandboxControl, edge: InternalEdge
    ) -> None:
        people = {each["role"]: each for each in content["operators"]}
        self.edge = edge
        self.workspace_id = content["workspace"]["id"]
        self.operator_id, self.admin_id, self.viewer_id = (
            people[role]["id"] for role in ("operator", "admin", "viewer")
        )
        self._api_tokens = {role: people[role]["api_token"] for role in ("operator", "admin")}
        self._sandbox = sandbox
        self._http = httpx.AsyncClient(
            base_url=url, follow_redirects=True, timeout=30, trust_env=False
        )

    async def sign_in(self) -> None:
        self._http.headers.update(await self._signed("operator"))

    async def _signed(self, role: str) -> dict[str, str]:
        body = {"api_token": self._api_tokens[role]}
        answer = await self._http.post("/v1/tokens", json=body)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    async def close(self) -> None:
        await self._http.aclose()

    async def connect(self, provider: Provider) -> str:
        choice = {"account": "7001"} if provider is Provider.HUBSPOT else {}
        await self._sandbox.answer(provider, user="ada@acme.test", decision="allow", **choice)
        attempt = (await self._http.post("/v1/authorizations", json={"provider": provider})).json()
        await press(self._http, attempt["start_url"])
        outcome = (await self._http.get(f"/v1/authorizations/{attempt['id']}")).json()
        assert outcome["status"] == "completed", outcome
        return str(outcome["connection_id"])

    async def disconnect(self, connection_id: str) -> None:
        answer = await self._http.post(f"/v1/connections/{connection_id}/disconnect")
        answer.raise_for_status()

    async def lose(self, connection_id: str) -> None:
        provider, account = await self._account(connection_id)
        action = "uninstall" if provider is Provider.HUBSPOT else "revoke"
        await self._sandbox.control(provider, account, action)

    async def expire(self, connection_id: str) -> None:
        provider, account = await self._account(connection_id)
        await self._sandbox.control(provider, account, "expire")

    async def leave_working(self, connection_id: str) -> None:
        assert await self._account(connection_id)

    async def be_away(self, connection_id: str) -> None:
        provider, account = await self._account(connection_id)
        await self._sandbox.control(provider, account, "break", status=503)

    async def invite(self, email: str, name: str) -> str:
        body = {"email": email, "name": name, "role": "operator"}
        signed = await self._signed("admin")
        answer = await self._http.post("/v1/members", json=body, headers=signed)
        return str(answer.raise_for_status().json()["id"])

    async def withdraw(self, invitation_id: str) -> None:
        path, signed = f"/v1/invitations/{invitation_id}", await self._signed("admin")
        (await self._http.delete(path, headers=signed)).raise_for_status()

    async def _account(self, connection_id: str) -> tuple[Provider, str]:
        shown = (await self._http.get(f"/v1/connections/{connection_id}")).json()
        return Provider(shown["provider"]), shown["account"]["id"]


class OnStandIn:
    """Has a suite run against the stand-in."""

    @pytest_asyncio.fixture
    async def world(self, service_keys: ServiceKeys) -> AsyncIterator[StandInWorld]:
        async with (
            AuthServiceStandIn(service_keys.trusted_keys_file) as auth,
            InternalEdge("auth-service", auth.url, service_keys) as edge,
        ):
            yield StandInWorld(auth, edge)


class OnRealService:
    """Has a suite run against the real service."""

    @pytest_asyncio.fixture
    async def world(
        self,
        auth_service: str,
        first_workspace: tuple[Path, dict[str, Any]],
        sandbox: SandboxControl,
        service_keys: ServiceKeys,
    ) -> AsyncIterator[RealWorld]:
        async with InternalEdge("auth-service", auth_service, service_keys) as edge:
            world = RealWorld(auth_service, first_workspace[1], sandbox, edge)
            await world.sign_in()
            yield world
            await world.close()
