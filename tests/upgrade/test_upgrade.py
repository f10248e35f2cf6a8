"""What the commit before has stored is read by today's services: nothing is rewritten or repeated.

The dump's last process stopped the moment before the fixture starts today's four services. Their
consumer groups begin at the first message of every topic, so that each stored message is read again
and has to be known for one that has had its effect.
"""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Literal

import bson
import pytest
import pytest_asyncio
from tablesync.contracts import MalformedEventError, UnknownEventTypeError
from tablesync.contracts.envelope import decode
from tablesync.test_kit import eventually, unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics

from .dump_file import Document
from .people import Operator
from .upgraded import (
    PATIENCE,
    Place,
    Upgraded,
    groups_of_today,
    ids_in,
    moving,
    upgraded_platform,
    waiting_mails,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# What every process writes because it is alive: who holds which right until when, and which calls
# to a provider were let through when.
LIVING = {
    "auth.leases", "scheduler.leases", "runner.leases", "notifier.leases", "runner.budgets",
    # Made by whoever finds MongoDB late, as on a machine that has much to do.
    *(f"{each}.write_probes" for each in ("auth", "scheduler", "runner", "notifier")),
}  # fmt: skip
DEAD_LETTERS = "-dlq"
# What a version adds to each document as it starts, and rewrites nothing else of it.
ADDED = {"scheduler.syncs": {"order", "ends", "failing", "last_success_at"}}
# Indexes that were replaced since, by one of another name.
RETIRED = {
    "auth.grants": {"refresh_due", "open_intents", "by_key"},
    "scheduler.connection_holds": {"job"},
    "scheduler.syncs": {"owed", "workspace"},
    "notifier.incidents": {"newest"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def upgraded(kafka_bootstrap: str, mongodb_uri: str) -> AsyncIterator[Upgraded]:
    """A platform of today that has read all that the commit before has stored."""
    place = Place(kafka_bootstrap, mongodb_uri, unique_prefix("-"))
    async with upgraded_platform(place) as platform:
        yield platform
    drop_databases(mongodb_uri, place.database_prefix)
    drop_topics(kafka_bootstrap, place.topic_prefix)


def test_no_document_is_rewritten(upgraded: Upgraded) -> None:
    """But for those of the work under way, and the audit trail of the grant that was refreshed."""
    now = upgraded.now()
    ids, trail = moving(upgraded, now), idle_trail(upgraded)
    rewritten: dict[str, tuple[Document, Document]] = {}
    compared = 0
    for of in upgraded.before.keys() - LIVING:
        for id_, raw in upgraded.before[of].items():
            if (of, id_) == trail or ids_in(raw) & ids:
                continue
            compared += 1
            if now[of].get(id_) != raw and without_additions(of, now[of].get(id_)) != bson.decode(
                raw
            ):
                rewritten[of] = bson.decode(raw), bson.decode(now[of].get(id_, bson.encode({})))
    assert not rewritten, "by collection, an example each: before, and now"
    assert compared > 0.9 * sum(map(len, upgraded.before.values()))


def without_additions(of: str, raw: bytes | None) -> Document:
    document: Document = bson.decode(raw or bson.encode({}))
    return {name: each for name, each in document.items() if name not in ADDED.get(of, ())}


def idle_trail(upgraded: Upgraded) -> tuple[str, bytes]:
    """Return where the head of the idle connection's audit trail is stored."""
    (connection,) = upgraded.old("auth.connections", _id=upgraded.idle)
    return "auth.audit_heads", bson.encode({"_id": connection["workspace_id"]})


def test_no_document_appears_but_of_work_that_was_under_way(upgraded: Upgraded) -> None:
    """An inbox knows a message by its id alone: it may be of an event about that work.

    That work goes on, so what caused a document is looked up after it.
    """
    now, later = upgraded.now(), upgraded.now()
    ids = moving(upgraded, later)
    events = {
        bson.decode(id_)["_id"]
        for name in ("auth", "scheduler", "runner")
        for id_, raw in later[f"{name}.outbox"].items()
        if ids_in(raw) & ids
    }
    strangers = [
        (of, bson.decode(now[of][id_]))
        for of in now.keys() - LIVING
        for id_ in now[of].keys() - upgraded.before.get(of, {}).keys()
        if not ids_in(now[of][id_]) & ids and event_of(id_) not in events
    ]
    assert strangers == []


def event_of(inbox_id: bytes) -> str:
    """Return the event's id in the id of an inbox row."""
    return str(bson.decode(inbox_id)["_id"]).rpartition("/")[2]


def test_every_index_stands_but_those_retired(upgraded: Upgraded) -> None:
    gone: dict[str, set[str]] = {}
    for of, indexes in upgraded.dump.indexes.items():
        now = {each["name"]: dict(each) for each in upgraded.rows(of).list_indexes()}
        for index in indexes:
            if index["name"] in now:
                assert lasting(now[index["name"]]) == lasting(index), of
            else:
                gone.setdefault(of, set()).add(index["name"])
    assert gone == RETIRED


def lasting(index: Document) -> Document:
    """Return an index without for how long its documents stay, which is a setting."""
    return {
        name: each is not None if name == "expireAfterSeconds" else each
        for name, each in index.items()
    }


def test_work_of_every_kind_was_under_way(upgraded: Upgraded) -> None:
    """What the fixture has waited for was really there: a dump at rest would prove less."""
    documents = upgraded.dump.documents
    syncs = upgraded.old("scheduler.syncs", workspace_id=upgraded.underway)
    requested = {row["status"] for row in documents["scheduler.runs"] if "open" in row}
    assert requested == {"requested", "running"}
    assert {"queued", "running"} <= {row["status"] for row in documents["runner.runs"]}
    assert any("pending" in row for row in documents["scheduler.outbox"])
    assert any(row["planned"] for row in syncs)
    assert any(row["waiting"] for row in syncs)


async def test_no_mail_is_sent_but_the_one_that_waited(upgraded: Upgraded) -> None:
    (waited,) = waiting_mails(upgraded)
    (mail,) = await upgraded.sandbox.messages()
    sent = upgraded.rows("notifier.mails").find_one({"_id": waited["_id"]})
    assert mail["headers"]["Message-ID"] == sent["message_id"]
    assert (await upgraded.sandbox.counters())["mail"]["accepted"] == 1


def test_every_stored_message_is_read(upgraded: Upgraded) -> None:
    """What was sent on purpose, and is no event or none yet, is told apart as it was before."""
    records = upgraded.dump.records
    kinds = {
        topic: Counter(kind_of(record, topic) for record in records[topic])
        for topic in records
        if DEAD_LETTERS not in topic
    }
    assert sum(each["event"] for each in kinds.values()) > 2_000
    for letters in (name for name in records if DEAD_LETTERS in name):
        topic = letters.partition(".")[0]
        assert kinds[topic]["unknown"] > 0
        assert kinds[topic]["malformed"] == len(records[letters]) > 0


def kind_of(record: Document, topic: str) -> Literal["event", "unknown", "malformed"]:
    """Read a message as a consumer does; return what it is."""
    try:
        envelope = decode([tuple(each) for each in record["headers"]], record["value"])
    except UnknownEventTypeError:
        return "unknown"
    except MalformedEventError:
        return "malformed"
    assert envelope.event.topic == topic
    return "event"


async def test_every_dead_letter_is_listed(upgraded: Upgraded) -> None:
    """What cannot be read was read again from the topics, and parked again behind the old ones.

    A group that is new since reads it for the first time.
    """
    admin = upgraded.operator(upgraded.underway)
    unreadable = {
        name.rpartition(".")[0]: len(records)
        for name, records in upgraded.dump.records.items()
        if name.endswith(DEAD_LETTERS)
    }
    before, now = upgraded.dump.manifest.groups, groups_of_today(upgraded)
    assert before.keys() <= now.keys()
    for service in ("scheduler", "sync-runner", "notifier"):
        listed = await admin.items(service, "/v1/dlq")
        assert Counter(each["topic"] for each in listed) == {
            topic: unreadable[topic] * (2 if group in before else 1)
            for group, topic in now.items()
            if group.startswith(f"{service}.")
        }
        assert all(each["reason"] for each in listed)


async def test_every_list_shows_the_documents(upgraded: Upgraded) -> None:
    shown = 0
    for workspace_id in upgraded.dump.workspaces:
        if workspace_id != upgraded.underway:
            shown += await shows_all(upgraded, workspace_id)
    assert shown > 1_000


async def shows_all(upgraded: Upgraded, workspace_id: str) -> int:
    """Compare each list of a workspace with the documents; return how many they show."""
    admin = upgraded.operator(workspace_id)
    mine = {"workspace_id": workspace_id}
    lists = [
        ("auth-service", "/v1/connections", "id", upgraded.old("auth.connections", **mine)),
        ("auth-service", "/v1/members", "operator_id", upgraded.old("auth.memberships", **mine)),
        ("auth-service", "/v1/api-tokens", "id", own_tokens(upgraded, workspace_id)),
        ("scheduler", "/v1/syncs", "id", upgraded.old("scheduler.syncs", **mine)),
        ("scheduler", "/v1/runs", "id", upgraded.old("scheduler.runs", **mine)),
        ("notifier", "/v1/incidents", "id", upgraded.old("notifier.incidents", **mine)),
    ]
    count = 0
    for service, path, name, rows in lists:
        listed = {each[name] for each in await admin.items(service, path)}
        assert listed == {row["_id"].rpartition("/")[2] for row in rows}, path
        count += len(listed)
    return count


def own_tokens(upgraded: Upgraded, workspace_id: str) -> list[Document]:
    """Return the API tokens of a workspace's first admin."""
    email = f"admin@{upgraded.dump.workspaces[workspace_id]}.example.test"
    (admin,) = upgraded.old("auth.operators", email=email)
    return upgraded.old("auth.api_tokens", operator_id=admin["_id"])


async def test_every_rejection_and_every_ledger_is_shown(upgraded: Upgraded) -> None:
    rejections = upgraded.dump.documents["runner.rejections"]
    rejecting = {row["run_id"] for row in rejections}
    for run in upgraded.dump.documents["runner.runs"]:
        if run["_id"] in rejecting:
            viewer = upgraded.operator(run["workspace_id"], "viewer")
            path = f"/v1/runs/{run['_id']}/rejections"
            listed = {each["source_id"] for each in await viewer.items("sync-runner", path)}
            assert listed == {row["source_id"] for row in rejections if row["run_id"] == run["_id"]}
            ledger = await viewer.get("scheduler", f"/v1/syncs/{run['sync_id']}/ledger")
            parts = ("run", "coalesced", "skipped", "held", "paused")
            assert ledger["due"] == sum(ledger[each] for each in parts)
    assert rejecting


async def test_every_authorization_shows_its_outcome(upgraded: Upgraded) -> None:
    statuses = set()
    for row in upgraded.dump.documents["auth.authorizations"][::5]:
        viewer = upgraded.operator(row["workspace_id"], "viewer")
        shown = await viewer.get("auth-service", f"/v1/authorizations/{row['_id']}")
        statuses.add(shown["status"])
    assert statuses == {"pending", "completed", "refused", "denied", "expired"}


async def test_a_sync_goes_on_where_it_stood(upgraded: Upgraded) -> None:
    """Four of ten companies were touched, and none was changed: four are read, none is written."""
    sync = unchanged_sync(upgraded)
    await touch(upgraded, 4)
    operator = upgraded.operator(sync["workspace_id"], "operator")
    asked = await operator.post("scheduler", f"/v1/syncs/{sync['_id']}/run")
    run = await eventually(lambda: ended(operator, asked["run_id"]), PATIENCE)

    assert run["status"] == "succeeded", run
    assert run["counts"] == {"read": 4, "written": 0, "unchanged": 4, "rejected": 0}
    base, table = (sync["destination"][each] for each in ("base_id", "table_id"))
    assert await upgraded.sandbox.records("airtable", "-", base=base, table=table) == []
    log = (await upgraded.sandbox.log(provider="airtable"))["requests"]
    asked = [each for each in log if each["base"] == base]
    # Once after the upgrade it is asked which rows hold numbers that were rounded.
    (listed,) = [each["path"] for each in asked if each["method"] != "GET"]
    assert listed.endswith("/listRecords")


def unchanged_sync(upgraded: Upgraded) -> Document:
    """Return a sync of all the properties of companies that has run, and may run again."""
    syncs = upgraded.dump.documents["scheduler.syncs"]
    return next(row for row in syncs if len(row["mapping"]) > 10 and row.get("claimable"))


async def touch(upgraded: Upgraded, count: int) -> None:
    """Edit the first companies of the source so that nothing but their last change is another."""
    companies = await upgraded.sandbox.records("hubspot", "7001", object="companies")
    assert len(companies) > count
    for company in companies[:count]:
        same = {"city": company["properties"]["city"]}
        await upgraded.sandbox.control(
            "hubspot", "7001", "edit", object="companies", ids=[company["id"]], properties=same
        )


async def ended(operator: Operator, run_id: str) -> Document | None:
    run: Document = await operator.get("scheduler", f"/v1/runs/{run_id}")
    return run if run["ended_at"] else None
