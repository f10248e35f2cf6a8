"""What operators do to a sync is told: one state event for each change, and none for the rest."""

import httpx
import pytest
from scheduler_examples import HUBSPOT, WORKSPACE
from scheduler_http import Json, create_sync
from scheduler_rig import Rig
from tablesync.contracts import RunFailureCause, SyncChanged, SyncHeld, SyncReleased
from tablesync.contracts.sync_events import TOPIC
from tablesync.test_kit.stand_ins import SyncRunnerStandIn

pytestmark = pytest.mark.integration


async def told(rig: Rig) -> list[SyncChanged]:
    """Return the changes in the outbox, in the order of their sequences."""
    changes = await rig.events(SyncChanged)
    return sorted(changes, key=lambda each: each.sequence)


async def sequences(rig: Rig) -> list[int]:
    """Return the sequence of each state event of a sync in the outbox."""
    rows = await rig.database["outbox"].find({"topic": TOPIC}).to_list(None)
    return [row["sequence"] for row in rows]


async def test_sync_changed_tells_each_change_with_the_whole_state(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    created = await create_sync(api, body)
    path = f"/v1/syncs/{created['id']}"
    edit = {"name": "People", "schedule": {"every_seconds": 60}, "overlap": "skip"}
    await api.patch(path, json=edit)
    for action in ("pause", "pause", "resume", "resume"):
        assert (await api.post(f"{path}/{action}")).is_success
    assert (await api.delete(path)).status_code == 204
    changes = await told(rig)
    assert [each.status.value for each in changes] == [
        *("active", "active", "paused", "active", "deleted"),
    ]
    first, edited, *_, deleted = changes
    assert (first.sync_id, first.workspace_id) == (created["id"], WORKSPACE)
    assert first.spec.model_dump(mode="json") == {
        "sync_id": created["id"],
        "workspace_id": WORKSPACE,
        **{name: created[name] for name in ("name", "version", "source", "destination")},
        **{name: created[name] for name in ("key", "mapping", "names")},
    }
    assert (first.schedule.every_seconds, first.overlap) == (3600, "coalesce")
    assert (edited.spec.name, edited.spec.version) == ("People", 2)
    assert (edited.schedule.every_seconds, edited.overlap) == (60, "skip")
    assert (first.owner_id, deleted.owner_id) == ("op_1", "op_1")


async def test_sync_changed_is_not_told_by_runs_holds_and_releases(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    run_id = (await api.post(f"{path}/run")).json()["run_id"]
    assert (await api.post(f"/v1/runs/{run_id}/cancel")).status_code == 202
    await rig.hold()
    await rig.release()
    assert len(await told(rig)) == 1


async def test_sync_changed_and_a_hold_of_the_same_change_have_a_sequence_each(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    await rig.lose()
    assert (await api.patch(path, json={"name": "People"})).is_success
    _, edited = await told(rig)
    (held,) = await rig.events(SyncHeld)
    assert (edited.status, edited.sequence) == ("held", held.sequence + 1)
    assert (edited.hold, edited.gap) == (held.hold, held.gap)


async def test_sync_changed_follows_the_release_that_an_edit_brought_about(
    api: httpx.AsyncClient, body: Json, rig: Rig, sync_runner: SyncRunnerStandIn
) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    run_id = (await api.post(f"{path}/run")).json()["run_id"]
    sync_runner.objects["contacts"] = ["firstname"]
    await rig.fail(await rig.run(run_id), RunFailureCause.MAPPING)
    mended = {"mapping": [{"source": "firstname", "field_id": "fldName0000000001"}]}
    assert (await api.patch(path, json=mended)).is_success
    (released,) = await rig.events(SyncReleased)
    _, edited = await told(rig)
    assert (edited.status, edited.hold, edited.gap) == ("active", None, None)
    assert edited.sequence == released.sequence + 1


async def test_sync_changed_of_a_paused_sync_says_what_holds_it(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    await rig.hold()
    await api.post(f"{path}/pause")
    *_, paused = await told(rig)
    assert (paused.status, paused.paused) == ("paused", True)
    assert paused.hold
    assert paused.hold.connection_id == HUBSPOT
    await api.delete(path)
    *_, deleted = await told(rig)
    assert (deleted.status, deleted.hold) == ("deleted", paused.hold)
    found = await sequences(rig)
    assert len(set(found)) == len(found) == 4
