"""auth-service's internal routes: one suite for the real service and for what stands in for it."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
import pytest_asyncio
from tablesync.auth_service import bootstrap
from tablesync.contracts import Account, ConnectionEvent, ConnectionStatus, Provider, new_id
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    STATES_LIMIT,
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    ConnectionNotConnected,
    ConnectionStates,
    InvitationLinkAnswer,
    InvitationLinkRequest,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
    Verdict,
)
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl, free_port, press
from tablesync.test_kit.services import InternalEdge, answer_of, problem_of
from tablesync.test_kit.stand_ins import AuthServiceStandIn

Serve = Callable[..., AbstractAsyncContextManager[str]]
PROVIDERS = (Provider.HUBSPOT, Provider.AIRTABLE)
ACCOUNTS = {Provider.HUBSPOT: "7001", Provider.AIRTABLE: "ada@acme.test"}
FOREIGN = "ws_0198f0c2-0000-7000-8000-00000000dead"
UNKNOWN = "con_0198f0c2-0000-7000-8000-00000000dead"


class World(Protocol):
    """auth-service, and hands on what it depends on; `operator` connects, `admin` is one."""

    edge: InternalEdge
    workspace_id: str
    operator_id: str
    admin_id: str

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


async def ask_token(world: World, connection_id: str, **changes: str) -> httpx.Response:
    body = AccessTokenRequest(workspace_id=changes.get("workspace_id", world.workspace_id))
    return await world.edge.post("sync-runner", f"/connections/{connection_id}/access-token", body)


async def token_of(world: World, connection_id: str) -> AccessTokenAnswer:
    return answer_of(AccessTokenAnswer, await ask_token(world, connection_id))


async def send_report(
    world: World, connection_id: str, version: int, status_code: int = 401, **changes: str
) -> httpx.Response:
    body = AuthFailureReport(
        workspace_id=changes.get("workspace_id", world.workspace_id),
        grant_version=version,
        status_code=status_code,
    )
    return await world.edge.post("sync-runner", f"/connections/{connection_id}/auth-failures", body)


async def ruling_on(
    world: World, connection_id: str, version: int, status_code: int = 401
) -> AuthFailureRuling:
    response = await send_report(world, connection_id, version, status_code)
    return answer_of(AuthFailureRuling, response)


async def lost(world: World, provider: Provider = Provider.HUBSPOT) -> tuple[str, int]:
    """Have a loss confirmed; return the connection's id and the version of its grant."""
    connection_id = await world.connect(provider)
    version = (await token_of(world, connection_id)).grant_version
    await world.lose(connection_id)
    assert (await ruling_on(world, connection_id, version)).verdict is Verdict.REVOKED
    return connection_id, version


async def page_of(world: World, **query: int) -> ConnectionStates:
    response = await world.edge.get("scheduler", "/connections", **query)
    return answer_of(ConnectionStates, response)


async def state_of(world: World, connection_id: str) -> ConnectionEvent:
    page = await page_of(world)
    (state,) = (each for each in page.items if each.connection_id == connection_id)
    return state


