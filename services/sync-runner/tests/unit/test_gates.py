"""P08: what a gate lets through once a grant was refused or lost, in orders that no run shows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest
from tablesync.contracts import Account, ConnectionEvent
from tablesync.contracts.internal_api import AuthFailureRuling, Verdict
from tablesync.service_kit import clock
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.sync_runner.access import gates
from tablesync.sync_runner.access.gates import Gate, RefusedCall
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.errors import ConnectionLostError
from tablesync.test_kit import eventually


class Auth:
    """auth-service, as fast as thought: the newest grant, and rulings once they may be told."""

    def __init__(self) -> None:
        self.version = 1
        self.asked, self.may_rule = asyncio.Event(), asyncio.Event()

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        account = Account(id="7001", name="Acme")
        return Grant(f"token-{self.version}", self.version, clock.seconds() + 600, account)

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        self.asked.set()
        await self.may_rule.wait()
        return AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=version)

    async def connection_states(self, since: int = 0) -> AsyncIterator[Sequence[ConnectionEvent]]:
        raise AssertionError("a gate asks for no states")
        yield


class Away(Auth):
    """auth-service, which says that it has no answer, once it may."""

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        self.asked.set()
        await self.may_rule.wait()
        raise DependencyUnavailableError("auth-service")


@pytest.fixture
def auth() -> Auth:
    return Auth()


def gate_to(auth: Auth, patience_seconds: float) -> Gate:
    async def on_lost(connection_id: str, version: int) -> None:
        """Nobody else has to know."""

    return Gate(auth, "con_1", "ws_1", on_lost, patience_seconds)


@pytest.fixture
def gate(auth: Auth) -> Gate:
    return gate_to(auth, 10)


async def test_p08_a_run_that_used_a_lost_grant_gets_no_newer_one(auth: Auth, gate: Gate) -> None:
    stopped: list[ConnectionLostError] = []
    run = gate.admit(stopped.append)
    assert (await run.grant()).version == 1
    gate.stop(1)
    auth.version = 2
    assert len(stopped) == 1
    with pytest.raises(ConnectionLostError):
        run.grant_at_hand()
    with pytest.raises(ConnectionLostError):
        await run.grant()
    assert (await gate.admit(stopped.append).grant()).version == 2
    assert len(stopped) == 1


async def test_p08_nobody_gets_a_token_while_a_refused_one_is_looked_into(
    auth: Auth, gate: Gate
) -> None:
    stopped: list[ConnectionLostError] = []
    one, other = gate.admit(stopped.append), gate.admit(stopped.append)
    refused = RefusedCall(await one.grant(), 401, clock.seconds(), repeated=False)
    assert (await other.grant()).version == 1
    ruling = asyncio.create_task(one.refused(refused))
    waiting = asyncio.create_task(other.grant())
    await auth.asked.wait()
    assert other.grant_at_hand() is None
    assert not waiting.done()
    auth.may_rule.set()
    for task in (ruling, waiting):
        with pytest.raises(ConnectionLostError):
            await task
    assert len(stopped) == 2


async def given_up() -> tuple[Away, Gate]:
    """Return auth-service that is away, and a gate where somebody has just waited in vain."""
    auth = Away()
    auth.may_rule.set()
    gate = gate_to(auth, patience_seconds=0)
    with pytest.raises(DependencyUnavailableError):
        await gate.grant(None)
    auth.asked.clear()
    return auth, gate


async def test_p29_after_too_long_without_an_answer_nobody_asks_for_a_while() -> None:
    auth, gate = await given_up()
    with pytest.raises(DependencyUnavailableError) as told:
        await gate.grant(None)
    assert not auth.asked.is_set()
    assert 1 <= told.value.retry_after <= gates.SILENT_SECONDS


async def test_p29_then_one_asks_alone_and_the_others_do_not_wait_for_him(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gates, "SILENT_SECONDS", 0)
    monkeypatch.setattr(gates, "WAIT_MAX_SECONDS", 0)
    auth, gate = await given_up()
    auth.may_rule.clear()
    one = asyncio.create_task(gate.grant(None))
    await auth.asked.wait()
    with pytest.raises(DependencyUnavailableError):
        await gate.grant(None)
    assert not one.done()
    auth.may_rule.set()
    with pytest.raises(DependencyUnavailableError):
        await one


@pytest.mark.parametrize("patience_seconds", [10, 0], ids=["slow", "in vain"])
async def test_a_run_that_begins_takes_no_token_from_the_others(patience_seconds: float) -> None:
    """However long auth-service takes to answer it, and whatever comes of that."""
    auth = Away()
    gate = gate_to(auth, patience_seconds)
    running, beginning = (gate.admit(lambda _: None) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "grant", partial(Auth.grant, auth))
        granted = await running.grant()
    asking = asyncio.create_task(beginning.grant())
    await auth.asked.wait()
    assert running.grant_at_hand() == granted
    auth.may_rule.set()
    if not patience_seconds:
        with pytest.raises(DependencyUnavailableError):
            await asking
    assert running.grant_at_hand() == granted == await running.grant()
    asking.cancel()


async def test_nobody_calls_with_a_refused_token_that_nobody_has_ruled_on(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answer(*_: object) -> AuthFailureRuling:
        raise DependencyUnavailableError("auth-service")

    gate = gate_to(auth, patience_seconds=0)
    run = gate.admit(lambda _: None)
    refused = RefusedCall(await run.grant(), 401, clock.seconds(), repeated=False)
    monkeypatch.setattr(auth, "report", no_answer)
    with pytest.raises(DependencyUnavailableError):
        await run.refused(refused)
    assert run.grant_at_hand() is None


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time pass."""
    now = clock.seconds
    monkeypatch.setattr(clock, "seconds", lambda: now() + seconds)


