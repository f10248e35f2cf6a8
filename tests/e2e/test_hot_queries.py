"""However many documents there are, no query of the story reads many more than it returns."""

import asyncio

import pytest
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.test_kit.query_plans import QueryPlans

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(600)]

HOT = {
    *(f"auth.{name}" for name in ("connections", "grants", "memberships", "operators", "outbox")),
    *(f"scheduler.{name}" for name in ("syncs", "runs", "connection_holds", "gaps", "outbox")),
    *(f"runner.{name}" for name in ("runs", "record_states", "checkpoints", "connections")),
    *(f"notifier.{name}" for name in ("incidents", "mails", "syncs", "runs", "connections")),
}
# There are never many of these, or a whole look is what is wanted; each with its reason.
SMALL = {
    "auth.memberships {'find': 'memberships', 'filter': {'workspace_id'": "members of a workspace",
    "auth.reconnect_links": "links of one connection",
}


async def test_no_query_of_the_story_reads_a_collection_whole(
    told: tuple[Story, Watch], mongodb_uri: str, database_prefix: str
) -> None:
    story, _ = told
    with QueryPlans(mongodb_uri, database_prefix) as plans:
        await story.play()
        await story.ledgers_balance()
        asked = await asyncio.to_thread(plans.asked)
        faults = await asyncio.to_thread(plans.faults, asked, SMALL)
    assert {each.place for each in asked} >= HOT, "the story came by all of them"
    assert not faults, "\n".join(faults)
