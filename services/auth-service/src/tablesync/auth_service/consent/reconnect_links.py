"""Reconnect links: a page that consumes nothing until a reconnect succeeds; valid seven days.

A link is good for whom its mail went to: it ends when they may not connect accounts any more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.consent.askers import Askers
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import RECONNECT_LINKS
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.mongo import Database, Document, database_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class ReconnectLink:
    """A link's state; `usable` until it is spent or expired.

    `recipient_id` is whom it was made for; None for a link of an earlier version.
    """

    connection: Connection
    expires_at: datetime
    spent: bool
    expired: bool
    recipient_id: str | None = None

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
    """The stored links."""

    def __init__(self, database: Database, connections: Connections, askers: Askers) -> None:
        self._database = database
        self._collection = database[RECONNECT_LINKS]
        self._connections = connections
        self._askers = askers

    async def create(
        self, unit: UnitOfWork, workspace_id: str, connection_id: str, recipient_id: str | None
    ) -> NewLink:
        """Make a link to reconnect this connection; raises Problem 404.

        So it does for a recipient who may not connect accounts there.
        """
        await self._connections.get(workspace_id, connection_id, unit.session)
        if not await self._askers.act(unit, workspace_id, recipient_id):
            raise not_found("recipient")
        link = NewLink(new_secret(), unit.now + LIFETIME)
        row: Document = {
            "_id": digest(link.secret),
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "recipient_id": recipient_id,
            "expires_at": link.expires_at,
            "spent_at": None,
        }
        await self._collection.insert_one(row, session=unit.session)
        return link

    async def find(self, secret: SecretStr) -> ReconnectLink | None:
        """Look at a link, which changes nothing."""
        row = await self._collection.find_one({"_id": digest(secret)})
        connection = await self._connections.find(row["connection_id"]) if row else None
        if row is None or connection is None:
            return None
        recipient_id = row.get("recipient_id")
        is_over = row["expires_at"] <= await database_now(self._database)
        return ReconnectLink(
            connection=connection,
            expires_at=row["expires_at"],
            spent=row["spent_at"] is not None,
            expired=is_over or not await self._askers.may(row["workspace_id"], recipient_id),
            recipient_id=recipient_id,
        )

    async def act(self, unit: UnitOfWork, link: ReconnectLink) -> bool:
        """Whether a link may be used still, in the transaction in which it is."""
        return await self._askers.act(unit, link.connection.workspace_id, link.recipient_id)

    async def end_all(self, unit: UnitOfWork, workspace_id: str, recipient_id: str) -> None:
        """End every open link of somebody who may not connect accounts any more."""
        await self._collection.update_many(
            {
                "workspace_id": workspace_id,
                "recipient_id": recipient_id,
                "expires_at": {"$gt": unit.now},
            },
            {"$set": {"expires_at": unit.now}},
            session=unit.session,
        )

    async def spend_all(self, unit: UnitOfWork, connection_id: str) -> None:
        """Spend every open link of a connection that has just been reconnected."""
        await self._collection.update_many(
            {"connection_id": connection_id, "spent_at": None},
            {"$set": {"spent_at": unit.now}},
            session=unit.session,
        )
