"""The stored grants: one document per connection, versioned (optimistic concurrency).

A grant changes only by compare-and-set on its version, which grows by one at each refresh and
reconnect. An *intent* is written before a refresh is sent, renewed by its owner, and goes when its
outcome is known.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr, ValidationError
from pymongo import ASCENDING
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.grants.grant import PROJECTION, Grant
from tablesync.auth_service.keyring import Keyring, Sealed, SecretLocation
from tablesync.auth_service.providers.base import OAuthProvider, Rotation, TokenSet
from tablesync.auth_service.store import GRANTS
from tablesync.service_kit.mongo import Database, Document, Session, from_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

ACCESS, REFRESH = "access_token", "refresh_token"
TORN_AFTER_SECONDS = 60
RETRY_SECONDS = 60
# What there is none of is not before a moment, although MongoDB sorts it there.
_PAST = datetime.fromtimestamp(0, UTC)
# What makes a grant due once it is over, as it is compared with the database's clock.
_DUE: Mapping[str, list[Any]] = {
    "refresh_at": ["$refresh_at", "$$NOW"],
    "intent.at": ["$intent.at", from_now(-TORN_AFTER_SECONDS)],
}


class Grants:
    """Reads and writes; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._collection = database[GRANTS]
        self._keyring = keyring

    async def get(self, connection_id: str, session: Session | None = None) -> Grant | None:
        """Return the grant of a connection: one indexed find.

        Raises UnreadableGrantError for a row that this version does not understand.
        """
        query = {"_id": connection_id}
        document = await self._collection.find_one(query, PROJECTION, session=session)
        return _grant(document) if document else None

    async def unmoved(self, connection_id: str, version: int) -> Grant | None:
        """Return the grant; None once it has ended or has another version."""
        grant = await self.get(connection_id)
        return grant if grant and grant.live and grant.version == version else None

    def access_token(self, grant: Grant) -> SecretStr:
        """Decrypt; raises UnreadableGrantError for a row that was moved here."""
        return self._open(grant, ACCESS, grant.access_token)

    def refresh_token(self, grant: Grant) -> SecretStr:
        """Decrypt; raises UnreadableGrantError for a row that was moved here, or that has none."""
        if grant.refresh_token is None:
            raise UnreadableGrantError("there is no refresh token")
        return self._open(grant, REFRESH, grant.refresh_token)

    async def open_intent(self, grant: Grant, owner: str, *, forced: bool) -> str | None:
        """Write that a refresh is about to be sent; None if the grant or its intent has moved."""
        intent_id = uuid4().hex
        intent = {"id": intent_id, "at": "$$NOW", "owner": owner, "given_up": False}
        change: Document = {"intent": intent}
        if forced:
            change["forced_at"] = "$$NOW"
        old = grant.intent
        seen = {"intent.id": old.id, "intent.at": old.at} if old else {"intent.id": None}
        pipeline = [{"$set": change}, {"$unset": ["cooldown_until"]}]
        return intent_id if await self._change(grant, pipeline, seen) else None

    async def renew_intent(self, grant: Grant, intent_id: str) -> bool:
        """Write that its owner is still at work; False if another has taken over."""
        pipeline = [{"$set": {"intent.at": "$$NOW"}}]
        return await self._change(grant, pipeline, {"intent.id": intent_id})

    async def give_up_intent(self, grant: Grant, intent_id: str) -> bool:
        """Write that whoever sent the refresh will never learn its outcome."""
        change = {"$set": {"intent.given_up": True}}
        return await self._change(grant, change, {"intent.id": intent_id})

    async def close_intent(self, grant: Grant, intent_id: str) -> bool:
        """Write that the refresh surely has not happened."""
        return await self._change(grant, {"$unset": {"intent": ""}}, {"intent.id": intent_id})

    async def cool_down(self, grant: Grant, seconds: float) -> bool:
        """Leave the provider alone for a while."""
        until = from_now(seconds)
        change = {"cooldown_until": until, "retry_at": {"$max": ["$retry_at", until]}}
        return await self._change(grant, [{"$set": change}])

    async def claim_due(self, limit: int) -> dict[str, int]:
        """Return connections whose grant idles or whose intent was left open by a crash.

        With the version that is due: by the time of its turn another may have refreshed it.

        Each is returned at most once in RETRY_SECONDS, to whichever process, and none while its
        provider is left alone; those never tried come first, then those tried longest ago. What
        cannot be refreshed keeps nobody else waiting.
        """
        claimed = await self._due_never_tried(limit)
        if len(claimed) < limit:
            claimed |= await self._due_again(limit - len(claimed))
        await self._collection.update_many(
            {"_id": {"$in": [*claimed]}}, [{"$set": {"retry_at": from_now(RETRY_SECONDS)}}]
        )
        return claimed

    async def _due_never_tried(self, limit: int) -> dict[str, int]:
        new = {"live": True, "retry_at": None}
        due = [{**new, name: {"$gt": _PAST}, "$expr": {"$lt": each}} for name, each in _DUE.items()]
        cursor = self._collection.find({"$or": due}, {"version": 1}).limit(limit)
        return {each["_id"]: each["version"] async for each in cursor}

    async def _due_again(self, limit: int) -> dict[str, int]:
        """Return those tried longest ago; what needs no refresh any more is new again."""
        turn = {"$expr": {"$lte": ["$retry_at", "$$NOW"]}, "retry_at": {"$ne": None}}
        is_due = {
            "$or": [{"$and": [{"$gt": [each[0], _PAST]}, {"$lt": each}]} for each in _DUE.values()]
        }
        shown = {"version": 1, "is_due": is_due}
        cursor = self._collection.find({"live": True, **turn}, shown)
        found = await cursor.sort("retry_at", ASCENDING).limit(limit).to_list(limit)
        settled = [each["_id"] for each in found if not each["is_due"]]
        await self._collection.update_many({"_id": {"$in": settled}}, {"$unset": {"retry_at": ""}})
        return {each["_id"]: each["version"] for each in found if each["is_due"]}

    async def under_other_keys(self, after_id: str, limit: int) -> list[str]:
        """Return connections, by id, whose grant is not encrypted with the active key alone."""
        query = {"key_id": {"$in": await self._other_keys()}, "_id": {"$gt": after_id}}
        cursor = self._collection.find(query, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
        return [each["_id"] async for each in cursor]

    async def count_under_other_keys(self) -> int:
        """Return how many grants need another key than the active one."""
        query = {"key_id": {"$in": await self._other_keys()}}
        return int(await self._collection.count_documents(query))

    async def _other_keys(self) -> list[str | None]:
        """Return what stands for the keys of all grants but the active one; None is for several."""
        found = {*await self._collection.distinct("key_id"), None}
        return list(found - {self._keyring.active})

    async def reseal(self, connection_id: str) -> bool:
        """Encrypt a grant anew with the active key, alive or not; False if it has moved meanwhile.

        Raises UnreadableGrantError.
        """
        grant = await self.get(connection_id)
        if grant is None:
            return False
        refresh_token = self.refresh_token(grant) if grant.refresh_token else None
        sealed = self._sealed(
            grant.workspace_id, grant.connection_id, self.access_token(grant), refresh_token
        )
        same = {"_id": connection_id, "version": grant.version}
        return bool((await self._collection.update_one(same, {"$set": sealed})).matched_count)

    async def replace(
        self,
        unit: UnitOfWork,
        connection: Connection,
        tokens: TokenSet,
        idle_seconds: int | None,
        endpoint: str | None = None,
    ) -> None:
        """Store the tokens of a new consent, whatever was there before."""
        grant = Grant(
            connection_id=connection.id,
            workspace_id=connection.workspace_id,
            provider=connection.provider,
            account=connection.account,
            host=connection.host,
            endpoint=endpoint,
            version=connection.grant_version,
            live=True,
            now=unit.now,
            **self._sealed(
                connection.workspace_id, connection.id, tokens.access_token, tokens.refresh_token
            ),
            **_times(unit.now, tokens, idle_seconds, refreshable=tokens.refresh_token is not None),
        )
        await self._collection.replace_one(
            {"_id": connection.id}, grant.to_document(), upsert=True, session=unit.session
        )

    async def advance(
        self,
        unit: UnitOfWork,
        grant: Grant,
        tokens: TokenSet,
        provider: OAuthProvider,
        *,
        revive: bool = False,
    ) -> bool:
        """Store refreshed tokens by compare-and-set on the version; False if it moved.

        A grant that was ended meanwhile takes them only to be revived. If a used refresh token
        that is good for one use was not replaced, it is uncertain whether it is any good.
        """
        change = {
            **self._sealed(
                grant.workspace_id, grant.connection_id, tokens.access_token, tokens.refresh_token
            ),
            **_times(unit.now, tokens, provider.idle_seconds, refreshable=True),
            "version": grant.version + 1,
            "live": True,
        }
        over = {"intent": "", "cooldown_until": "", "retry_at": ""}
        if tokens.refresh_token is None:
            del change["refresh_expires_at"], change["key_id"]
        # Where the provider gave none, the client's library repeats the one that was sent.
        replaced = tokens.refresh_token not in (None, self.refresh_token(grant))
        if provider.rotation is Rotation.STRICT and not replaced:
            change["intent"] = {"id": uuid4().hex, "at": unit.now, "given_up": True}
            del over["intent"]
        result = await self._collection.update_one(
            {"_id": grant.connection_id, "version": grant.version, "live": not revive},
            {"$set": change, "$unset": over},
            session=unit.session,
        )
        return bool(result.matched_count)

    async def end(self, unit: UnitOfWork, grant: Grant, intent_id: str | None) -> bool:
        """Mark a grant as ended by the provider; False if it or the intent has moved.

        Where no refresh told of the end, there is no intent.
        """
        ours = {"version": grant.version, "live": True, "intent.id": intent_id}
        result = await self._collection.update_one(
            {"_id": grant.connection_id, **ours},
            {"$set": {"live": False}, "$unset": {"intent": "", "refresh_at": ""}},
            session=unit.session,
        )
        return bool(result.matched_count)

    async def forget(self, unit: UnitOfWork, connection_id: str) -> SecretStr | None:
        """Delete the tokens; return the refresh token of a grant that was alive and is readable."""
        try:
            grant = await self.get(connection_id, unit.session)
            is_known = grant and grant.live and grant.refreshable
            token = self.refresh_token(grant) if grant and is_known else None
        except UnreadableGrantError:
            token = None
        await self._collection.delete_one({"_id": connection_id}, session=unit.session)
        return token

    def _open(self, grant: Grant, field: str, sealed: Sealed) -> SecretStr:
        place = SecretLocation(grant.workspace_id, grant.connection_id, field)
        return self._keyring.open(sealed, place)

    async def _change(self, grant: Grant, change: Any, seen: Document | None = None) -> bool:
        query = {"_id": grant.connection_id, "version": grant.version, "live": True, **(seen or {})}
        return bool((await self._collection.update_one(query, change)).matched_count)

    def _sealed(
        self, workspace_id: str, connection_id: str, access: SecretStr, refresh: SecretStr | None
    ) -> Document:
        sealed: Document = {
            field: self._seal(secret, SecretLocation(workspace_id, connection_id, field))
            for field, secret in ((ACCESS, access), (REFRESH, refresh))
            if secret is not None
        }
        return {**sealed, "key_id": self._keyring.active}

    def _seal(self, secret: SecretStr, place: SecretLocation) -> Document:
        return self._keyring.seal(secret, place).model_dump()


def _grant(document: Document) -> Grant:
    try:
        return Grant.from_document(document)
    except ValidationError as error:
        members = [".".join(map(str, each["loc"])) for each in error.errors(include_input=False)]
        raise UnreadableGrantError(f"not understood: {', '.join(members)}") from None


def _times(
    now: datetime, tokens: TokenSet, idle_seconds: int | None, *, refreshable: bool
) -> Document:
    """Return when the tokens end, and when an idle grant is to be refreshed: at half its life."""
    obtained_at = now - timedelta(seconds=tokens.age_seconds())
    refresh_life = (tokens.refresh_expires_in or idle_seconds) if refreshable else None
    times: Document = {
        "obtained_at": obtained_at,
        "expires_at": _later(obtained_at, tokens.expires_in),
        "lifetime_seconds": tokens.expires_in,
        "refresh_expires_at": _later(obtained_at, refresh_life),
    }
    if refresh_life:
        times["refresh_at"] = _later(obtained_at, refresh_life / 2)
    return times


def _later(moment: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else moment + timedelta(seconds=seconds)
