"""Incidents of syncs: one per sync and cause, from a failure until the next success."""

from tablesync.contracts import RunFailureCause, SyncFailed, SyncSucceeded, new_id
from tablesync.notifier.mail.plan import MailKind, MailStatus, Plan, later, plan
from tablesync.notifier.store import INCIDENTS, MAILS, SYNCS
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

KIND = "sync"

# A lost connection has its own incident; a cancelled run was somebody's wish; a run that was
# handed on at a shutdown has not ended.
QUIET = {RunFailureCause.CONNECTION, RunFailureCause.CANCELLED, RunFailureCause.SHUTDOWN}


async def fail(unit: UnitOfWork, failure: SyncFailed, window_seconds: float) -> None:
    """Open an incident for this sync and cause, unless it is open, or healed since."""
    if failure.cause in QUIET or await _succeeded_since(unit, failure):
        return
    open_key = f"{failure.sync_id}/{failure.cause}"
    key = f"{open_key}/{failure.run_id}"
    rows = unit.database[INCIDENTS]
    known = await rows.find_one_and_update(
        {"$or": [{"open_key": open_key}, {"key": key}]},
        {"$max": {"last_failed_at": failure.ended_at}},
        session=unit.session,
    )
    if known is None:
        incident = _incident(open_key, key, failure, unit)
        await rows.insert_one(incident, session=unit.session)
        due_at = later(unit.now, window_seconds)
        workspace_id = failure.workspace_id
        await plan(unit, Plan(MailKind.FAILURE, [incident["_id"]], workspace_id, KIND, due_at))


async def succeed(unit: UnitOfWork, success: SyncSucceeded, window_seconds: float) -> None:
    """Close the sync's incidents; those that were mailed get one line in a recovery mail."""
    await unit.database[SYNCS].update_one(
        {"_id": success.sync_id},
        {"$max": {"succeeded_at": success.ended_at}},
        upsert=True,
        session=unit.session,
    )
    mails = [
        (incident, mail)
        for incident in await _open_incidents(unit, success)
        if (mail := await _close(unit, incident)) is not None
    ]
    if mails:
        ids = [incident["_id"] for incident, _ in mails]
        due_at = later(unit.now, window_seconds)
        to = mails[0][1]["to"]
        workspace_id = success.workspace_id
        await plan(unit, Plan(MailKind.RECOVERY, ids, workspace_id, KIND, due_at, to=to))


async def _succeeded_since(unit: UnitOfWork, failure: SyncFailed) -> bool:
    """Facts come in any order: an older failure says nothing about a sync that works."""
    row = await unit.database[SYNCS].find_one({"_id": failure.sync_id}, session=unit.session)
    return bool(row and row.get("succeeded_at") and row["succeeded_at"] > failure.ended_at)


async def _open_incidents(unit: UnitOfWork, success: SyncSucceeded) -> list[Document]:
    cursor = unit.database[INCIDENTS].find(
        {
            "sync_id": success.sync_id,
            "status": "open",
            "last_failed_at": {"$lt": success.ended_at},
        },
        session=unit.session,
    )
    return await cursor.to_list(None)


async def _close(unit: UnitOfWork, incident: Document) -> Document | None:
    """Close an incident and give the mail that told of it; an unsent one is cancelled."""
    await unit.database[INCIDENTS].update_one(
        {"_id": incident["_id"]},
        {"$set": {"status": "closed", "closed_at": unit.now}, "$unset": {"open_key": ""}},
        session=unit.session,
    )
    # A digest speaks for others too: it drops this one by itself when it is sent.
    await unit.database[MAILS].update_many(
        {
            "incident_ids": [incident["_id"]],
            "kind": MailKind.FAILURE,
            "status": MailStatus.PENDING,
            "handovers": 0,
        },
        {"$set": {"status": MailStatus.CANCELLED}},
        session=unit.session,
    )
    return await _mail_of(unit, incident)


async def _mail_of(unit: UnitOfWork, incident: Document) -> Document | None:
    """Return the failure mail that told of it, or may have."""
    return await unit.database[MAILS].find_one(
        {
            "incident_ids": incident["_id"],
            "kind": MailKind.FAILURE,
            "$or": [
                {"status": MailStatus.SENT},
                {"status": MailStatus.PENDING, "handovers": {"$gt": 0}},
            ],
        },
        session=unit.session,
    )


def _incident(open_key: str, key: str, failure: SyncFailed, unit: UnitOfWork) -> Document:
    return {
        "_id": new_id("inc"),
        "key": key,
        "open_key": open_key,
        "kind": KIND,
        "workspace_id": failure.workspace_id,
        "sync_id": failure.sync_id,
        "connection_id": failure.connection_id,
        "cause": failure.cause,
        "summary": failure.summary,
        "last_failed_at": failure.ended_at,
        "status": "open",
        "opened_at": unit.now,
        "closed_at": None,
    }
