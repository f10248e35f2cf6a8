"""Whom to mail: one suite for the real auth-service and its stand-in."""

from tablesync.contracts import Provider
from tablesync.contracts.internal_api import Recipients
from tablesync.test_kit.services import answer_of, problem_of

from .world import FOREIGN, OnRealService, OnStandIn, World


class PeopleSuite:
    """What auth-service promises its peers."""

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


class TestStandIn(OnStandIn, PeopleSuite):
    """The stand-in promises it."""


class TestRealService(OnRealService, PeopleSuite):
    """The service itself promises it."""
