"""Dates back what was played, over weeks, and adds the runs between: all of it, or nothing.

The one thing that writes to services' databases from outside. What is added is made by the
services' own models; documents that are there keep all that is not named here.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from tablesync.auth_service.audit import GENESIS, entry_hash
from tablesync.contracts.specs import rfc3339
from tablesync.demo.furnished.calendar import Calendar
from tablesync.demo.furnished.databases import Databases, Document
from tablesync.demo.furnished.marks import Chapter, Client, Marks, Session
from tablesync.demo.furnished.scheduled import GAPS, ScheduledPast
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run

Told: TypeAlias = Callable[[datetime], datetime]
# Whose moments are each dated back, whatever they are called.
DATED = ("scheduler.connections", "auth.connections", "notifier.incidents", "notifier.mails")
RUN = "runner.runs"
TRAIL, HEADS = "auth.audit", "auth.audit_heads"


async def date_back(client: Client, prefix: str, workspace_id: str, lost: str) -> None:
    """Date back a workspace of which one connection was lost, and is back."""

    async def all_of_it(session: Session) -> None:
        databases = Databases(client, prefix, workspace_id, session)
        calendar = await _calendar(databases, lost)
        past = ScheduledPast(databases, calendar, lost)
        await past.write()
        await _follow(databases, past.moved, calendar.told)
        for place in DATED:
            await _date_members(databases, place, calendar.told)
        await _date_trail(databases, calendar.told)
        await Marks(client, prefix, workspace_id).set(Chapter.DATED_BACK, session)

    async with client.start_session() as session:
        await session.with_transaction(all_of_it)


async def _calendar(databases: Databases, lost: str) -> Calendar:
    """Return when the chapters were played, by what is stored of them."""
    found = databases.all(GAPS, {"hold.connection_id": lost})
    begun = [ClosedGap.from_document(each).gap.from_ async for each in found]
    (connection,) = [each async for each in databases.all("auth.connections", {"_id": lost})]
    now = datetime.now(UTC)
    whole_milliseconds = now.replace(microsecond=now.microsecond // 1_000 * 1_000)
    return Calendar(min(begun), connection["changed_at"], whole_milliseconds)


async def _follow(databases: Databases, moved: dict[str, Run], told: Told) -> None:
    """Have sync-runner know what ran, wrote and rejected by the ids that runs have got."""
    played = [each async for each in databases.all(RUN, {"_id": {"$in": [*moved]}})]
    runs, session = databases.collection(RUN), databases.session
    await runs.delete_many({"_id": {"$in": [*moved]}}, session=session)
    await databases.insert(
        RUN, [{**each, **_moments(each, told), "_id": moved[each["_id"]].id} for each in played]
    )
    for before, run in moved.items():
        of_sync = {"sync_id": run.sync_id}
        await databases.collection("runner.record_states").update_many(
            {**of_sync, "written_by": before},
            {"$set": {"written_by": run.id, "written_at": run.ended_at}},
            session=session,
        )
        await databases.collection("runner.rejections").update_many(
            {**of_sync, "run_id": before},
            {"$set": {"run_id": run.id, "at": run.ended_at}},
            session=session,
        )


async def _date_members(databases: Databases, place: str, told: Told) -> None:
    async for document in databases.all(place):
        await databases.update(place, document["_id"], {"$set": _moments(document, told)})


def _moments(document: Document, told: Told) -> Document:
    return {name: told(each) for name, each in document.items() if isinstance(each, datetime)}


async def _date_trail(databases: Databases, told: Told) -> None:
    """Date back the audit trail; each entry is chained anew to the one before it."""
    previous = GENESIS
    async for entry in databases.all(TRAIL, sort="number"):
        at = rfc3339(told(datetime.fromisoformat(entry["at"])))
        chained = {"at": at, "previous": previous}
        previous = entry_hash({**entry, **chained})
        await databases.update(TRAIL, entry["_id"], {"$set": {**chained, "hash": previous}})
    await databases.update(HEADS, databases.workspace_id, {"$set": {"hash": previous}})
