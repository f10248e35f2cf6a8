"""Connections: a workspace's links to accounts; their ids never change."""

import unicodedata
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime
from tablesync.auth_service import audit
from tablesync.auth_service.store import CONNECTIONS
from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionEvent,
    ConnectionStatus,
    Provider,
    next_sequence,
)
from tablesync.contracts.permissions import extra_permissions
from tablesync.contracts.specs import Sparse, Value
from tablesync.contracts.wording import one_line, provider_label
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read, read_or_none
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Badge(StrEnum):
    """The words on a connection's card, worst first."""

    DISCONNECTED = "Disconnected"
    NEEDS_ATTENTION = "Needs attention"
    CONNECTED = "Connected"
    DISCONNECTED_BY_YOU = "Disconnected by you"


RANKS = {badge: str(number) for number, badge in enumerate(Badge)}


class Connection(Value):
    """A connection's whole state; `missing_scopes` is what the last consent left out.

    `name` is what operators call it, if not by its account. `established_at` is not known of one
    that an earlier version has made; `changed_by` is who brought about what it is now, if anybody.
    `scopes` is empty where the provider does not tell them, `resources` None where there is
    nothing to choose, or it is not known what was. `host` is where its account is connected, at a
    provider that is not at one host for all.
    """

    id: str
    workspace_id: str
    provider: Provider
    account: Account
    name: Sparse[str] = None
    host: Sparse[str] = None
    grant_version: int
    status: ConnectionStatus
    cause: ConnectionCause | None = None
    owner_id: str
    scopes: tuple[str, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] | None = None
    sequence: int = 0
    changed_at: AwareDatetime
    changed_by: Sparse[str] = None
    established_at: Sparse[AwareDatetime] = None

    @property
    def connected(self) -> bool:
        """Whether its grant may be used."""
        return self.status is ConnectionStatus.CONNECTED

    @property
    def extras(self) -> tuple[str, ...]:
        """Return the names of what is allowed beside what is always asked for."""
        known = extra_permissions(self.provider).values()
        return tuple(each.extra for each in known if each.scope in self.scopes)

    @property
    def badge(self) -> Badge:
        """Return the words on its card."""
        match self.status:
            case ConnectionStatus.REVOKED:
                return Badge.DISCONNECTED
            case ConnectionStatus.DISCONNECTED:
                return Badge.DISCONNECTED_BY_YOU
        return Badge.NEEDS_ATTENTION if self.missing_scopes else Badge.CONNECTED

    @property
    def listed(self) -> Document:
        """Return where it stands in lists, and by what it is found there."""
        called = self.name or self.account.name
        told = (called, self.account.name, self.account.email, self.host)
        found_by = [*filter(None, told), provider_label(self.provider)]
        return {
            "order": RANKS[self.badge] + folded(called),
            "found_by": "\n".join(map(folded, found_by)),
        }

    def state(self, event: type[ConnectionEvent] = ConnectionEvent) -> ConnectionEvent:
        """Return the public state, as an event of this type says it."""
        shared = event.model_fields.keys() & type(self).model_fields.keys()
        said = {name: getattr(self, name) for name in shared} | {"scopes": self.scopes or None}
        return event(connection_id=self.id, **said)

    def to_document(self) -> Document:
        """Return the stored form."""
        document = self.model_dump(exclude={"id"})
        return {"_id": self.id, **document, **self.listed}

    @classmethod
    def from_document(cls, document: Document) -> "Connection":
        """Read the stored form."""
        return cls.model_validate({**document, "id": document["_id"]})


