"""Calls to a real auth-service: tokens that end, problems, and changes whose answer is lost."""

import asyncio
from urllib.parse import urlsplit

import pytest
from auth_service_rig import id_token
from client_instruments import AuthService, Connect, answering
from pydantic import SecretStr
from tablesync.client import (
    ApiToken,
    AwayError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProblemError,
    SessionToken,
    TableSync,
    UnauthorizedError,
    UnconfirmedError,
)
from tablesync.client.credentials import Exchange
from tablesync.contracts.public_api.people import (
    Credentials,
    MemberEdit,
    NewApiToken,
    NewMember,
    NewSession,
    Role,
    UserToken,
)
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.service_auth import Signer
from tablesync.test_kit import SandboxControl
from tcp_gate import gate_to


class FirstExpired(ApiToken):
    """An API token whose first user token has expired by the time that it is used."""

    def __init__(self, secret: str, signer: Signer) -> None:
        super().__init__(secret)
        self.exchanged = 0
        self._signer = signer

    def use(self, exchange: Exchange) -> None:
        async def one(sent: Credentials) -> UserToken:
            self.exchanged += 1
            good = await exchange(sent)
            expired = self._signer.sign({"aud": "tablesync"}, lifetime_seconds=-3600)
            return good if self.exchanged > 1 else good.model_copy(update={"access_token": expired})

        super().use(one)


async def test_a_token_that_has_expired_is_exchanged_anew(
    connect: Connect, auth_service: AuthService, service_keys: ServiceKeys
) -> None:
    signer = Signer.from_file("auth-service", service_keys.private_key_file("auth-service"))
    credentials = FirstExpired(auth_service.tokens["operator"], signer)
    tablesync = await connect(credentials)

    assert (await tablesync.members.workspace()).id == auth_service.workspace_id
    await tablesync.members.workspace()
    assert credentials.exchanged == 2


async def test_a_session_serves_as_an_api_token_does_until_it_is_ended(
    connect: Connect, auth_service: AuthService, sandbox: SandboxControl
) -> None:
    told = SecretStr(await id_token(sandbox, "viewer@example.test"))
    begun = await (await connect()).sessions.begin(NewSession(id_token=told, device="a test"))
    secret = SecretStr(begun.session_token)
    credentials = SessionToken(secret, auth_service.workspace_id)
    tablesync = await connect(credentials)

    assert (await tablesync.members.workspace()).id == auth_service.workspace_id
    assert (await credentials.signed_in()).role == Role.VIEWER
    await tablesync.sessions.sign_out(secret)
    credentials.forget()
    with pytest.raises(UnauthorizedError):
        await tablesync.members.workspace()


async def ask_for(tablesync: TableSync, what: str) -> object:
    """Ask for something that is refused."""
    if what == "somebody new":
        return await tablesync.members.invite(
            NewMember(email="a@b.test", name="A", role=Role.VIEWER)
        )
    if what == "no admin":
        admin = await anext(each async for each in tablesync.members.all() if each.role == "admin")
        return await tablesync.members.change(admin.operator_id, MemberEdit(role=Role.VIEWER))
    if what == "something unknown":
        return await tablesync.connections.get("con_unknown")
    return await tablesync.connections.page(cursor="x")


@pytest.mark.parametrize(
    ("role", "what", "kind"),
    [
        ("viewer", "somebody new", ForbiddenError),
        ("viewer", "something unknown", NotFoundError),
        ("admin", "no admin", ConflictError),
        ("viewer", "a page of nothing", InvalidError),
    ],
)
async def test_a_problem_is_sorted_by_what_helps(
    connect: Connect, auth_service: AuthService, role: str, what: str, kind: type[ProblemError]
) -> None:
    with pytest.raises(ProblemError) as caught:
        await ask_for(await connect(ApiToken(auth_service.tokens[role])), what)
    error = caught.value
    assert type(error) is kind
    assert error.problem.detail
    assert error.problem.type.startswith("urn:tablesync:problem:")
    named = [each.field for each in error.problem.errors]
    assert named == (["cursor"] if kind is InvalidError else [])
    assert all(each.remedy and each.remedy in str(error) for each in error.problem.errors)


@pytest.mark.parametrize("id_", ["\0", "a?limit=1", "a#b", "%2e", "..", " ", "ü" * 300])
async def test_an_id_is_a_part_of_the_path_whatever_it_holds(
    connect: Connect, auth_service: AuthService, id_: str
) -> None:
    """What nobody can have given is not there; no service is said to be away for it."""
    with pytest.raises((NotFoundError, InvalidError)):
        await (await connect(ApiToken(auth_service.tokens["viewer"]))).connections.get(id_)


async def test_a_token_that_is_not_known_is_refused_and_printed_nowhere(connect: Connect) -> None:
    secret = "tsk_of-somebody-else"
    with pytest.raises(UnauthorizedError) as caught:
        await (await connect(ApiToken(secret))).members.workspace()
    assert secret not in repr(caught.value) + str(caught.value.__cause__)


async def test_p22_a_change_whose_answer_is_lost_is_made_once_by_its_key(
    connect: Connect, auth_service: AuthService
) -> None:
    async with gate_to(urlsplit(auth_service.url).port or 0) as gate:
        tablesync = await connect(url=f"http://127.0.0.1:{gate.port}")
        before = [each.id async for each in tablesync.api_tokens.all()]
        wanted = NewApiToken(name="laptop")

        gate.loses_answers = True
        with pytest.raises(UnconfirmedError) as caught:
            await tablesync.api_tokens.create(wanted)
        with pytest.raises(AwayError) as read:
            await tablesync.members.workspace()
        assert type(read.value) is AwayError, "nothing was changed, and nothing is to be confirmed"

        gate.loses_answers = False
        key = caught.value.idempotency_key
        made = [await tablesync.api_tokens.create(wanted, idempotency_key=key) for _ in range(2)]
        after = [each.id async for each in tablesync.api_tokens.all()]
        assert [made[0].id, made[0].id] == [each.id for each in made]
        assert after == [*before, made[0].id]

        gate.shut()
        with pytest.raises(AwayError):
            await tablesync.members.workspace()  # finds the connection broken
        with pytest.raises(AwayError) as away:
            await tablesync.api_tokens.create(wanted)
        assert type(away.value) is AwayError, "it was certainly not sent"


async def test_p22_two_clicks_at_once_get_one_answer(connect: Connect) -> None:
    tablesync = await connect()
    wanted, key = NewApiToken(name="desk"), "a double click"
    clicks = [tablesync.api_tokens.create(wanted, idempotency_key=key) for _ in range(3)]

    made = {each.id for each in await asyncio.gather(*clicks)}

    assert len(made) == 1
    assert made <= {each.id async for each in tablesync.api_tokens.all()}


async def test_what_a_proxy_says_is_told_as_it_is(connect: Connect) -> None:
    async with answering("<html>busy</html>", "503 Service Unavailable") as url:
        with pytest.raises(AwayError, match=r"cannot answer now \(503\): Service Unavailable"):
            await (await connect(url=url)).members.workspace()
