"""Authorizations: one attempt each to connect or reconnect, from the click to the outcome.

`state` and the PKCE verifier are independent random values made at the start, when the browser
also gets a cookie. All three have to come together once, within ten minutes.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from pymongo import ReturnDocument
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.keyring import Keyring, SecretLocation
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import AUTHORIZATIONS
from tablesync.contracts import Account, Provider, new_id
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

LIFETIME = timedelta(minutes=10)
VERIFIER = "verifier"


class AuthorizationStatus(StrEnum):
    """What became of an attempt; `review` waits for an operator's decision."""

    PENDING = "pending"
    COMPLETED = "completed"
    REVIEW = "review"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Authorization:
    """An attempt as stored."""

    document: Document

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.document["_id"])

    @property
    def workspace_id(self) -> str:
        """The tenant."""
        return str(self.document["workspace_id"])

    @property
    def provider(self) -> Provider:
        """Where access is asked for."""
        return Provider(self.document["provider"])

    @property
    def connection_id(self) -> str | None:
        """What is to be reconnected, or what came of it."""
        return self.document.get("connection_id")

    @property
    def operator_id(self) -> str:
        """Who began it; for a reconnect link, whoever the connection belongs to."""
        return str(self.document["operator_id"])

    @property
    def actor(self) -> str:
        """Who acts, for the audit trail."""
        return "reconnect-link" if self.document.get("by_link") else self.operator_id

    @property
    def cookie_name(self) -> str:
        """The binding cookie is named by the authorization, since cookies ignore ports."""
        return cookie_name(self.id)

    def view(self, now: datetime) -> dict[str, Any]:
        """Return what the page that waits for the outcome reads."""
        status = AuthorizationStatus(self.document["status"])
        if status is AuthorizationStatus.PENDING and self.document["expires_at"] <= now:
            status = AuthorizationStatus.EXPIRED
        return {
            "id": self.id,
            "provider": self.provider,
            "status": status,
            "connection_id": self.connection_id,
            "finding": self.document.get("finding"),
        }


@dataclass(frozen=True)
class Started:
    """What a browser is sent away with."""

    authorization: Authorization
    state: SecretStr
    verifier: SecretStr
    binding: SecretStr


def cookie_name(authorization_id: str) -> str:
    """Name the binding cookie of an authorization."""
    return f"tablesync_{authorization_id}"


def another_account(expected: Account, found: Account) -> Document:
    """Describe that somebody signed in to another account, with both names."""
    return {
        "kind": "another_account",
        "expected": {"id": expected.id, "name": expected.name},
        "found": {"id": found.id, "name": found.name},
        "message": (
            f"This connection belongs to {expected.name}, but you signed in to {found.name}. "
            f"Nothing was changed. Try again and choose {expected.name}."
        ),
    }


async def create(
    unit: UnitOfWork,
    workspace_id: str,
    operator_id: str,
    provider: Provider,
    target: Connection | None,
    *,
    by_link: bool = False,
) -> Authorization:
    """Store a new attempt."""
    document: Document = {
        "_id": new_id("aut"),
        "workspace_id": workspace_id,
        "operator_id": operator_id,
        "provider": provider.value,
        "connection_id": target.id if target else None,
        "by_link": by_link,
        "status": AuthorizationStatus.PENDING.value,
        "created_at": unit.now,
        "expires_at": unit.now + LIFETIME,
    }
    await unit.database[AUTHORIZATIONS].insert_one(document, session=unit.session)
    return Authorization(document)


async def finish(
    unit: UnitOfWork, authorization: Authorization, status: AuthorizationStatus, **changes: Any
) -> None:
    """Store the outcome."""
    await unit.database[AUTHORIZATIONS].update_one(
        {"_id": authorization.id},
        {"$set": {"status": status.value, **changes}, "$unset": {VERIFIER: "", "binding": ""}},
        session=unit.session,
    )


class Authorizations:
    """The stored attempts."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._collection = database[AUTHORIZATIONS]
        self._keyring = keyring

    async def get(self, workspace_id: str, authorization_id: str) -> Authorization:
        """Return one; raises Problem 404."""
        query = {"_id": authorization_id, "workspace_id": workspace_id}
        document = await self._collection.find_one(query)
        if document is None:
            raise not_found("authorization")
        return Authorization(document)

    async def start(self, provider: str, authorization_id: str) -> Started | None:
        """Begin, or begin anew: an earlier state and verifier are void. None if it is over."""
        state, verifier, binding = new_secret(), new_secret(), new_secret()
        found = await self._collection.find_one(_pending(_id=authorization_id, provider=provider))
        if found is None:
            return None
        authorization = Authorization(found)
        change = {
            "state_digest": digest(state),
            "binding": digest(binding),
            VERIFIER: self._keyring.seal(verifier, _place(authorization)),
        }
        result = await self._collection.update_one(
            _pending(_id=authorization_id, provider=provider), {"$set": change}
        )
        return Started(authorization, state, verifier, binding) if result.matched_count else None

    async def by_state(self, provider: str, state: SecretStr) -> Authorization | None:
        """Find the attempt that a callback answers."""
        query = _pending(provider=provider, state_digest=digest(state))
        document = await self._collection.find_one(query)
        return Authorization(document) if document else None

    def bound_to(self, authorization: Authorization, cookie: str | None) -> bool:
        """Whether this is the browser in which the attempt began."""
        return cookie is not None and hmac.compare_digest(
            digest(cookie), authorization.document["binding"]
        )

    async def claim(self, authorization: Authorization) -> SecretStr | None:
        """Use the state up and give the verifier; None for whoever comes second."""
        document = await self._collection.find_one_and_update(
            _pending(_id=authorization.id, state_digest=authorization.document["state_digest"]),
            {"$unset": {"state_digest": ""}},
            return_document=ReturnDocument.BEFORE,
        )
        if document is None:
            return None
        return self._keyring.open(document[VERIFIER], _place(authorization))


def _pending(**query: Any) -> Document:
    return {
        **query,
        "status": AuthorizationStatus.PENDING.value,
        "$expr": {"$gt": ["$expires_at", "$$NOW"]},
    }


def _place(authorization: Authorization) -> SecretLocation:
    return SecretLocation(authorization.workspace_id, authorization.id, VERIFIER)
