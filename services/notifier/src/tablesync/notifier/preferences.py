"""Who wants mails: one switch per operator and workspace, on unless it was switched off."""

from datetime import datetime

from pydantic import Field
from tablesync.notifier.models import Stored
from tablesync.notifier.store import PREFERENCES
from tablesync.notifier.unsubscribe import Subscriber
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.reading import read
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Preference(Stored):
    """What one person has switched."""

    id: str = Field(alias="_id")
    mails: bool
    changed_at: datetime


class Preferences:
    """Reads and changes preferences."""

    def __init__(self, database: Database) -> None:
        self._rows = database[PREFERENCES]

    async def wants_mails(self, whose: Subscriber) -> bool:
        """Whether one person wants mails; raises UnreadableDocumentError if nobody can say here."""
        found = await self._rows.find_one({"_id": _id(whose)})
        return read(self._rows, Preference.from_document, found).mails if found else True

    async def set_mails(self, whose: Subscriber, wanted: bool, unit: UnitOfWork) -> None:
        """Switch one person's mails on or off."""
        wish = Preference(id=_id(whose), mails=wanted, changed_at=unit.now)
        await self._rows.replace_one(
            {"_id": wish.id}, wish.to_document(), upsert=True, session=unit.session
        )


def _id(whose: Subscriber) -> str:
    return f"{whose.workspace_id}/{whose.operator_id}"
