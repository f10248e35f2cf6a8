"""Grants: the encrypted tokens of connections, one document each, versioned.

A grant changes only by compare-and-set on its version, which grows by one at each refresh and
reconnect. An *intent* is written before a refresh is sent and goes when its outcome is known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.keyring import Keyring, SecretLocation
from tablesync.auth_service.providers.base import TokenSet
from tablesync.auth_service.store import GRANTS
from tablesync.contracts import Account
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

REFRESH_AHEAD_SECONDS = 300
ACCESS, REFRESH = "access_token", "refresh_token"

_SECONDS = {"$divide": [{"$subtract": ["$expires_at", "$$NOW"]}, 1000]}
_READ: Document = {
    "workspace_id": 1,
    "account": 1,
    "version": 1,
    "live": 1,
    ACCESS: 1,
    "expires_at": 1,
    "lifetime_seconds": 1,
    "remaining_seconds": _SECONDS,
}
_READ_WHOLE: Document = {
    **_READ,
    "provider": 1,
    REFRESH: 1,
    "refresh_expires_at": 1,
    "intent": 1,
    "cooldown_seconds": {"$divide": [{"$subtract": ["$cooldown_until", "$$NOW"]}, 1000]},
    "since_forced_seconds": {"$divide": [{"$subtract": ["$$NOW", "$forced_at"]}, 1000]},
    "intent_age_seconds": {"$divide": [{"$subtract": ["$$NOW", "$intent.at"]}, 1000]},
    "now": "$$NOW",
}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a runner gets: a token for a while, and the grant version it belongs to."""

    token: SecretStr
    expires_at: datetime
    expires_in: float
    grant_version: int
    account: Account


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as read, with what the database's clock said of it at that moment."""

    connection_id: str
    document: Document

    @property
    def workspace_id(self) -> str:
        """The tenant."""
        return str(self.document["workspace_id"])

    @property
    def version(self) -> int:
        """Grows by one at each refresh or reconnect."""
        return int(self.document["version"])

    @property
    def live(self) -> bool:
        """Whether nobody has found it ended."""
        return bool(self.document["live"])

    @property
    def remaining_seconds(self) -> float:
        """How long the access token lives; negative once it is over."""
        return float(self.document["remaining_seconds"])

    @property
    def fresh(self) -> bool:
        """Whether the access token need not be refreshed yet."""
        lifetime = float(self.document["lifetime_seconds"])
        return self.remaining_seconds > min(REFRESH_AHEAD_SECONDS, lifetime / 2)

    @property
    def intent(self) -> Document | None:
        """The refresh whose outcome is not known, if there is one."""
        return self.document.get("intent")

    @property
    def intent_age_seconds(self) -> float | None:
        """How long ago that refresh was about to be sent; None once its sender has given up."""
        if self.intent is None or self.intent.get("given_up"):
            return None
        return float(self.document["intent_age_seconds"])

    @property
    def cooldown_seconds(self) -> float:
        """How long the provider is to be left alone."""
        return max(0.0, float(self.document.get("cooldown_seconds") or 0.0))

    @property
    def since_forced_seconds(self) -> float | None:
        """How long ago a failure report forced a refresh."""
        return self.document.get("since_forced_seconds")

    @property
    def refresh_token_over(self) -> bool:
        """Whether the refresh token's own life is over by the clock."""
        ends = self.document.get("refresh_expires_at")
        return bool(ends and ends <= self.document["now"])


