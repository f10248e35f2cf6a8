"""A base that is full holds its sync with one mail, is asked gently, and goes on by itself."""

from typing import Any

import pytest
from tablesync.demo.story import PORTAL, Story, mails_of
from tablesync.demo.syncs import definition, tables_of
from tablesync.demo.watch import Watch
from tablesync.test_kit import eventually

# Each of its parts has smaller tests; the whole takes a minute of a platform of its own.
pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(600)]

ROOM = 25


@pytest.fixture
def notifier() -> dict[str, str]:
    """Failures and recoveries wait for company, but not for long."""
    return {"NOTIFIER_DIGEST_WINDOW_SECONDS": "2"}


async def test_a_full_base_is_told_once_and_costs_next_to_nothing(
    told: tuple[Story, Watch],
) -> None:
    story, _ = told
    await story.connect()
    story.tables = tables_of((await story.sandbox.bases())["bases"])
    base = story.tables["deals"].base_id
    await story.sandbox.control("airtable", "-", "record-limit", base=base, rows=ROOM)
    sync = await new_sync(story)

    held = await eventually(lambda: status_of(story, sync, "held"), timeout=120)
    assert held["hold"]["kind"] == "resource"
    assert "adds no more rows" in held["hold"]["cause"]
    assert "record limit" in held["hold"]["cause"]
    (run,) = await story.runs(sync)
    assert (run["status"], run["counts"]["rejected"]) == ("failed", 0)
    assert run["counts"]["written"] == len(await rows(story)) == 20, "two batches fit"
    mail = await eventually(lambda: the_mail(story, "failure"), timeout=120)
    assert "full or not to be written" in " ".join(mail["text"].split())

    for tries in (2, 3, 4):
        before = await requests(story)
        await look_again(story, sync)
        await eventually(lambda count=tries: held_after(story, sync, count), timeout=60)
        assert await requests(story) - before <= 4, "tables for the page and the run, one write"
    assert len(await mails_of(story.sandbox, "failure")) == 1

    await story.sandbox.control("airtable", "-", "record-limit", base=base, rows=None)
    await look_again(story, sync)
    await eventually(lambda: status_of(story, sync, "active"), timeout=60)
    recovery = await eventually(lambda: the_mail(story, "recovery"), timeout=150)
    assert sync["name"] in recovery["text"]
    assert len(await mails_of(story.sandbox, "failure")) == 1
    deals = await story.sandbox.records("hubspot", PORTAL, object="deals")
    assert len(await rows(story)) == len(deals)


async def new_sync(story: Story) -> dict[str, Any]:
    """Make the sync of deals, once an hour: its first run begins at once."""
    properties = await story.api.items(
        "sync-runner", f"/v1/catalog/{story.hubspot}/objects/deals/properties"
    )
    body = definition("deals", story.tables["deals"], properties, story.hubspot, story.airtable)
    sync: dict[str, Any] = await story.api.post(
        "scheduler", "/v1/syncs", body | {"schedule": {"every_seconds": 3600}}
    )
    await story.api.post("scheduler", f"/v1/syncs/{sync['id']}/run")
    return sync


async def look_again(story: Story, sync: dict[str, Any]) -> None:
    """Save the mapping as it is, which has the sync looked at at once."""
    path = f"/v1/syncs/{sync['id']}"
    answer = await story.api.attempt("PATCH", "scheduler", path, {"mapping": sync["mapping"]})
    assert answer.status_code == 200, answer.text


async def status_of(story: Story, sync: dict[str, Any], status: str) -> dict[str, Any] | None:
    found: dict[str, Any] = await story.api.get("scheduler", f"/v1/syncs/{sync['id']}")
    return found if found["status"] == status else None


async def held_after(story: Story, sync: dict[str, Any], runs: int) -> bool:
    """Whether so many runs have ended, and the sync is held again."""
    ended = [each for each in await story.runs(sync) if each["ended_at"]]
    return len(ended) == runs and await status_of(story, sync, "held") is not None


async def the_mail(story: Story, kind: str) -> dict[str, Any] | None:
    return next(iter(await mails_of(story.sandbox, kind)), None)


async def rows(story: Story) -> list[dict[str, Any]]:
    table = story.tables["deals"]
    return await story.sandbox.records("airtable", "-", base=table.base_id, table=table.table_id)


async def requests(story: Story) -> int:
    """Return how many requests Airtable has seen on this base."""
    seen = (await story.sandbox.log(provider="airtable"))["requests"]
    return sum(story.tables["deals"].base_id in each["path"] for each in seen)
