"""Connection states, to reconcile by: one suite for the real auth-service and its stand-in."""

import pytest
from tablesync.contracts import ConnectionEvent, ConnectionStatus, Provider
from tablesync.contracts.internal_api import STATES_LIMIT
from tablesync.test_kit.services import problem_of

from .asking import page_of, ruling_on, state_of, token_of
from .world import PROVIDERS, OnRealService, OnStandIn, World


class StateSuite:
    """What auth-service promises its peers."""

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


class TestStandIn(OnStandIn, StateSuite):
    """The stand-in promises it."""


class TestRealService(OnRealService, StateSuite):
    """The service itself promises it."""
