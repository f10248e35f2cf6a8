"""A deleted sync of a hundred thousand records is forgotten, by processes that are killed at it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.sync_runner import store
from tablesync.sync_runner.settings import DATABASE, NAME
from tablesync.sync_runner.store import DeletedSyncs
from tablesync.test_kit import eventually, free_port

pytestmark = [pytest.mark.soak, pytest.mark.integration]

GONE, STAYS = "syn_gone", "syn_stays"
RECORDS = 100_000
KILLED_AT = (80_000, 50_000, 20_000)
Start = Callable[[], Any]


@pytest.fixture
def start(
    mongodb_uri: str, database_prefix: str, service_keys: ServiceKeys, tmp_path: Path
) -> Start:
    """Return what runs a sync-runner's ticker for a block, and kills it in the end."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE_PREFIX": database_prefix,
        "SERVICE_KEY_FILE": str(service_keys.private_key_file(NAME)),
        "TRUSTED_KEYS_FILE": str(service_keys.trusted_keys_file),
        "AUTH_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
    }

    @contextmanager
    def run() -> Iterator[None]:
        with (tmp_path / "runner.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tablesync.sync_runner", "--role=ticker"],
                env=os.environ | environment | {"HTTP_PORT": str(free_port())},
                stdout=log,
                stderr=log,
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    return run


async def keep(database: Database, sync_id: str, count: int) -> None:
    """Store so many record states, and a rejection of every tenth record."""
    for first in range(0, count, 10_000):
        ids = [str(n) for n in range(first, min(first + 10_000, count))]
        rows = [{"sync_id": sync_id, "source_id": each} for each in ids]
        states = [{**row, "_id": f"{sync_id}/{row['source_id']}", "key": "k"} for row in rows]
        await database[store.RECORD_STATES].insert_many(states)
        rejections = [{**row, "run_id": f"run_{sync_id}"} for row in rows[::10]]
        await database[store.REJECTIONS].insert_many(rejections)
    await database[store.CHECKPOINTS].insert_one({"_id": sync_id})


async def count(database: Database, sync_id: str) -> int:
    """Count all that is kept of a sync."""
    of_sync = {"sync_id": sync_id}
    kept = [
        await database[each].count_documents(of_sync)
        for each in (store.RECORD_STATES, store.REJECTIONS)
    ]
    return sum(kept) + await database[store.CHECKPOINTS].count_documents({"_id": sync_id})


async def test_all_records_of_a_deleted_sync_are_forgotten_through_kills(
    mongodb_uri: str, database_prefix: str, start: Start
) -> None:
    client = mongo.connect(mongodb_uri)
    database = mongo.open_database(client, f"{database_prefix}{DATABASE}")
    await ensure_indexes(database, store.INDEXES)
    await keep(database, GONE, RECORDS)
    await keep(database, STAYS, 1_000)
    remembering = partial(DeletedSyncs(database).remember, sync_id=GONE, workspace_id="ws_1")
    await UnitsOfWork(database, NAME).run(remembering)

    for threshold in KILLED_AT:

        async def few(threshold: int = threshold) -> bool:
            return await count(database, GONE) < threshold

        with start():
            await eventually(few, timeout=300)
    assert await count(database, GONE) > 0, "the last one was killed at it as well"

    async def nothing_is_left() -> bool:
        row = await database[store.DELETED_SYNCS].find_one({"_id": GONE})
        return row is not None and "forgotten_at" in row

    with start():
        await eventually(nothing_is_left, timeout=300)
    assert await count(database, GONE) == 0
    assert await count(database, STAYS) == 1_101
    client.close()
