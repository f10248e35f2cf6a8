"""Who may ask, and how: one suite for the real auth-service and its stand-in."""

from typing import Any

import pytest
from tablesync.contracts import Provider
from tablesync.contracts.internal_api import AccessTokenAnswer
from tablesync.test_kit.services import answer_of, problem_of

from .world import FOREIGN, UNKNOWN, OnRealService, OnStandIn, World


class CallerSuite:
    """What auth-service promises its peers."""

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


class TestStandIn(OnStandIn, CallerSuite):
    """The stand-in promises it."""


class TestRealService(OnRealService, CallerSuite):
    """The service itself promises it."""