class AuthServiceSuite:
    """What auth-service promises its peers."""

    # access tokens

    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_a_token_is_handed_out_with_its_end_and_its_grant(
        self, world: World, provider: Provider
    ) -> None:
        connection_id = await world.connect(provider)
        given = await token_of(world, connection_id)
        again = await token_of(world, connection_id)
        assert given.token
        assert given.token == again.token
        assert given.grant_version >= 1
        assert given.account.id
        left = given.expires_at - datetime.now(UTC)
        assert given.expires_in > 60
        assert abs(left.total_seconds() - given.expires_in) < 30

    async def test_what_is_unknown_or_foreign_has_no_token(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        unknown = await ask_token(world, UNKNOWN)
        foreign = await ask_token(world, connection_id, workspace_id=FOREIGN)
        problem_of(unknown, 404, "not-found")
        problem_of(foreign, 404, "not-found")
        assert unknown.json() == foreign.json()

    async def test_a_lost_connection_refuses_and_says_why(self, world: World) -> None:
        connection_id, version = await lost(world)
        problem = problem_of(await ask_token(world, connection_id), 409, CONNECTION_NOT_CONNECTED)
        assert ConnectionNotConnected.model_validate(problem) == ConnectionNotConnected(
            connection_id=connection_id,
            connection_status=ConnectionStatus.REVOKED,
            cause="app_uninstalled",
            grant_version=version,
        )

    async def test_a_connection_that_an_operator_disconnected_refuses(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        await world.disconnect(connection_id)
        problem = problem_of(await ask_token(world, connection_id), 409, CONNECTION_NOT_CONNECTED)
        assert (problem["connection_status"], problem["cause"]) == ("disconnected", "operator")

    async def test_after_a_reconnect_the_token_is_of_a_newer_grant(self, world: World) -> None:
        connection_id, version = await lost(world)
        assert await world.connect(Provider.HUBSPOT) == connection_id
        assert (await token_of(world, connection_id)).grant_version > version

    # auth-failure reports

    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_a_loss_is_confirmed(self, world: World, provider: Provider) -> None:
        connection_id, version = await lost(world, provider)
        again = await ruling_on(world, connection_id, version)
        assert again == AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=version)

    @pytest.mark.parametrize("provider", PROVIDERS)
    async def test_an_expired_token_is_replaced_and_older_reports_are_stale(
        self, world: World, provider: Provider
    ) -> None:
        connection_id = await world.connect(provider)
        before = await token_of(world, connection_id)
        await world.expire(connection_id)
        ruling = await ruling_on(world, connection_id, before.grant_version)
        after = await token_of(world, connection_id)
        late = await ruling_on(world, connection_id, before.grant_version)
        version = before.grant_version + 1
        assert ruling == AuthFailureRuling(verdict=Verdict.RECOVERED, grant_version=version)
        assert late == AuthFailureRuling(verdict=Verdict.STALE, grant_version=version)
        assert (after.grant_version, after.token != before.token) == (version, True)

    async def test_a_forbidden_object_says_nothing_of_the_grant(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        version = (await token_of(world, connection_id)).grant_version
        await world.leave_working(connection_id)
        ruling = await ruling_on(world, connection_id, version, 403)
        assert ruling == AuthFailureRuling(verdict=Verdict.NOT_CONFIRMED, grant_version=version)
        assert (await token_of(world, connection_id)).grant_version == version

    async def test_a_provider_that_is_away_confirms_nothing(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        version = (await token_of(world, connection_id)).grant_version
        await world.be_away(connection_id)
        ruling = await ruling_on(world, connection_id, version)
        assert (ruling.verdict, ruling.grant_version) == (Verdict.INCONCLUSIVE, version)
        assert ruling.retry_after
        assert ruling.retry_after > 0
        assert (await state_of(world, connection_id)).status is ConnectionStatus.CONNECTED

    async def test_a_report_of_an_older_grant_of_a_lost_connection_says_revoked(
        self, world: World
    ) -> None:
        connection_id, version = await lost(world)
        assert (await ruling_on(world, connection_id, version - 1)).verdict is Verdict.REVOKED

    async def test_what_is_unknown_or_foreign_has_no_ruling(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        foreign = await send_report(world, connection_id, 1, workspace_id=FOREIGN)
        problem_of(await send_report(world, UNKNOWN, 1), 404, "not-found")
        problem_of(foreign, 404, "not-found")

    # mails

    async def test_a_reconnect_link_is_fresh_and_lives_seven_days(self, world: World) -> None:
        connection_id, _ = await lost(world)
        path, body = f"/connections/{connection_id}/reconnect-links", request_for_link(world)
        first, second = [
            answer_of(ReconnectLinkAnswer, await world.edge.post("notifier", path, body))
            for _ in range(2)
        ]
        assert first.url != second.url
        assert "/reconnect/" in first.url
        left = first.expires_at - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7, minutes=1)

    async def test_what_is_unknown_has_no_link(self, world: World) -> None:
        path = f"/connections/{UNKNOWN}/reconnect-links"
        answer = await world.edge.post("notifier", path, request_for_link(world))
        problem_of(answer, 404, "not-found")

    async def test_an_invitations_mail_is_told_what_to_say_with_a_fresh_link(
        self, world: World
    ) -> None:
        invitation_id = await world.invite("grace@acme.test", "Grace")
        path, body = f"/invitations/{invitation_id}/links", request_for_invitation(world)
        first, second = [
            answer_of(InvitationLinkAnswer, await world.edge.post("notifier", path, body))
            for _ in range(2)
        ]
        assert first.url != second.url
        assert "/invitations/" in first.url
        assert first.model_copy(update={"url": second.url}) == second
        assert (first.email, first.name, first.role) == ("grace@acme.test", "Grace", "operator")
        assert first.workspace_name
        assert first.invited_by.email
        left = first.expires_at - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7, minutes=1)
        await world.withdraw(invitation_id)

    async def test_what_is_withdrawn_foreign_or_unknown_is_no_invitation(
        self, world: World
    ) -> None:
        invitation_id = await world.invite("grace@acme.test", "Grace")
        path, body = f"/invitations/{invitation_id}/links", request_for_invitation(world)
        foreign = InvitationLinkRequest(workspace_id=FOREIGN)
        problem_of(await world.edge.post("notifier", path, foreign), 404, "not-found")
        await world.withdraw(invitation_id)
        problem_of(await world.edge.post("notifier", path, body), 404, "not-found")
        unknown = await world.edge.post("notifier", "/invitations/inv_unknown/links", body)
        problem_of(unknown, 404, "not-found")

    async def test_a_connections_owner_is_told_first_and_then_admins(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        path = f"/connections/{connection_id}/recipients"
        answer = await world.edge.get("notifier", path, workspace_id=world.workspace_id)
        found = answer_of(Recipients, answer).items
        assert [each.operator_id for each in found] == [world.operator_id, world.admin_id]
        assert [each.role for each in found] == ["operator", "admin"]
        foreign = await world.edge.get("notifier", path, workspace_id=FOREIGN)
        problem_of(foreign, 404, "not-found")

    async def test_a_workspaces_admins_are_told_and_an_owner_before_them(
        self, world: World
    ) -> None:
        path = f"/workspaces/{world.workspace_id}/recipients"

        async def told(**query: str) -> list[str]:
            answer = await world.edge.get("notifier", path, **query)
            return [each.operator_id for each in answer_of(Recipients, answer).items]

        assert await told() == [world.admin_id]
        assert await told(owner_id=world.operator_id) == [world.operator_id, world.admin_id]
        assert await told(owner_id=world.admin_id) == [world.admin_id]
        assert await told(owner_id="op_of_nobody") == [world.admin_id]

    async def test_an_unknown_workspace_has_no_recipients(self, world: World) -> None:
        answer = await world.edge.get("notifier", f"/workspaces/{FOREIGN}/recipients")
        problem_of(answer, 404, "not-found")

    # connection states

    async def test_a_state_is_what_a_connections_event_would_say(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        before = await state_of(world, connection_id)
        assert (before.status, before.cause) == (ConnectionStatus.CONNECTED, None)
        assert (before.workspace_id, before.owner_id) == (world.workspace_id, world.operator_id)
        assert before.grant_version == (await token_of(world, connection_id)).grant_version
        await world.lose(connection_id)
        await ruling_on(world, connection_id, before.grant_version)
        after = await state_of(world, connection_id)
        assert (after.status, after.cause) == (ConnectionStatus.REVOKED, "app_uninstalled")
        assert after.sequence > before.sequence
        assert after.changed_at >= before.changed_at
        assert after.grant_version == before.grant_version

    async def test_a_refresh_is_no_change_of_a_connections_state(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        before = await state_of(world, connection_id)
        await world.expire(connection_id)
        await ruling_on(world, connection_id, before.grant_version)
        after = await state_of(world, connection_id)
        assert (after.sequence, after.status) == (before.sequence, before.status)
        assert after.grant_version == before.grant_version + 1

    async def test_pages_follow_each_other_until_all_was_told(self, world: World) -> None:
        connected = [await world.connect(each) for each in PROVIDERS]
        everything = (await page_of(world)).items
        sequences = [each.sequence for each in everything]
        assert sequences == sorted(sequences)
        found, since = list[ConnectionEvent](), 0
        while True:
            page = await page_of(world, since_sequence=since, limit=1)
            found += page.items
            following = page.next_since(since, 1)
            if following is None:
                break
            since = following
        assert found == list(everything)
        assert {each.connection_id for each in found} >= set(connected)

    async def test_only_what_changed_since_is_told(self, world: World) -> None:
        first, second = [await world.connect(each) for each in PROVIDERS]
        older = await state_of(world, first)
        newer = await state_of(world, second)
        told = (await page_of(world, since_sequence=older.sequence)).items
        assert second in {each.connection_id for each in told}
        assert first not in {each.connection_id for each in told}
        assert (await page_of(world, since_sequence=newer.sequence)).items == ()

    @pytest.mark.parametrize(
        "query", [{"limit": 0}, {"limit": STATES_LIMIT + 1}, {"since_sequence": -1}]
    )
    async def test_a_page_has_bounds(self, world: World, query: dict[str, int]) -> None:
        answer = await world.edge.get("scheduler", "/connections", **query)
        problem_of(answer, 422, "invalid-request")

    # who may ask, and how

    @pytest.mark.parametrize(
        ("method", "path", "admitted"),
        [
            ("POST", f"/connections/{UNKNOWN}/access-token", {"sync-runner"}),
            ("POST", f"/connections/{UNKNOWN}/auth-failures", {"sync-runner"}),
            ("POST", f"/connections/{UNKNOWN}/reconnect-links", {"notifier"}),
            ("POST", "/invitations/inv_unknown/links", {"notifier"}),
            ("GET", f"/connections/{UNKNOWN}/recipients", {"notifier"}),
            ("GET", f"/workspaces/{FOREIGN}/recipients", {"notifier"}),
            ("GET", "/connections", {"scheduler", "sync-runner", "notifier"}),
        ],
    )
    async def test_only_those_who_may_ask_are_answered(
        self, world: World, method: str, path: str, admitted: set[str]
    ) -> None:
        body = {"workspace_id": FOREIGN, "grant_version": 1}
        for caller in ("auth-service", "scheduler", "sync-runner", "notifier"):
            answer = (
                await world.edge.post(caller, path, body)
                if method == "POST"
                else await world.edge.get(caller, path, workspace_id=FOREIGN)
            )
            if caller in admitted:
                assert answer.status_code in (200, 404), caller
            else:
                problem_of(answer, 403, "forbidden")
        problem_of(await world.edge.ask_as_nobody(method, path), 401, "unauthorized")

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("access-token", {}),
            ("access-token", {"workspace_id": ""}),
            ("auth-failures", {"workspace_id": "ws_1"}),
            ("auth-failures", {"workspace_id": "ws_1", "grant_version": -1}),
            ("auth-failures", {"workspace_id": "ws_1", "grant_version": 1, "status_code": 700}),
        ],
    )
    async def test_a_body_that_breaks_the_contract_is_refused(
        self, world: World, path: str, body: dict[str, Any]
    ) -> None:
        answer = await world.edge.post("sync-runner", f"/connections/{UNKNOWN}/{path}", body)
        problem_of(answer, 422, "invalid-request")

    async def test_members_of_a_later_version_are_ignored(self, world: World) -> None:
        connection_id = await world.connect(Provider.HUBSPOT)
        body = {"workspace_id": world.workspace_id, "purpose": "later"}
        path = f"/connections/{connection_id}/access-token"
        answer_of(AccessTokenAnswer, await world.edge.post("sync-runner", path, body))


def request_for_link(world: World) -> ReconnectLinkRequest:
    return ReconnectLinkRequest(workspace_id=world.workspace_id)


def request_for_invitation(world: World) -> InvitationLinkRequest:
    return InvitationLinkRequest(workspace_id=world.workspace_id)


# the stand-in


class StandInWorld:
    """The stand-in, told what it would find out."""

    def __init__(self, auth: AuthServiceStandIn, edge: InternalEdge) -> None:
        self.edge = edge
        self.workspace_id, self.operator_id, self.admin_id = new_id("ws"), "op_1", "op_2"
        self._auth = auth
        operator = Recipient(operator_id="op_1", email="o@x.test", name="O", role="operator")
        admin = Recipient(operator_id="op_2", email="a@x.test", name="A", role="admin")
        auth.members[self.workspace_id] = [admin, operator]

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


class TestStandIn(AuthServiceSuite):
    """The stand-in promises the same."""

    @pytest_asyncio.fixture
    async def world(self, service_keys: ServiceKeys) -> AsyncIterator[StandInWorld]:
        async with (
            AuthServiceStandIn(service_keys.trusted_keys_file) as auth,
            InternalEdge("auth-service", auth.url, service_keys) as edge,
        ):
            yield StandInWorld(auth, edge)


# the real service


class RealWorld:
    """The real service, over the sandbox's providers; an operator uses its public routes."""

    def __init__(
        self, url: str, content: dict[str, Any], sandbox: SandboxControl, edge: InternalEdge
    ) -> None:
        people = {each["role"]: each for each in content["operators"]}
        self.edge = edge
        self.workspace_id = content["workspace"]["id"]
        self.operator_id, self.admin_id = people["operator"]["id"], people["admin"]["id"]
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


@pytest.fixture(scope="module")
def first_workspace(
    service_keys: ServiceKeys, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A workspace whose operator may use the API too: the file, and what it says."""
    content = service_keys.bootstrap()
    for each in content["operators"]:
        each["api_token"] = secrets.token_urlsafe(32)
    file = tmp_path_factory.mktemp("auth-service") / "bootstrap.json"
    file.write_text(json.dumps(content))
    return file, content


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auth_service(
    serve: Serve,
    own_databases: dict[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
    first_workspace: tuple[Path, dict[str, Any]],
) -> AsyncIterator[str]:
    """Serve the API of the real auth-service, without Kafka, and return its URL."""
    port = free_port()
    async with serve(
        bootstrap,
        "auth-service",
        "api",
        **own_databases,
        http_port=port,
        auth_public_url=f"http://127.0.0.1:{port}",
        auth_encryption_keys_file=service_keys.encryption_keys_file,
        auth_bootstrap_file=first_workspace[0],
        auth_hubspot_client_id="sandbox-hubspot",
        auth_hubspot_client_secret="sandbox-hubspot-secret",
        auth_airtable_client_id="sandbox-airtable",
        auth_airtable_client_secret="sandbox-airtable-secret",
        hubspot_api_url=f"{sandbox_url}/hubspot",
        hubspot_app_url=f"{sandbox_url}/hubspot",
        airtable_web_url=f"{sandbox_url}/airtable",
        airtable_api_url=f"{sandbox_url}/airtable",
        scheduler_url=f"http://127.0.0.1:{free_port()}",
    ) as url:
        yield url


class TestRealService(AuthServiceSuite):
    """The service itself promises it."""

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
