"""Makes the dump of a commit anew: `python -m tests.upgrade.making COMMIT`.

Runs that commit's four services and its sandbox on real Kafka and MongoDB, plays what the chapters
tell, stops everything in the middle of some work, and writes down all that was stored. What did not
come through a door is in `aged`; what is few by nature (leases, budgets, one head of an audit trail
per workspace) stays few.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from pymongo import MongoClient
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.local_stack.progress import print_progress
from tablesync.test_kit import SandboxControl, eventually
from tablesync.test_kit.commit_source import PARTS, ROOT, Source, source_of

from tests.upgrade.dump_file import DATABASES, FOLDER, Document, Manifest, now_of, write_stream

from . import chapters, dumping, unfinished
from .aged import with_aged
from .cast import bootstrap_content, open_workspaces
from .stage import Stage

WORKSPACES = 60
BOOTSTRAP = ROOT / ".local" / "upgrade-making-bootstrap.json"
SANDBOX = {"SANDBOX_CONTACTS": "30", "SANDBOX_COMPANIES": "10", "SANDBOX_DEALS": "12"}
HURRY: Mapping[str, Mapping[str, str]] = {
    "sandbox": {**SANDBOX, "SANDBOX_LIMITS": "off"},
    "auth-service": {
        "AUTH_ENCRYPTION_KEYS_FILE": str(FOLDER / "keys" / "encryption-keys.json"),
        "AUTH_BOOTSTRAP_FILE": str(BOOTSTRAP),
    },
    "scheduler": {
        "SCHEDULER_MIN_INTERVAL_SECONDS": "1",
        "SCHEDULER_CATCH_UP_JITTER_SECONDS": "1",
    },
    "sync-runner": {
        "RUNNER_LEASE_SECONDS": "5",
        "RUNNER_AIRTABLE_BASE_PER_SECOND": "500",
        "RUNNER_AIRTABLE_USER_PER_SECOND": "500",
        "RUNNER_HUBSPOT_PER_TEN_SECONDS": "5000",
        "RUNNER_HUBSPOT_SEARCH_PER_SECOND": "500",
    },
    "notifier": {"NOTIFIER_DIGEST_WINDOW_SECONDS": "2"},
}
PREFIX, DATABASE_PREFIX = "dump-", "dump_"
# What all workspaces but one have ahead of them at least, so that a test finds them at rest.
REST = timedelta(minutes=5)


async def make(source: Source) -> None:
    """Run that commit's platform, play, stop it and write the dump."""
    contents = [bootstrap_content(number) for number in range(WORKSPACES)]
    BOOTSTRAP.write_text(json.dumps(contents[0], indent=1) + "\n")
    with platform_of(source) as stack:
        async with stage_on(stack, contents) as stage:
            await play(stage)
            stop_services(stack)
            await write(stage, source)
    stack.remove()


def platform_of(source: Source) -> LocalStack:
    """Prepare the platform; raises AssertionError if it would run anything of today's."""
    env = {program: {**own, **source.environment} for program, own in HURRY.items()}
    for each in env.values():
        assert source.imported_in(each) == set(PARTS)
    return LocalStack(
        ROOT,
        "upgrade-making",
        env=env,
        topic_prefix=PREFIX,
        database_prefix=DATABASE_PREFIX,
        fresh=True,
        progress=print_progress,
    )


@asynccontextmanager
async def stage_on(
    stack: LocalStack, contents: Sequence[Mapping[str, Any]]
) -> AsyncIterator[Stage]:
    """Yield the instruments, with all workspaces open."""
    info, urls = stack.info, dict(stack.info.urls)
    assert info.sandbox
    async with (
        httpx.AsyncClient(timeout=30, trust_env=False) as http,
        SandboxControl(info.sandbox) as sandbox,
    ):
        print_progress("Opening workspaces")
        workspaces = await open_workspaces(stack, http, urls, contents, stack.folder)
        with MongoClient[Document](info.mongodb, tz_aware=True) as mongo:
            yield Stage(stack, http, sandbox, mongo, urls, workspaces)


