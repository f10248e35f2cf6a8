"""Who wants mails: one switch per operator and workspace, on unless it was switched off."""

from collections.abc import Sequence

from tablesync.notifier.mail.plan import Recipient
from tablesync.notifier.store import PREFERENCES
from tablesync.notifier.unsubscribe import Subscriber
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


async def set_mails(unit: UnitOfWork, whose: Subscriber, wanted: bool) -> None:
    """Switch one person's mails on or off."""
    await unit.database[PREFERENCES].update_one(
        {"_id": _id(whose.workspace_id, whose.operator_id)},
        {"$set": {"mails": wanted, "changed_at": unit.now}},
        upsert=True,
        session=unit.session,
    )


class Preferences:
    """Reads preferences."""

    def __init__(self, database: Database) -> None:
        self._rows = database[PREFERENCES]

    async def wants_mails(self, whose: Subscriber) -> bool:
        """Whether one person wants mails."""
        row = await self._rows.find_one({"_id": _id(whose.workspace_id, whose.operator_id)})
        return bool(row["mails"]) if row else True

    async def first_who_wants(
        self, workspace_id: str, candidates: Sequence[Recipient]
    ) -> Recipient | None:
        """Pick the first candidate who has not switched mails off."""
        for each in candidates:
            if await self.wants_mails(Subscriber(workspace_id, each.operator_id)):
                return each
        return None


def _id(workspace_id: str, operator_id: str) -> str:
    return f"{workspace_id}/{operator_id}"
