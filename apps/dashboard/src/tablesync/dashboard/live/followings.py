"""The public topics, followed without a group: what each event says has changed."""

from typing import Any

from tablesync.contracts import TOPICS
from tablesync.contracts.member_events import MemberRemoved, MemberRoleChanged
from tablesync.contracts.registry import EVENT_TYPES
from tablesync.dashboard.live.hub import Hub
from tablesync.dashboard.settings import NAME
from tablesync.dashboard.web.visitors import Visitors
from tablesync.service_kit.messaging.consumer import Following


def followings(hub: Hub, visitors: Visitors) -> list[Following]:
    """Return what the dashboard follows, of every topic that names it."""

    async def on_event(event: Any) -> None:
        if isinstance(event, MemberRemoved | MemberRoleChanged):
            visitors.forget_member(event.workspace_id, event.operator_id)
        hub.tell(event.workspace_id, f"{event.key_field.removesuffix('_id')}:{event.key}")
        for also in ("sync_id", "connection_id", "run_id"):
            if told := getattr(event, also, None):
                hub.tell(event.workspace_id, f"{also.removesuffix('_id')}:{told}")

    return [
        Following(
            topic.name,
            {each: on_event for each in EVENT_TYPES.values() if each.topic == topic.name},
        )
        for topic in TOPICS.values()
        if NAME in topic.followers
    ]
