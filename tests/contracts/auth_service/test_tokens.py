"""Access tokens: one suite for the real auth-service and its stand-in."""

from datetime import UTC, datetime

import pytest
from tablesync.contracts import ConnectionStatus, Provider
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    ConnectionNotConnected,
)
from tablesync.test_kit.services import problem_of

from .asking import ask_token, lost, token_of
from .world import FOREIGN, PROVIDERS, UNKNOWN, OnRealService, OnStandIn, World


class TokenSuite:
    """What auth-service promises its peers."""

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


class TestStandIn(OnStandIn, TokenSuite):
    """The stand-in promises it."""


class TestRealService(OnRealService, TokenSuite):
    """The service itself promises it."""