async def play(stage: Stage) -> None:
    """Play every chapter; workspace 0 is the one whose work does not end."""
    everyone = stage.workspaces
    keeping = everyone[30:]
    story: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
        ("people come and go", lambda: chapters.people_come_and_go(stage)),
        ("nobody wants mails", lambda: chapters.nobody_wants_mails(everyone[3])),
        ("apps are uninstalled", lambda: chapters.apps_are_uninstalled(stage, everyone[4:12])),
        ("access is revoked", lambda: chapters.access_is_revoked(stage, everyone[12:18])),
        ("rotations are lost", lambda: chapters.rotations_are_lost(stage, everyone[18:24])),
        ("grants expire", lambda: chapters.grants_expire(stage, everyone[24:30])),
        ("accounts come and go", lambda: chapters.accounts_come_and_go(stage)),
        ("portals come and go", lambda: chapters.portals_come_and_go(stage)),
        ("consents differ", lambda: chapters.consents_differ(stage)),
        ("syncs run", lambda: chapters.syncs_run(stage, keeping)),
        ("losses are short", lambda: chapters.losses_are_short(stage, keeping)),
        ("runs are cancelled", lambda: chapters.runs_are_cancelled(stage, keeping[:10])),
        ("runs fail", lambda: chapters.runs_fail(stage, keeping[:14])),
        ("many fail at once", lambda: chapters.many_fail_at_once(stage, keeping[20])),
        ("somebody unsubscribes", lambda: chapters.somebody_unsubscribes(stage)),
        ("malformed messages come", lambda: malformed_messages_come(stage)),
    ]
    for title, chapter in story:
        print_progress(title)
        await chapter()
    print_progress("work is left unfinished")
    syncs = await unfinished.prepare(stage, everyone[0])
    await eventually(lambda: not busy(stage), 180, 0.5)
    await unfinished.break_off(stage, everyone[0], syncs)


async def malformed_messages_come(stage: Stage) -> None:
    """Send what is no event, past every service."""
    producer = AIOKafkaProducer(bootstrap_servers=stage.stack.info.kafka)
    await producer.start()
    try:
        await chapters.malformed_messages_come(producer, PREFIX)
    finally:
        await producer.stop()


def busy(stage: Stage) -> list[str]:
    """Return what has not come to rest."""
    soon = datetime.now(UTC) + REST
    auth, scheduler, runner, notifier = (stage.database(each) for each in DATABASES)
    looks: dict[str, tuple[Any, Document]] = {
        "unpublished of auth-service": (auth["outbox"], {"pending": True}),
        "unpublished of scheduler": (scheduler["outbox"], {"pending": True}),
        "unpublished of sync-runner": (runner["outbox"], {"pending": True}),
        "grants to refresh": (auth["grants"], {"live": True, "refresh_at": {"$lt": soon}}),
        "torn refreshes": (auth["grants"], {"live": True, "intent": {"$exists": True}}),
        "hold jobs": (scheduler["connection_holds"], {"job": {"$exists": True}}),
        "due syncs": (scheduler["syncs"], {"claimable": True, "due_at": {"$lt": soon}}),
        "syncs to look at": (scheduler["syncs"], {"recheck_at": {"$lt": soon}}),
        "owing syncs": (scheduler["syncs"], {"owed": True}),
        "open runs": (scheduler["runs"], {"open": True}),
        "runs at work": (runner["runs"], {"status": {"$in": ["queued", "running"]}}),
        "mails": (notifier["mails"], {"status": "pending", "due_at": {"$lt": soon}}),
    }
    return [name for name, (rows, query) in looks.items() if rows.count_documents(query)]


def stop_services(stack: LocalStack) -> None:
    """Stop every process of a service, replicas too; what they have begun they finish."""
    for program in stack.plan.ports:
        if program.startswith(SERVICES):
            stack.stop_program(program)


async def write(stage: Stage, source: Source) -> None:
    """Read what was stored and write it down."""
    info, moment = stage.stack.info, now_of(stage.mongo)
    underway, idle = stage.workspaces[0], stage.workspaces[10]
    documents = dumping.collections(info.mongodb, DATABASE_PREFIX)
    parts = [*with_aged(documents, underway.id), *dumping.topics(info.kafka, PREFIX)]
    partitions = {part["of"]: part["topic"]["partitions"] for part in parts if "topic" in part}
    parts += [each async for each in dumping.records(info.kafka, PREFIX, partitions)]
    Manifest(
        commit=source.commit,
        moment=moment.isoformat(),
        underway=underway.id,
        idle=idle.connections["gus"],
        sandbox=SANDBOX,
        groups=dumping.groups(info.kafka, PREFIX),
        counts=dumping.counts(parts),
    ).write()
    shutil.move(BOOTSTRAP, FOLDER / "keys" / "bootstrap.json")
    size = write_stream(parts)
    print_progress(f"{len(parts)} documents and messages in {size} bytes")


if __name__ == "__main__":
    chosen = source_of(sys.argv[1])
    print_progress(f"Making the dump of {chosen.commit}")
    asyncio.run(make(chosen))
