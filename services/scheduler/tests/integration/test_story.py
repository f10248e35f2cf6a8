"""The story as the scheduler sees it: a sync runs, is held, is released and catches up."""

from collections.abc import Callable
from typing import TypeVar

import httpx
import pytest
from scheduler_examples import HUBSPOT, WORKSPACE, new_sync_body
from scheduler_http import Headers, Json, Tokens, create_sync
from scheduler_rig import Rig
from tablesync.contracts import (
    Envelope,
    Event,
    RunFailureCause,
    SyncHeld,
    SyncInterrupted,
    SyncReleased,
    SyncRequested,
    SyncStarted,
    SyncSucceeded,
    Trigger,
)
from tablesync.contracts.envelope import decode
from tablesync.scheduler.settings import Settings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import read_all, send

pytestmark = pytest.mark.integration

E = TypeVar("E", bound=Event)


class Story:
    """One sync of the running service, its runner, and the service's own events in Kafka."""

    def __init__(
        self, api: httpx.AsyncClient, settings: Settings, rig: Rig, as_notifier: Headers
    ) -> None:
        self._api = api
        self._settings = settings
        self._rig = rig
        self._as_notifier = as_notifier
        self.path = ""

    async def create_sync(self) -> None:
        """Create a sync that is due each second."""
        created = await create_sync(self._api, new_sync_body(every_seconds=1))
        self.path = f"/v1/syncs/{created['id']}"

    async def requests(self, *triggers: Trigger) -> list[SyncRequested]:
        """Wait until there are requests for runs, of all kinds or of these."""

        async def found() -> list[SyncRequested]:
            told = await self.told(SyncRequested)
            return [each for each in told if not triggers or each.trigger in triggers]

        return await eventually(found)

    async def sync(self, is_so: Callable[[Json], bool]) -> Json:
        """Wait until the sync is shown as it should be."""

        async def shown() -> Json | None:
            body: Json = (await self._api.get(self.path)).json()
            return body if is_so(body) else None

        return await eventually(shown)

    async def run_now(self) -> httpx.Response:
        """Press Sync Now."""
        return await self._api.post(f"{self.path}/run")

    async def catch_up_status(self) -> str | None:
        """Ask as notifier does what became of the catch-up."""
        affected = f"/internal/v1/connections/{HUBSPOT}/affected-syncs?workspace_id={WORKSPACE}"
        (item,) = (await self._api.get(affected, headers=self._as_notifier)).json()["items"]
        return item["catch_up"] and str(item["catch_up"]["status"])

    async def ledger(self) -> Json:
        """Read the sync's ledger."""
        body: Json = (await self._api.get(f"{self.path}/ledger")).json()
        return body

    async def told(self, kind: type[E]) -> list[E]:
        """Read what the scheduler has published of a kind."""
        records = await read_all(self._settings, kind.topic)
        events = (decode(each.headers, each.value).event for each in records)
        return [each for each in events if isinstance(each, kind)]

    # what others tell

    async def start(self, request: SyncRequested) -> None:
        """Have the runner begin."""
        await self._send(
            SyncStarted(**about(request), started_at=await self._rig.now(), summary="Began.")
        )

    async def stop(self, request: SyncRequested) -> None:
        """Have the runner stop for the lost connection."""
        await self._send(
            SyncInterrupted(
                **about(request),
                ended_at=await self._rig.now(),
                outcome="interrupted",
                cause=RunFailureCause.CONNECTION,
                summary="Lost.",
            )
        )

    async def finish(self, request: SyncRequested) -> None:
        """Have the runner come to the end."""
        await self._send(
            SyncSucceeded(**about(request), ended_at=await self._rig.now(), summary="Done.")
        )

    async def lose(self) -> None:
        """Have auth-service tell of the loss."""
        await self._send(await self._rig.lose())

    async def reconnect(self) -> None:
        """Have auth-service tell of the reconnect."""
        await self._send(await self._rig.reconnect())

    async def _send(self, event: Event) -> None:
        await send(self._settings, Envelope(event, "test"))


def about(request: SyncRequested) -> Json:
    return request.model_dump(include={"workspace_id", "sync_id", "run_id", "trigger", "slot"})


@pytest.fixture
def story(service: httpx.AsyncClient, kafka_settings: Settings, rig: Rig, tokens: Tokens) -> Story:
    return Story(service, kafka_settings, rig, tokens.service("notifier"))


async def test_a_sync_runs_is_held_and_catches_up(story: Story) -> None:
    request = await _a_run_is_asked_for_and_begins(story)
    await _a_loss_holds_the_sync(story)
    await _the_gap_grows(story, request)
    await _the_reconnect_brings_one_catch_up(story)


async def _a_run_is_asked_for_and_begins(story: Story) -> SyncRequested:
    await story.create_sync()
    request = (await story.requests())[0]
    assert request.trigger is Trigger.SCHEDULE
    assert request.spec.source.object == "contacts"
    await story.start(request)
    await story.sync(lambda sync: bool(sync["last_run"]["status"] == "running"))
    return request


async def _a_loss_holds_the_sync(story: Story) -> None:
    await story.lose()
    held = await story.sync(lambda sync: bool(sync["status"] == "held"))
    assert held["hold"]["cause"] == "app_uninstalled"
    refused = await story.run_now()
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("sync-held")
    assert refused.json()["hold"]["cause"] == "app_uninstalled"


async def _the_gap_grows(story: Story, running: SyncRequested) -> None:
    await story.stop(running)
    await story.sync(lambda sync: bool(sync["gap"]["slots_missed"] >= 3))


async def _the_reconnect_brings_one_catch_up(story: Story) -> None:
    await story.reconnect()
    (asked,) = await story.requests(Trigger.CATCH_UP)
    assert asked.gap
    assert asked.gap.slots_missed >= 3
    (released,) = await story.told(SyncReleased)
    assert released.catch_up_run_id == asked.run_id
    assert len(await story.told(SyncHeld)) == 1
    await story.finish(asked)

    async def caught_up() -> bool:
        return await story.catch_up_status() == "succeeded"

    await eventually(caught_up)
    assert (await story.ledger())["balanced"]
