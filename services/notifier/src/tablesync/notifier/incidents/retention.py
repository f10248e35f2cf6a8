"""Retention of mails: as long as an incident that they are about; an invitation's has none."""

from datetime import timedelta

from tablesync.contracts.public_api.incidents import MailStatus
from tablesync.notifier.store import INCIDENTS, MAILS
from tablesync.service_kit.mongo import Database, Document, from_now

EVERY_SECONDS = 3600.0
CHUNK = 500


class MailRetention:
    """Forgets mails that are older than `days` and about no incident that is still kept."""

    def __init__(self, database: Database, days: int) -> None:
        self._rows = database[MAILS]
        self._days = days

    async def tick(self) -> float:
        """Forget some; return the seconds to wait before the next."""
        found = await self._rows.aggregate(self._left_over()).to_list(CHUNK)
        await self._rows.delete_many({"_id": {"$in": [each["_id"] for each in found]}})
        return 0.0 if len(found) == CHUNK else EVERY_SECONDS

    def _left_over(self) -> list[Document]:
        """Find mails by age first: one that is younger than this has its incident still."""
        long_ago = from_now(-timedelta(days=self._days).total_seconds())
        old = {"$expr": {"$lte": ["$created_at", long_ago]}}
        incidents = {
            "from": INCIDENTS,
            "localField": "incident_ids",
            "foreignField": "_id",
            "as": "incidents",
        }
        return [
            {"$match": {**old, "status": {"$ne": MailStatus.PENDING}}},
            {"$lookup": incidents},
            {"$match": {"incidents": []}},
            {"$limit": CHUNK},
            {"$project": {"_id": 1}},
        ]