class Connections:
    """The stored connections; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._collection = database[CONNECTIONS]

    async def get(
        self, workspace_id: str, connection_id: str, session: Session | None = None
    ) -> Connection:
        """Return one; raises Problem 404 for an unknown or foreign id."""
        found = await self._find({"_id": connection_id, "workspace_id": workspace_id}, session)
        if found is None:
            raise not_found("connection")
        return found

    async def find(self, connection_id: str, session: Session | None = None) -> Connection | None:
        """Return one of any workspace, or None; raises UnreadableDocumentError."""
        return await self._find({"_id": connection_id}, session)

    async def find_by_account(
        self,
        workspace_id: str,
        provider: Provider,
        account_id: str,
        session: Session | None = None,
    ) -> Connection | None:
        """Return the workspace's connection to this account, in whatever state."""
        query = {"workspace_id": workspace_id, "provider": provider, "account.id": account_id}
        return await self._find(query, session)

    async def extras_of(
        self, workspace_id: str, provider: Provider, session: Session
    ) -> tuple[str, ...]:
        """Return what any account of a provider is allowed beside what is always asked for.

        A grant replaces the one before it. An attempt that names no connection may turn out to be
        for an account that is connected already, which would lose them if they were not asked for.
        """
        query: Document = {"workspace_id": workspace_id, "provider": provider}
        had = [
            each.extra
            for each in extra_permissions(provider).values()
            if await self._collection.find_one({**query, "scopes": each.scope}, session=session)
        ]
        return tuple(had)

    async def at_host(self, provider: Provider, host: str) -> list[Connection]:
        """Return the connections of all workspaces to a provider's host, as far as readable."""
        found = self._collection.find({"host": host, "provider": provider})
        read_ones = [
            read_or_none(self._collection, Connection.from_document, each) async for each in found
        ]
        return [each for each in read_ones if each]

    async def changed_since(self, sequence: int, limit: int) -> list[Connection]:
        """Return connections of all workspaces in order of change, never part of one moment.

        What cannot be read is passed over, and takes no place: a page that is not full is the last.
        """
        query = {"sequence": {"$gt": sequence}}
        cursor = self._collection.find(query, batch_size=limit + 1).sort("sequence", 1)
        found: list[Connection] = []
        async for document in cursor:
            each = read_or_none(self._collection, Connection.from_document, document)
            if each is None:
                continue
            if len(found) >= limit and each.sequence != found[-1].sequence:
                break
            found.append(each)
        return found

    async def _find(self, query: Document, session: Session | None) -> Connection | None:
        document = await self._collection.find_one(query, session=session)
        return read(self._collection, Connection.from_document, document) if document else None

    async def account_in_use(self, connection: Connection, session: Session | None = None) -> bool:
        """Whether this or another connection, of any workspace, is connected to its account."""
        query: Document = {
            "provider": connection.provider,
            "account.id": connection.account.id,
            "status": ConnectionStatus.CONNECTED,
        }
        return await self._collection.find_one(query, {"_id": 1}, session=session) is not None

    async def rename(
        self, unit: UnitOfWork, by: Principal, connection_id: str, name: str | None
    ) -> Connection:
        """Call a connection otherwise, or by its account again; raises Problem 404.

        Nothing is published: events tell the account's name, which stays.
        """
        connection = await self.get(by.workspace_id, connection_id, unit.session)
        if name == connection.name:
            return connection
        await audit.record(
            unit,
            by.workspace_id,
            by.operator_id,
            "connection.renamed",
            connection.id,
            name=name,
            before=connection.name,
        )
        return await self.store(unit, connection, None, name=name)

    async def store(
        self,
        unit: UnitOfWork,
        connection: Connection,
        event: type[ConnectionEvent] | None,
        *,
        by: str | None = None,
        **changes: Any,
    ) -> Connection:
        """Store a connection with changes; with an event, also its new sequence, and publish it.

        `by` is whoever brought that about.
        """
        if event is not None:
            changes["sequence"] = next_sequence(connection.sequence, unit.now_ms)
            changes |= {"changed_at": unit.now, "changed_by": by}
        changed = connection.model_copy(update=changes)
        await self._collection.replace_one(
            {"_id": changed.id}, changed.to_document(), upsert=True, session=unit.session
        )
        if event is not None:
            unit.publish(changed.state(event))
        return changed


def folded(text: str) -> str:
    """Return a text as it is compared: on one line, in small letters, without accents."""
    plain = unicodedata.normalize("NFKD", one_line(text).casefold())
    return "".join(each for each in plain if not unicodedata.combining(each))