class Grants:
    """The stored grants."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._collection = database[GRANTS]
        self._keyring = keyring

    async def read(self, connection_id: str) -> Grant | None:
        """Read what handing out the token needs: one indexed find."""
        return self._grant(await self._collection.find_one({"_id": connection_id}, _READ))

    async def read_whole(self, connection_id: str) -> Grant | None:
        """Read what a refresh needs."""
        return self._grant(await self._collection.find_one({"_id": connection_id}, _READ_WHOLE))

    def access_token(self, grant: Grant) -> AccessToken:
        """Decrypt what a runner gets."""
        return AccessToken(
            self.secret(grant, ACCESS),
            grant.document["expires_at"],
            grant.remaining_seconds,
            grant.version,
            Account.model_validate(grant.document["account"]),
        )

    def secret(self, grant: Grant, field: str) -> SecretStr:
        """Decrypt one field; raises UnreadableGrantError for a row that was moved here."""
        place = SecretLocation(grant.workspace_id, grant.connection_id, field)
        return self._keyring.open(grant.document[field], place)

    async def open_intent(self, grant: Grant, *, forced: bool) -> bool:
        """Write that a refresh is about to be sent; False if the grant or its intent has moved."""
        intent = {"id": uuid4().hex, "at": "$$NOW", "given_up": False}
        change: Document = {"intent": intent}
        if forced:
            change["forced_at"] = "$$NOW"
        seen = {"intent.id": grant.intent["id"] if grant.intent else None}
        return await self._change(grant, [{"$set": change}, {"$unset": ["cooldown_until"]}], seen)

    async def give_up_intent(self, grant: Grant) -> bool:
        """Write that whoever sent the refresh will never learn its outcome."""
        return await self._change(grant, {"$set": {"intent.given_up": True}})

    async def close_intent(self, grant: Grant) -> bool:
        """Write that the refresh surely has not happened."""
        return await self._change(grant, {"$unset": {"intent": ""}})

    async def cool_down(self, grant: Grant, seconds: float) -> bool:
        """Leave the provider alone for a while."""
        until = from_now(seconds)
        return await self._change(grant, [{"$set": {"cooldown_until": until}}])

    async def overdue(self, limit: int) -> list[str]:
        """Return connections whose grant idles or whose intent was left open by a crash."""
        idle: Document = {"$expr": {"$lt": ["$refresh_at", "$$NOW"]}, "refresh_at": {"$gt": _PAST}}
        minute_ago = from_now(-60)
        torn: Document = {
            "$expr": {"$lt": ["$intent.at", minute_ago]},
            "intent.at": {"$gt": _PAST},
        }
        query: Document = {"live": True, "$or": [idle, torn]}
        cursor = self._collection.find(query, {"_id": 1}).limit(limit)
        return [each["_id"] async for each in cursor]

    async def under_other_keys(self, limit: int) -> list[Grant]:
        """Return grants that are not encrypted with the active key alone."""
        query: Document = {"key_id": {"$ne": self._keyring.active}}
        cursor = self._collection.find(query, _READ_WHOLE).limit(limit)
        return [Grant(each["_id"], each) async for each in cursor]

    async def reseal(self, grant: Grant) -> bool:
        """Encrypt a grant anew with the active key; False if it has moved meanwhile."""
        change: Document = {"key_id": self._keyring.active}
        for field in (ACCESS, REFRESH):
            if grant.document.get(field):
                place = SecretLocation(grant.workspace_id, grant.connection_id, field)
                change[field] = self._keyring.seal(self.secret(grant, field), place)
        return await self._change(grant, {"$set": change})

    async def replace(
        self, unit: UnitOfWork, connection: Connection, tokens: TokenSet, idle_seconds: int | None
    ) -> None:
        """Store the tokens of a new consent, whatever was there before."""
        document = self._document(unit, connection, tokens, idle_seconds)
        await unit.database[GRANTS].replace_one(
            {"_id": connection.id}, document, upsert=True, session=unit.session
        )

    async def advance(
        self, unit: UnitOfWork, grant: Grant, tokens: TokenSet, idle_seconds: int | None
    ) -> bool:
        """Store refreshed tokens by compare-and-set on the version alone; False if it moved."""
        change = {
            **self._sealed(grant.workspace_id, grant.connection_id, tokens),
            **_times(unit.now, tokens, idle_seconds),
            "version": grant.version + 1,
            "live": True,
        }
        if tokens.refresh_token is None:
            del change["refresh_expires_at"], change["key_id"]
        result = await unit.database[GRANTS].update_one(
            {"_id": grant.connection_id, "version": grant.version},
            {"$set": change, "$unset": {"intent": "", "cooldown_until": ""}},
            session=unit.session,
        )
        return bool(result.matched_count)

    async def end(self, unit: UnitOfWork, grant: Grant) -> bool:
        """Mark a grant as ended by the provider; False if it has moved."""
        result = await unit.database[GRANTS].update_one(
            {"_id": grant.connection_id, "version": grant.version, "live": True},
            {"$set": {"live": False}, "$unset": {"intent": "", "refresh_at": ""}},
            session=unit.session,
        )
        return bool(result.matched_count)

    async def forget(self, unit: UnitOfWork, connection_id: str) -> SecretStr | None:
        """Delete the tokens; give the refresh token of a grant that was alive."""
        document = await unit.database[GRANTS].find_one_and_delete(
            {"_id": connection_id}, session=unit.session
        )
        if document is None or not document["live"] or not document.get(REFRESH):
            return None
        try:
            return self.secret(Grant(connection_id, document), REFRESH)
        except UnreadableGrantError:
            return None

    def _grant(self, document: Document | None) -> Grant | None:
        return Grant(document["_id"], document) if document else None

    async def _change(self, grant: Grant, change: Any, seen: Document | None = None) -> bool:
        query = {"_id": grant.connection_id, "version": grant.version, "live": True, **(seen or {})}
        return bool((await self._collection.update_one(query, change)).matched_count)

    def _document(
        self, unit: UnitOfWork, connection: Connection, tokens: TokenSet, idle: int | None
    ) -> Document:
        return {
            "_id": connection.id,
            "workspace_id": connection.workspace_id,
            "provider": connection.provider.value,
            "account": connection.account.model_dump(),
            "version": connection.grant_version,
            "live": True,
            **self._sealed(connection.workspace_id, connection.id, tokens),
            **_times(unit.now, tokens, idle),
        }

    def _sealed(self, workspace_id: str, connection_id: str, tokens: TokenSet) -> Document:
        secrets = {ACCESS: tokens.access_token, REFRESH: tokens.refresh_token}
        sealed: Document = {
            field: self._keyring.seal(secret, SecretLocation(workspace_id, connection_id, field))
            for field, secret in secrets.items()
            if secret is not None
        }
        return {**sealed, "key_id": self._keyring.active}


_PAST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _times(now: datetime, tokens: TokenSet, idle_seconds: int | None) -> Document:
    """Return when the tokens end, and when an idle grant is to be refreshed: at half its life."""
    obtained_at = now - timedelta(seconds=tokens.age_seconds())
    refresh_life = tokens.refresh_expires_in or idle_seconds
    ends = obtained_at + timedelta(seconds=refresh_life) if refresh_life else None
    times: Document = {
        "obtained_at": obtained_at,
        "expires_at": obtained_at + timedelta(seconds=tokens.expires_in),
        "lifetime_seconds": tokens.expires_in,
        "refresh_expires_at": ends,
    }
    if refresh_life:
        times["refresh_at"] = obtained_at + timedelta(seconds=refresh_life / 2)
    return times
