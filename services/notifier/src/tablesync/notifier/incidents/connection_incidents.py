"""Incidents of connections: one while a confirmed loss lasts, keyed by (connection, revocation)."""

from tablesync.contracts import ConnectionEvent, new_id
from tablesync.notifier.mail.plan import MailKind, MailStatus, Plan, cancel_unsent, plan
from tablesync.notifier.store import INCIDENTS, MAILS
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

KIND = "connection"


async def open_(unit: UnitOfWork, state: ConnectionEvent) -> None:
    """Open an incident and plan its mail, unless one is open or this loss has had one."""
    key = f"{state.connection_id}/{state.sequence}"
    known = await unit.database[INCIDENTS].find_one(
        {"$or": [{"key": key}, {"open_key": state.connection_id}]}, session=unit.session
    )
    if known is not None:
        return
    incident = _incident(key, state, unit)
    await _forget_recoveries(unit, state.connection_id)
    await unit.database[INCIDENTS].insert_one(incident, session=unit.session)
    await plan(unit, _mail(incident, MailKind.REVOCATION, unit))


async def recover(unit: UnitOfWork, connection_id: str) -> None:
    """Close the open incident; what was mailed gets a recovery mail, what was not stays silent."""
    incident = await _close(unit, connection_id)
    if incident is not None and await _was_mailed(unit, incident):
        await plan(unit, _mail(incident, MailKind.RECOVERY, unit))


async def close_silently(unit: UnitOfWork, connection_id: str) -> None:
    """Close the open incident because an operator took the connection away; nobody is mailed."""
    await _close(unit, connection_id)
    await _forget_recoveries(unit, connection_id)


async def _close(unit: UnitOfWork, connection_id: str) -> Document | None:
    incident = await unit.database[INCIDENTS].find_one_and_update(
        {"open_key": connection_id},
        {"$set": {"status": "closed", "closed_at": unit.now}, "$unset": {"open_key": ""}},
        session=unit.session,
    )
    if incident is not None:
        await cancel_unsent(unit, [incident["_id"]], MailKind.REVOCATION, MailKind.REMINDER)
    return incident


async def _was_mailed(unit: UnitOfWork, incident: Document) -> bool:
    """Whether the revocation mail was sent, or may have been."""
    mail = await unit.database[MAILS].find_one(
        {
            "incident_ids": incident["_id"],
            "kind": MailKind.REVOCATION,
            "status": {"$in": [MailStatus.PENDING, MailStatus.SENT]},
        },
        session=unit.session,
    )
    return mail is not None


async def _forget_recoveries(unit: UnitOfWork, connection_id: str) -> None:
    """Cancel the recovery mail of an earlier incident: the recovery did not last."""
    earlier = unit.database[INCIDENTS].find(
        {"kind": KIND, "connection_id": connection_id}, session=unit.session
    )
    ids = [row["_id"] async for row in earlier]
    await cancel_unsent(unit, ids, MailKind.RECOVERY)


def _incident(key: str, state: ConnectionEvent, unit: UnitOfWork) -> Document:
    return {
        "_id": new_id("inc"),
        "key": key,
        "open_key": state.connection_id,
        "kind": KIND,
        "workspace_id": state.workspace_id,
        "connection_id": state.connection_id,
        "provider": state.provider,
        "account": state.account.model_dump(),
        "owner_id": state.owner_id,
        "cause": state.cause,
        "lost_at": state.changed_at,
        "status": "open",
        "opened_at": unit.now,
        "closed_at": None,
    }


def _mail(incident: Document, kind: MailKind, unit: UnitOfWork) -> Plan:
    return Plan(kind, [incident["_id"]], incident["workspace_id"], KIND, due_at=unit.now)
