"""The audit trail: what was done to grants, one hash chain a workspace, in the same transaction."""

import hashlib
import json
from typing import Any

from tablesync.auth_service.store import AUDIT, AUDIT_HEADS
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

GENESIS = "0" * 64
# Who acts where no person does.
OURSELVES = "auth-service"
_HASHED = ("workspace_id", "number", "at", "actor", "action", "subject", "detail", "previous")


async def record(
    unit: UnitOfWork, workspace_id: str, actor: str, action: str, subject: str, **detail: Any
) -> None:
    """Append an entry; two at once for one workspace make MongoDB repeat one transaction."""
    heads = unit.database[AUDIT_HEADS]
    head = await heads.find_one({"_id": workspace_id}, session=unit.session)
    entry: Document = {
        "workspace_id": workspace_id,
        "number": head["number"] + 1 if head else 1,
        "at": rfc3339(unit.now),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "previous": head["hash"] if head else GENESIS,
    }
    entry["hash"] = entry_hash(entry)
    await unit.database[AUDIT].insert_one(
        {"_id": f"{workspace_id}/{entry['number']}", **entry}, session=unit.session
    )
    await heads.update_one(
        {"_id": workspace_id},
        {"$set": {"number": entry["number"], "hash": entry["hash"]}},
        upsert=True,
        session=unit.session,
    )


async def verify(database: Database, workspace_id: str) -> int | None:
    """Return the number of the first entry that does not fit the chain, or None if all do."""
    previous, number = GENESIS, 0
    async for entry in database[AUDIT].find({"workspace_id": workspace_id}).sort("number", 1):
        number += 1
        fits = entry["number"] == number and entry["previous"] == previous
        if not fits or entry["hash"] != entry_hash(entry):
            return number
        previous = entry["hash"]
    head = await database[AUDIT_HEADS].find_one({"_id": workspace_id})
    whole = number == (head["number"] if head else 0)
    return None if whole else number + 1


def entry_hash(entry: Document) -> str:
    """Hash an entry together with the hash of the one before it."""
    content = json.dumps([entry[name] for name in _HASHED], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()
