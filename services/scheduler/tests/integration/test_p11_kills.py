"""P11: the scheduler is killed again and again; no slot is lost, none is served twice."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from scheduler_examples import a_state
from scheduler_rig import Rig
from tablesync.contracts import (
    ConnectionEvent,
    ConnectionReconnected,
    ConnectionRevoked,
    Envelope,
    SyncReleased,
    SyncRequested,
    SyncSucceeded,
)
from tablesync.contracts.envelope import decode
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.settings import Settings
from tablesync.scheduler.store import INDEXES
from tablesync.service_kit import mongo
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.mongo import Client, Database, Document
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.test_kit import NO_TLS, eventually
from tablesync.test_kit.messaging import read_all, send
from tablesync.test_kit.services import FORKS, become

pytestmark = pytest.mark.integration

SYNCS = 20
KILLS = 3
TOLD = (ConnectionReconnected, ConnectionRevoked)


@pytest_asyncio.fixture
async def database(mongodb_uri: str, database_prefix: str) -> AsyncIterator[Database]:
    """Yield a database of its own: what a killed process has locked must not hinder others."""
    client = mongo.connect(mongodb_uri)
    yield mongo.open_database(client, f"{database_prefix}scheduler")
    await end_transactions(client, database_prefix)
    client.close()


async def end_transactions(client: Client, application: str) -> None:
    """End what killed processes left open: MongoDB itself waits up to a minute."""
    pipeline: list[Document] = [
        {"$currentOp": {"allUsers": True, "idleSessions": True}},
        {"$match": {"appName": application, "transaction": {"$exists": True}}},
    ]
    sessions = [each["lsid"] async for each in client.admin.aggregate(pipeline)]
    if sessions:
        patterns = [{"lsid": each} for each in sessions]
        options = client.codec_options
        await client.admin.command("killAllSessionsByPattern", patterns, codec_options=options)


@pytest.fixture
def own_settings(kafka_settings: Settings, database_prefix: str) -> Settings:
    uri = kafka_settings.mongodb_uri
    return kafka_settings.with_(
        mongodb_database_prefix=database_prefix,
        mongodb_uri=f"{uri}{'&' if '?' in uri else '/?'}appName={database_prefix}",
    )


@asynccontextmanager
async def process(settings: Settings, ending: signal.Signals, log: Path) -> AsyncIterator[None]:
    """Run the service as a process of its own during a block; it gets a signal at the end."""
    own = {
        name.upper(): str(value)
        for name, value in settings.model_dump(exclude_none=True).items()
        if name != "kafka_auto_created_topics"
    }
    started = FORKS.Process(target=become, args=("tablesync.scheduler", own, log))
    started.start()
    try:
        yield
    finally:
        assert started.pid
        os.kill(started.pid, ending)
        await asyncio.to_thread(started.join)


async def ready(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.http_port}/readyz"

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(verify=NO_TLS) as client:
                return (await client.get(url)).is_success
        except httpx.TransportError:
            return False

    await eventually(answers, 60)


class Runner:
    """Ends every run that it is asked for, as sync-runner would, through Kafka."""

    def __init__(self, rig: Rig, settings: Settings) -> None:
        self._rig = rig
        self._settings = settings
        self.seen: dict[str, SyncRequested] = {}
        self.ended: set[str] = set()

    async def work(self) -> None:
        """Read all requests there are, and end those that are new."""
        for record in await read_all(self._settings, SyncRequested.topic):
            envelope = decode(record.headers, record.value)
            assert isinstance(envelope.event, SyncRequested)
            self.seen[envelope.id] = envelope.event
        new = [each for each in self.seen.values() if each.run_id not in self.ended]
        self.ended |= {each.run_id for each in new}
        ends = [await self._end_of(each) for each in new]
        await send(self._settings, *(Envelope(each, "sync-runner") for each in ends))

    async def _end_of(self, request: SyncRequested) -> SyncSucceeded:
        return SyncSucceeded(
            **request.model_dump(include={"workspace_id", "sync_id", "run_id", "trigger", "slot"}),
            ended_at=await self._rig.now(),
            summary="Done.",
        )


@pytest.mark.timeout(300)
async def test_p11_no_slot_is_lost_and_none_runs_twice(
    rig: Rig, own_settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "scheduler.log"
    await ensure_indexes(rig.store.database, INDEXES)
    syncs = [
        await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=1)) for _ in range(SYNCS)
    ]
    runner = Runner(rig, own_settings)
    dice = random.Random(11)
    for turn in range(KILLS):
        async with process(own_settings, signal.SIGKILL, log):
            await ready(own_settings)
            if turn:
                await runner.work()
            await send_state(rig, own_settings, TOLD[turn % 2])
            # Killed in the middle of whatever it does then: each turn somewhere else.
            await asyncio.sleep(dice.uniform(0.1, 1.2))
    async with process(own_settings, signal.SIGTERM, log):
        await ready(own_settings)
        back_at = await rig.now()
        await send_state(rig, own_settings, ConnectionReconnected)
        await eventually(lambda: _all_settled(rig, runner, back_at), 120, 0.5)
        # Only while it runs, its books can be up to date.
        for sync in syncs:
            await eventually(partial(_is_balanced, rig, sync), 60)
    await _check(rig, runner, syncs)


async def send_state(rig: Rig, settings: Settings, kind: type[ConnectionEvent]) -> None:
    """Tell through Kafka that the connection is lost, or is back."""
    now = await rig.now()
    state = a_state(kind, unix_milliseconds(now), changed_at=now)
    await send(settings, Envelope(state, "auth-service"))


async def _all_settled(rig: Rig, runner: Runner, back_at: datetime) -> bool:
    """Nothing is held any more, and each sync has run since the connection came back."""
    await runner.work()
    held = await rig.database["syncs"].count_documents({"claimable": {"$ne": True}})
    jobs = await rig.database["connection_holds"].count_documents({"job": {"$exists": True}})
    since = {"status": "succeeded", "requested_at": {"$gte": back_at}}
    ran = await rig.database["runs"].distinct("sync_id", since)
    return not held and not jobs and len(ran) == SYNCS


async def _is_balanced(rig: Rig, sync: Sync) -> bool:
    return (await rig.ledger(sync)).balanced


async def _check(rig: Rig, runner: Runner, syncs: list[Sync]) -> None:
    for sync in syncs:
        statement = await rig.ledger(sync)
        assert statement.agrees
        runs = await rig.runs(sync)
        slots = Counter(run.slot for run in runs if run.slot)
        assert set(slots.values()) == {1}
        stand_for = sum(1 + run.coalesced_slots for run in runs if run.slot)
        waiting = (await rig.sync(sync)).waiting
        counted = statement.run + statement.coalesced
        assert counted == stand_for + (waiting.slots if waiting else 0)
        catch_ups = [each.catch_up_run_id for each in await _released(rig, sync)]
        assert len(catch_ups) == len(set(catch_ups))
    asked = Counter(each.run_id for each in runner.seen.values())
    assert set(asked.values()) == {1}, "one request, however often it was published"
    known = await rig.database["runs"].distinct("_id")
    assert set(asked) <= set(known)
    unpublished = {each.run_id for each in await rig.events(SyncRequested)} - set(asked)
    still_open = await rig.database["runs"].distinct("_id", {"open": True})
    assert unpublished <= set(still_open), "what was decided is published"


async def _released(rig: Rig, sync: Sync) -> list[SyncReleased]:
    released = await rig.events(SyncReleased)
    return [each for each in released if each.sync_id == sync.id and each.catch_up_run_id]
