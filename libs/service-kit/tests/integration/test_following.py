"""Following: every process sees what comes after it started, and nothing stops it."""

from tablesync.contracts import RunCancelRequested
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.consumer import Following
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running, send, send_raw


async def test_every_process_sees_what_comes_after_its_start_and_passes_over_the_rest(
    settings: ServiceSettings, units: UnitsOfWork, event
) -> None:
    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_before"))
    seen: list[str] = []

    async def look(event: RunCancelRequested) -> None:
        if event.run_id == "run_fails":
            raise ValueError("no")
        seen.append(event.run_id)

    following = Following("sync-requests", {RunCancelRequested: look})
    processes = [
        Subscriptions(settings, "sync-runner", units, followings=[following]) for _ in range(2)
    ]
    async with running(*(each.run for each in processes)):
        for each in processes:
            await each.started.wait()
        await send(settings, event("run_fails"))
        await send_raw(settings, "sync-requests", ([("ce_id", b"\xff")], b"unreadable"))
        await send(settings, event("run_after"))
        await eventually(lambda: len(seen) >= 2)
    assert seen == ["run_after", "run_after"]
