"""Reconnect links: a page that consumes nothing until a reconnect succeeds; valid seven days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from tablesync.auth_service import connections
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import CONNECTIONS, RECONNECT_LINKS
from tablesync.service_kit.mongo import Database, Document, database_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class ReconnectLink:
    """A link's state; `usable` until it is spent or expired."""

    connection: Connection
    expires_at: datetime
    spent: bool
    expired: bool

    @property
    def usable(self) -> bool:
        """Whether a reconnect may start from it."""
        return not self.spent and not self.expired


@dataclass(frozen=True)
class NewLink:
    """A link just made: the secret is in no database."""

    secret: SecretStr
    expires_at: datetime


class ReconnectLinks:
    """Makes and finds links."""

    def __init__(self, database: Database, units: UnitsOfWork) -> None:
        self._database = database
        self._units = units

    async def create(self, workspace_id: str, connection_id: str) -> NewLink:
        """Make a link to reconnect this connection; raises Problem 404."""
        secret = new_secret()

        async def work(unit: UnitOfWork) -> NewLink:
            await connections.read(unit, workspace_id, connection_id)
            expires_at = unit.now + LIFETIME
            row: Document = {
                "_id": digest(secret),
                "workspace_id": workspace_id,
                "connection_id": connection_id,
                "expires_at": expires_at,
                "spent_at": None,
            }
            await unit.database[RECONNECT_LINKS].insert_one(row, session=unit.session)
            return NewLink(secret, expires_at)

        return await self._units.run(work)

    async def find(self, secret: SecretStr) -> ReconnectLink | None:
        """Look at a link, which changes nothing."""
        row = await self._database[RECONNECT_LINKS].find_one({"_id": digest(secret)})
        if row is None:
            return None
        document = await self._database[CONNECTIONS].find_one({"_id": row["connection_id"]})
        if document is None:
            return None
        return ReconnectLink(
            connection=Connection.from_document(document),
            expires_at=row["expires_at"],
            spent=row["spent_at"] is not None,
            expired=row["expires_at"] <= await database_now(self._database),
        )


async def spend_all(unit: UnitOfWork, connection_id: str) -> None:
    """Spend every open link of a connection that has just been reconnected."""
    await unit.database[RECONNECT_LINKS].update_many(
        {"connection_id": connection_id, "spent_at": None},
        {"$set": {"spent_at": unit.now}},
        session=unit.session,
    )
