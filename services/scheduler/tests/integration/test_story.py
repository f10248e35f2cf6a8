"""The story as the scheduler sees it: a sync runs, is held, is released and catches up."""

from typing import Any

import httpx
import pytest
from tablesync.contracts import (
    Envelope,
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

NEW_SYNC: dict[str, Any] = {
    "name": "Contacts",
    "source": {"connection_id": "con_hubspot", "object": "contacts"},
    "destination": {"connection_id": "con_airtable", "base_id": "app1", "table_id": "tbl1"},
    "key": {"source": "id", "field_id": "fldKey"},
    "mapping": [{"source": "email", "field_id": "fldEmail"}],
    "schedule": {"every_seconds": 1},
}


async def test_a_sync_runs_is_held_and_catches_up(
    service: httpx.AsyncClient,
    kafka_settings: Settings,
    scheduler: Any,
    service_token: Any,
) -> None:
    api, settings = service, kafka_settings
    created = await api.post("/v1/syncs", json=NEW_SYNC)
    assert created.status_code == 201, created.text
    sync_id = created.json()["id"]
    path = f"/v1/syncs/{sync_id}"

    async def seen() -> dict[str, Any]:
        body: dict[str, Any] = (await api.get(path)).json()
        return body

    async def first_request() -> Any:
        return await _events(settings, "sync-requests", SyncRequested)

    request = (await eventually(first_request, 15))[0]
    assert request.trigger is Trigger.SCHEDULE
    assert request.spec.source.object == "contacts"
    about = {
        "workspace_id": request.workspace_id,
        "sync_id": sync_id,
        "run_id": request.run_id,
        "trigger": request.trigger,
        "slot": request.slot,
    }
    now = await scheduler.now()
    await _send(settings, SyncStarted(**about, started_at=now, summary="Began."))

    async def running() -> bool:
        return bool((await seen())["last_run"]["status"] == "running")

    await eventually(running)
    lost = await scheduler.lose()
    await _send(settings, lost)

    async def held() -> Any:
        body = await seen()
        return body if body["status"] == "held" else None

    body = await eventually(held)
    assert body["hold"]["cause"] == "app_uninstalled"
    refused = await api.post(f"{path}/run")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("sync-held")
    assert refused.json()["hold"]["cause"] == "app_uninstalled"
    await _send(
        settings,
        SyncInterrupted(
            **about,
            ended_at=await scheduler.now(),
            outcome="interrupted",
            cause=RunFailureCause.CONNECTION,
            summary="Lost.",
        ),
    )

    async def two_missed() -> bool:
        return bool((await seen())["gap"]["slots_missed"] >= 3)

    await eventually(two_missed)
    await _send(settings, await scheduler.reconnect())

    async def catch_up() -> Any:
        found = await _events(settings, "sync-requests", SyncRequested)
        return [each for each in found if each.trigger is Trigger.CATCH_UP]

    (asked,) = await eventually(catch_up)
    assert asked.gap.slots_missed >= 3
    (released,) = await _events(settings, "sync-events", SyncReleased)
    assert released.catch_up_run_id == asked.run_id
    assert len(await _events(settings, "sync-events", SyncHeld)) == 1
    await _send(
        settings,
        SyncSucceeded(
            **{**about, "run_id": asked.run_id, "trigger": asked.trigger, "slot": None},
            ended_at=await scheduler.now(),
            summary="Done.",
        ),
    )
    affected = (
        f"/internal/v1/connections/con_hubspot/affected-syncs?workspace_id={request.workspace_id}"
    )

    async def caught_up() -> bool:
        headers = {"Authorization": f"Bearer {service_token('notifier')}"}
        (item,) = (await api.get(affected, headers=headers)).json()["items"]
        return bool(item["catch_up"] and item["catch_up"]["status"] == "succeeded")

    await eventually(caught_up)
    assert (await api.get(f"{path}/ledger")).json()["balanced"]


async def _send(settings: Settings, event: Any) -> None:
    await send(settings, Envelope(event, "test"))


async def _events(settings: Settings, topic: str, kind: type[Any]) -> list[Any]:
    found = (decode(each.headers, each.value) for each in await read_all(settings, topic))
    return [each.event for each in found if isinstance(each.event, kind)]
