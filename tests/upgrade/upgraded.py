"""Today's platform on what the dump holds, and how far it has come with reading that."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from pymongo import MongoClient
from tablesync.contracts import TOPICS
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually
from tablesync.test_kit.commit_source import ROOT

from .dump_file import DATABASES, Document, Manifest, now_of, read_stream
from .loading import (
    KEYS,
    Dump,
    Snapshot,
    load_documents,
    load_topics,
    make_grants_known,
    snapshot,
)
from .people import Operator, api_token

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
# A run whose worker was killed is taken over soon, and who finds auth-service still starting asks
# it again soon.
HURRY = {
    "sync-runner": {"RUNNER_LEASE_SECONDS": "5"},
    "notifier": {"NOTIFIER_RECONCILE_SECONDS": "3"},
}
PATIENCE = 150.0
_ID = re.compile(rb"\b[a-z]{2,3}_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Place:
    """The Kafka and the MongoDB of a test, and how its topics and databases are called."""

    kafka: str
    mongodb: str
    topic_prefix: str

    @property
    def database_prefix(self) -> str:
        """What the names of databases open with."""
        return self.topic_prefix.replace("-", "_")


@dataclass
class Upgraded:
    """A platform of today; `before` is what was stored when its services started."""

    place: Place
    dump: Dump
    before: Snapshot
    mongo: MongoClient[Document]
    sandbox: SandboxControl
    http: httpx.AsyncClient
    urls: dict[str, str]

    def rows(self, of: str) -> Any:
        """Return a collection as it is now."""
        name, _, collection = of.partition(".")
        return self.mongo[self.place.database_prefix + name][collection]

    def now(self) -> Snapshot:
        """Return everything that is stored now."""
        return snapshot(self.place.mongodb, self.place.database_prefix)

    def operator(self, workspace_id: str, role: str = "admin") -> Operator:
        """Return an operator of a workspace."""
        token = api_token(self.dump.workspaces[workspace_id], role)
        return Operator(self.http, self.urls, token)

    def old(self, of: str, **wanted: Any) -> list[Document]:
        """Return the dump's documents with these values."""
        rows = self.dump.documents[of]
        return [row for row in rows if all(row[name] == each for name, each in wanted.items())]

    @property
    def underway(self) -> str:
        """The workspace whose work had not ended when the old processes stopped."""
        return self.dump.manifest.underway

    @property
    def idle(self) -> str:
        """The connection by which ticker and reconciliation show that they have been at work."""
        return self.dump.manifest.idle


@asynccontextmanager
async def upgraded_platform(place: Place) -> AsyncIterator[Upgraded]:
    """Load the dump, start today's services on it, and wait until they have read everything."""
    manifest = Manifest.read()
    with (
        sandbox_of(manifest, place) as sandbox_part,
        MongoClient[Document](place.mongodb, tz_aware=True) as mongo,
    ):
        async with (
            SandboxControl(sandbox_part.info.urls["sandbox"]) as sandbox,
            httpx.AsyncClient(timeout=30, trust_env=False) as http,
        ):
            dump = Dump(read_stream(), manifest, now_of(mongo))
            before = await load(dump, place, mongo, sandbox)
            with services(sandbox_part, place) as stack:
                platform = Upgraded(place, dump, before, mongo, sandbox, http, stack.info.urls)
                await everything_is_read(platform)
                yield platform
            stack.remove()
    sandbox_part.remove()


def sandbox_of(manifest: Manifest, place: Place) -> LocalStack:
    """Prepare the sandbox with the records that the dump's sandbox had."""
    name = f"test-{place.topic_prefix}sandbox"
    env = {"sandbox": manifest.sandbox}
    return LocalStack(ROOT, name, programs=("sandbox",), env=env, fresh=True)


def services(sandbox: LocalStack, place: Place) -> LocalStack:
    """Prepare today's services with the dump's key."""
    keys = {
        "AUTH_ENCRYPTION_KEYS_FILE": str(KEYS / "encryption-keys.json"),
        "AUTH_BOOTSTRAP_FILE": str(KEYS / "bootstrap.json"),
    }
    return LocalStack(
        ROOT,
        f"test-{place.topic_prefix}upgrade",
        programs=SERVICES,
        env={"auth-service": keys, **HURRY},
        kafka_bootstrap=place.kafka,
        mongodb_uri=place.mongodb,
        sandbox_url=sandbox.info.urls["sandbox"],
        smtp_port=sandbox.plan.smtp_port,
        topic_prefix=place.topic_prefix,
        database_prefix=place.database_prefix,
        fresh=True,
    )


