"""The main job: a connection is lost and regained, and the syncs carry on."""

from typing import Any

import pytest
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked, SyncHeld, SyncReleased
from tablesync.demo.measures import measure
from tablesync.demo.story import PORTAL, Story
from tablesync.demo.watch import Watch
from tablesync.test_kit import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def test_p07_p09_p14_p17_lost_regained_and_carried_on(told: tuple[Story, Watch]) -> None:
    story, watch = told
    await story.connect()
    await story.create_syncs()
    before = await kept(story)
    run_id = await reconnected_while_it_runs(story)
    await story.first_runs()
    assert (await run_of(story, run_id))["status"] == "succeeded"
    assert watch.of(SyncHeld) == watch.of(SyncReleased) == []
    assert await story.sandbox.messages() == [], "nobody is told of a swap"
    await story.edit_and_uninstall()
    await story.held()
    await story.mail_arrives()
    await story.slots_are_missed()
    await story.other_portal_is_refused()
    assert await eventually(lambda: nothing_runs(story), timeout=60)
    history = await histories(story)
    await story.press_the_button()
    await story.catch_up()
    await story.recovery_mail()
    await story.compare_everything()

    report = await measure(story, watch, story.stage.timeline, "kafka")
    assert report.tables_equal, story.comparisons
    assert report.mails.model_dump() == {"revocation": 1, "recovery": 1, "other": 0}
    assert report.failed_runs == 0
    assert set(report.catch_up_runs_by_sync.values()) == {1}
    assert report.other_portal_refused
    assert (report.rejected, report.rate_violations, report.duplicates) == (0, 0, 0)
    assert await kept(story) == before
    for name, runs in (await histories(story)).items():
        assert runs[-len(history[name]) :] == history[name]
    assert await deletions(story) == []
    assert len(watch.of(ConnectionRevoked)) == 1
    assert len(watch.of(ConnectionReconnected)) == 1 + len((story.hubspot, story.airtable))
    assert len(watch.of(SyncHeld)) == len(watch.of(SyncReleased)) == len(story.syncs)
    await story.ledgers_balance()


async def reconnected_while_it_runs(story: Story) -> str:
    """Reconnect what is connected, which is a swap of grants; return a run that was under way."""
    run = await eventually(lambda: under_way(story), timeout=60)
    for provider, account, connection_id in (
        ("hubspot", PORTAL, story.hubspot),
        ("airtable", None, story.airtable),
    ):
        outcome = await story.person.connect(provider, account, connection_id)
        assert (outcome["status"], outcome["finding"]) == ("completed", None)
    assert (await run_of(story, run["id"]))["ended_at"] is None, "it went on all the while"
    return str(run["id"])


async def under_way(story: Story) -> dict[str, Any] | None:
    """Return the first run of contacts once it is at work; Airtable's limit makes it a long one."""
    runs = await story.runs(story.syncs["contacts"])
    return next((run for run in runs if run["status"] == "running"), None)


async def run_of(story: Story, run_id: str) -> dict[str, Any]:
    return dict(await story.api.get("scheduler", f"/v1/runs/{run_id}"))


async def kept(story: Story) -> dict[str, Any]:
    """Return what a reconnect must not change."""
    syncs = await story.api.items("scheduler", "/v1/syncs")
    names = ("id", "name", "version", "source", "destination", "key", "mapping", "schedule")
    return {sync["id"]: {name: sync[name] for name in names} for sync in syncs}


async def histories(story: Story) -> dict[str, list[dict[str, Any]]]:
    """Return each sync's runs, newest first, as its pages show them."""
    return {
        name: await story.api.items("scheduler", "/v1/runs", sync_id=sync["id"], limit="2")
        for name, sync in story.syncs.items()
    }


async def nothing_runs(story: Story) -> bool:
    runs = await story.api.items("scheduler", "/v1/runs")
    return all(run["ended_at"] for run in runs)


async def deletions(story: Story) -> list[dict[str, Any]]:
    """Return the requests that would have deleted something in Airtable."""
    log = await story.sandbox.log(provider="airtable")
    assert log["requests"], "the sandbox remembers its requests"
    return [each for each in log["requests"] if each["method"] == "DELETE"]
