"""Links for mails: one suite for the real auth-service and its stand-in."""

from datetime import UTC, datetime, timedelta

import httpx
from tablesync.contracts.internal_api import (
    InvitationLinkAnswer,
    InvitationLinkRequest,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
)
from tablesync.test_kit.services import answer_of, problem_of

from .asking import lost
from .world import FOREIGN, UNKNOWN, OnRealService, OnStandIn, World


class LinkSuite:
    """What auth-service promises its peers."""

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

    async def test_a_reconnect_link_is_made_for_who_may_connect_accounts_alone(
        self, world: World
    ) -> None:
        connection_id, _ = await lost(world)
        path = f"/connections/{connection_id}/reconnect-links"

        async def link_for(recipient_id: str) -> httpx.Response:
            body = ReconnectLinkRequest(workspace_id=world.workspace_id, recipient_id=recipient_id)
            return await world.edge.post("notifier", path, body)

        for recipient_id in (world.operator_id, world.admin_id):
            assert answer_of(ReconnectLinkAnswer, await link_for(recipient_id)).url
        for recipient_id in (world.viewer_id, "op_of_nobody"):
            problem_of(await link_for(recipient_id), 404, "not-found")

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


class TestStandIn(OnStandIn, LinkSuite):
    """The stand-in promises it."""


class TestRealService(OnRealService, LinkSuite):
    """The service itself promises it."""


def request_for_link(world: World) -> ReconnectLinkRequest:
    return ReconnectLinkRequest(workspace_id=world.workspace_id)


def request_for_invitation(world: World) -> InvitationLinkRequest:
    return InvitationLinkRequest(workspace_id=world.workspace_id)