async def load(
    dump: Dump, place: Place, mongo: MongoClient[Document], sandbox: SandboxControl
) -> Snapshot:
    """Put the dump where the services will find it; return what is stored then."""
    load_documents(dump, mongo, place.database_prefix)
    await load_topics(dump, place.kafka, place.topic_prefix)
    auth = mongo[f"{place.database_prefix}auth"]
    await make_grants_known(auth, sandbox)
    # What the old processes held lapses within a minute, which is not waited for here.
    for name in DATABASES:
        lapsed = [{"$set": {"expires_at": "$$NOW"}}]
        mongo[place.database_prefix + name]["leases"].update_many({}, lapsed)
    # One connection shows that ticker and reconciliation have been at work: its grant is due for
    # the refresh that keeps an idle one alive, and the event of its newest state is lost.
    idle = {"_id": dump.manifest.idle}
    past = [{"$set": {"refresh_at": {"$subtract": ["$$NOW", 60_000]}}}]
    assert auth["grants"].update_one(idle, past).modified_count
    assert auth["connections"].update_one(idle, {"$inc": {"sequence": 1}}).modified_count
    return snapshot(place.mongodb, place.database_prefix)


# How far the services have come.


async def everything_is_read(platform: Upgraded) -> None:
    """Wait until each service has done all that it does when it starts on stored work."""

    async def nothing_is_left() -> bool:
        left[:] = await unread(platform) or unlearned(platform) or unended(platform)
        return not left

    left: list[str] = []
    try:
        await eventually(nothing_is_left, PATIENCE, 0.3)
    except AssertionError:
        raise AssertionError(f"not within {PATIENCE:g} s: {left}") from None


async def unread(platform: Upgraded) -> list[str]:
    """Return the consumer groups, by their names of before and now, not at their topic's end."""
    groups = {**groups_of_today(platform), **platform.dump.manifest.groups}
    return [group for group, topic in groups.items() if not await _at_end(platform, group, topic)]


def groups_of_today(platform: Upgraded) -> dict[str, str]:
    """Return today's consumer groups of topics that the commit before had, each with its topic."""
    return {
        f"{service}.{name}": name
        for name, topic in TOPICS.items()
        for service in topic.consumers
        if name in platform.dump.topics
    }


async def _at_end(platform: Upgraded, group: str, topic: str) -> bool:
    prefix = platform.place.topic_prefix
    count = platform.dump.topics[topic]["partitions"]
    partitions = [TopicPartition(prefix + topic, number) for number in range(count)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=platform.place.kafka, group_id=prefix + group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        return all([(await consumer.committed(each) or 0) >= ends[each] for each in partitions])
    finally:
        await consumer.stop()


def unlearned(platform: Upgraded) -> list[str]:
    """Return who does not know of the lost event's state; and the due grant until refreshed."""
    mine = {"_id": platform.idle}
    sequence = platform.rows("auth.connections").find_one(mine)["sequence"]
    asking = ("scheduler.connection_holds", "runner.connections", "notifier.connections")
    left = [of for of in asking if platform.rows(of).find_one(mine)["sequence"] != sequence]
    (old,) = platform.old("auth.grants", _id=platform.idle)
    new = platform.rows("auth.grants").find_one(mine)
    return left if new["version"] > old["version"] else [*left, "auth.grants"]


def unended(platform: Upgraded) -> list[str]:
    """Return what of the work under way has not come to its end: runs, a slot, a mail."""
    runs, mails = platform.rows("scheduler.runs"), platform.rows("notifier.mails")
    open_runs = {row["_id"] for row in platform.dump.documents["scheduler.runs"] if "open" in row}
    waiting = {row["_id"] for row in waiting_mails(platform)}
    left = open_runs - _ids(runs.find({"status": "succeeded"}))
    left |= waiting - _ids(mails.find({"status": "sent"}))
    slots = {"workspace_id": platform.underway, "status": "succeeded", "trigger": "schedule"}
    new = _ids(runs.find(slots)) - _ids(platform.dump.documents["scheduler.runs"])
    return sorted(left) if new else [*sorted(left), "the slot that was due"]


def waiting_mails(platform: Upgraded) -> list[Document]:
    """Return the dump's mails that are sent at once; a reminder waits for its day."""
    pending = platform.old("notifier.mails", workspace_id=platform.underway, status="pending")
    return [row for row in pending if row["kind"] != "reminder"]


def _ids(rows: Any) -> set[str]:
    return {row["_id"] for row in rows}


# Which documents have a reason to change.


def moving(platform: Upgraded, now: Snapshot) -> set[bytes]:
    """Return the ids that documents of the work under way name, and the idle connection's."""
    mine = platform.underway.encode()
    named = (ids_in(raw) for raw in everything(now) if mine in raw)
    return {platform.idle.encode(), *(each for ids in named for each in ids)}


def ids_in(raw: bytes) -> set[bytes]:
    """Return the ids that a document names."""
    return set(_ID.findall(raw))


def everything(stored: Snapshot) -> Iterator[bytes]:
    """Yield every document."""
    for of in stored:
        assert of.split(".")[0] in DATABASES
        yield from stored[of].values()