async def test_a_token_that_lives_is_used_while_its_renewal_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    auth = Away()
    gate = gate_to(auth, patience_seconds=10)
    run = gate.admit(lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "grant", partial(Auth.grant, auth))
        granted = await run.grant()
    later(monkeypatch, 600 - gates.RENEW_AHEAD_SECONDS)
    assert await run.grant() == granted == run.grant_at_hand()
    await auth.asked.wait()
    assert await run.grant() == granted == run.grant_at_hand()
    later(monkeypatch, gates.RENEW_AHEAD_SECONDS - gates.LAST_SECONDS)
    assert run.grant_at_hand() is None, "a call would come too late"
    auth.may_rule.set()


async def test_what_a_token_was_refused_that_is_renewed_is_repeated_and_reported_once(
    auth: Auth, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = gate.admit(lambda _: None)
    old = RefusedCall(await run.grant(), 401, clock.seconds(), repeated=False)
    may_renew = asyncio.Event()

    async def renewed(connection_id: str, workspace_id: str) -> Grant:
        await may_renew.wait()
        account = Account(id="7001", name="Acme")
        return Grant("renewed", 1, clock.seconds() + 600, account)

    monkeypatch.setattr(auth, "grant", renewed)
    later(monkeypatch, 600 - gates.RENEW_AHEAD_SECONDS)
    assert await run.grant() == old.grant
    refused = asyncio.create_task(run.refused(old))
    await asyncio.sleep(0)
    may_renew.set()
    assert not await refused
    assert not auth.asked.is_set()
    assert (await run.grant()).token == "renewed"
    new = RefusedCall(await run.grant(), 401, clock.seconds(), repeated=False)
    auth.may_rule.set()
    with pytest.raises(ConnectionLostError):
        await run.refused(new)
    assert auth.asked.is_set(), "a loss is one"


async def test_p08_a_loss_that_a_renewal_finds_is_told_to_whoever_asks_next(
    auth: Auth, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = gate.admit(lambda _: None)
    await run.grant()

    async def lost(connection_id: str, workspace_id: str) -> Grant:
        raise ConnectionLostError.of(connection_id)

    monkeypatch.setattr(auth, "grant", lost)
    later(monkeypatch, 600 - gates.RENEW_AHEAD_SECONDS)
    await run.grant()
    await eventually(lambda: run.grant_at_hand() is None)
    with pytest.raises(ConnectionLostError):
        await run.grant()
