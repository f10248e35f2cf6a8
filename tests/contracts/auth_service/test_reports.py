"""Reports of auth failures, and rulings: one suite for the real auth-service and its stand-in."""

import pytest
from tablesync.contracts import ConnectionStatus, Provider
from tablesync.contracts.internal_api import AuthFailureRuling, Verdict
from tablesync.test_kit.services import problem_of

from .asking import lost, ruling_on, send_report, state_of, token_of
from .world import FOREIGN, PROVIDERS, UNKNOWN, OnRealService, OnStandIn, World


class ReportSuite:
    """What auth-service promises its peers."""

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


class TestStandIn(OnStandIn, ReportSuite):
    """The stand-in promises it."""


class TestRealService(OnRealService, ReportSuite):
    """The service itself promises it."""
