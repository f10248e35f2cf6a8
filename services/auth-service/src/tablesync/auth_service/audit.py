"""The audit trail: what was done to grants, one hash chain a workspace, in the same transaction.

Tokens that a provider has just given are stored in that transaction, and nobody else has them. So
whatever somebody's hand has done to the trail, the next entry finds a place: a head that is
missing, odd or behind is mended from the trail, which tells of it, and `verify` of what it lacks.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

import structlog
from prometheus_client import Counter
from tablesync.auth_service.store import AUDIT, AUDIT_HEADS
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

log = structlog.get_logger()

GENESIS = "0" * 64
# Who acts where no person does.
OURSELVES = "auth-service"
HEAD_MENDED = "audit.head_mended"
MENDED = Counter("auth_audit_heads_mended_total", "Heads of the audit trail that did not fit it.")
_HASHED = ("workspace_id", "number", "at", "actor", "action", "subject", "detail", "previous")
_READABLE: Document = {"number": {"$type": ["int", "long"], "$lt": 2**53}, "hash": {"$type": 2}}


@dataclass(frozen=True)
class _Link:
    """The entry that the next one is chained to."""

    number: int = 0
    hash: str = GENESIS

    @classmethod
    def of(cls, found: Document | None) -> Self:
        """Return the link that a head or an entry is; that of an empty trail if there is none."""
        return cls(found["number"], found["hash"]) if found else cls()


async def record(
    unit: UnitOfWork, workspace_id: str, actor: str, action: str, subject: str, **detail: Any
) -> None:
    """Append an entry; two at once for one workspace make MongoDB repeat one transaction."""
    last = await _head(unit.database, workspace_id, unit.session)
    if await _is_taken(unit, workspace_id, last.number + 1):
        log.error("audit head mended", workspace_id=workspace_id, number=last.number)
        MENDED.inc()
        last = await _last_by_the_trail(unit, workspace_id, last)
        mended = {"actor": OURSELVES, "action": HEAD_MENDED, "subject": workspace_id, "detail": {}}
        last = await _append(unit, last, workspace_id, mended)
    done = {"actor": actor, "action": action, "subject": subject, "detail": detail}
    last = await _append(unit, last, workspace_id, done)
    await unit.database[AUDIT_HEADS].update_one(
        {"_id": workspace_id},
        {"$set": {"number": last.number, "hash": last.hash}},
        upsert=True,
        session=unit.session,
    )


async def _append(unit: UnitOfWork, last: _Link, workspace_id: str, done: Document) -> _Link:
    entry: Document = {
        "workspace_id": workspace_id,
        "number": last.number + 1,
        "at": rfc3339(unit.now),
        **done,
        "previous": last.hash,
    }
    entry["hash"] = entry_hash(entry)
    row = {"_id": _id(workspace_id, entry["number"]), **entry}
    await unit.database[AUDIT].insert_one(row, session=unit.session)
    return _Link.of(entry)


async def _head(database: Database, workspace_id: str, session: Session | None = None) -> _Link:
    query = {"_id": workspace_id, **_READABLE}
    return _Link.of(await database[AUDIT_HEADS].find_one(query, session=session))


async def _last_by_the_trail(unit: UnitOfWork, workspace_id: str, head: _Link) -> _Link:
    """Return the newest readable entry, or the head if that is newer, before the next free place.

    Entries that cannot be read may stand between the two.
    """
    newest = await unit.database[AUDIT].find_one(
        {"workspace_id": workspace_id, **_READABLE}, sort=[("number", -1)], session=unit.session
    )
    last = max(head, _Link.of(newest), key=lambda each: each.number)
    number = last.number
    while await _is_taken(unit, workspace_id, number + 1):
        number += 1
    return _Link(number, last.hash)


async def _is_taken(unit: UnitOfWork, workspace_id: str, number: int) -> bool:
    query = {"_id": _id(workspace_id, number)}
    return await unit.database[AUDIT].find_one(query, {"_id": 1}, session=unit.session) is not None


def _id(workspace_id: str, number: int) -> str:
    return f"{workspace_id}/{number}"


async def verify(database: Database, workspace_id: str) -> int | None:
    """Return the number of the first entry that does not fit the chain, or None if all do."""
    last = _Link()
    async for entry in database[AUDIT].find({"workspace_id": workspace_id}).sort("number", 1):
        if not _fits(entry, last):
            return last.number + 1
        last = _Link.of(entry)
    whole = last == await _head(database, workspace_id)
    return None if whole else last.number + 1


def _fits(entry: Document, last: _Link) -> bool:
    """Whether an entry, which may lack anything, is the next one after another."""
    place = entry.get("number"), entry.get("previous")
    whole = place == (last.number + 1, last.hash) and entry.keys() >= {*_HASHED}
    return whole and entry.get("hash") == entry_hash(entry)


def entry_hash(entry: Document) -> str:
    """Hash an entry together with the hash of the one before it."""
    stated = [entry[name] for name in _HASHED]
    content = json.dumps(stated, sort_keys=True, ensure_ascii=False, default=repr)
    return hashlib.sha256(content.encode()).hexdigest()
