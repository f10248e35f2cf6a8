"""Authorizations: one attempt each to connect or reconnect, from the click to the outcome.

`state` and the PKCE verifier are independent random values made at the start, when the browser
also gets a cookie. All three have to come together once, within ten minutes.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import SecretStr
from pymongo import ReturnDocument
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.keyring import Keyring, Sealed, SecretLocation
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import AUTHORIZATIONS
from tablesync.contracts import ConnectionStatus, Provider, new_id
from tablesync.contracts.public_api.connections import AuthorizationStatus, Finding
from tablesync.contracts.specs import Sparse, Value
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.http.problems import conflict, not_found
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

log = structlog.get_logger()

LIFETIME = timedelta(minutes=10)
VERIFIER = "verifier"
SUPERSEDED_MOST = 10


class Completion(Value):
    """How an attempt that succeeded found its connection, and how it left it.

    `was` is None for a new connection; `sequence` is that of its new state; `reaches_bases` says
    that every base that syncs write to is reached, and is None where nobody knows.
    """

    was: Sparse[ConnectionStatus] = None
    sequence: int
    reaches_bases: Sparse[bool] = None


class Authorization(Value):
    """An attempt as stored.

    `connection_id` is what is to be reconnected, or what came of it; `operator_id` is who began
    it, or for a reconnect link, whom its mail went to, who is its `recipient_id` as well; for the
    link of an earlier version, whoever the connection belongs to. `continued_by` is the attempt
    that was begun after it on its own page. `superseded_states` are those of tabs in which the
    button was pressed before it was pressed anew: what comes back to them is no answer any more.
    `host` is where it goes, at a provider that is not at one host for all; `return_to` where the
    browser goes when it has ended; `extras` what is asked for beside what always is, by name.
    """

    id: str
    workspace_id: str
    operator_id: str
    provider: Provider
    connection_id: str | None = None
    by_link: bool = False
    status: AuthorizationStatus
    created_at: datetime
    expires_at: datetime
    state_digest: Sparse[str] = None
    answered_state: Sparse[str] = None
    superseded_states: Sparse[tuple[str, ...]] = None
    binding: Sparse[str] = None
    verifier: Sparse[Sealed] = None
    finding: Sparse[Finding] = None
    completion: Sparse[Completion] = None
    continued_by: Sparse[str] = None
    recipient_id: Sparse[str] = None
    host: Sparse[str] = None
    return_to: Sparse[str] = None
    extras: Sparse[tuple[str, ...]] = None

    @property
    def leaves_bases_out(self) -> bool:
        """Whether it connected, and does not reach all that syncs write to."""
        return self.status is AuthorizationStatus.COMPLETED and self.finding is not None

    @property
    def actor(self) -> str:
        """Who acts, for the audit trail."""
        return "reconnect-link" if self.by_link else self.operator_id

    @property
    def asker_id(self) -> str | None:
        """Who has to be allowed to connect accounts until it is through, if anybody has to."""
        return self.recipient_id if self.by_link else self.operator_id

    @property
    def cookie_name(self) -> str:
        """The binding cookie is named by the authorization, since cookies ignore ports."""
        return f"tablesync_{self.id}"

    def status_at(self, now: datetime) -> AuthorizationStatus:
        """Return what became of it until now: an attempt ends by itself."""
        over = self.status is AuthorizationStatus.PENDING and self.expires_at <= now
        return AuthorizationStatus.EXPIRED if over else self.status

    def has_superseded(self, state: SecretStr) -> bool:
        """Whether the button was pressed anew since this state was given out."""
        return digest(state) in (self.superseded_states or ())

    def bound_to(self, browser: SecretStr | None) -> bool:
        """Whether the attempt began in the browser that has this cookie."""
        if browser is None or self.binding is None:
            return False
        return hmac.compare_digest(digest(browser), self.binding)

    def taken_by_another(self, browser: SecretStr | None) -> bool:
        """Whether the attempt began in a browser, and not in the one that has this cookie."""
        return self.binding is not None and not self.bound_to(browser)

    def to_document(self) -> Document:
        """Return the stored form."""
        return {"_id": self.id, **self.model_dump(exclude={"id"})}

    @classmethod
    def from_document(cls, document: Document) -> "Authorization":
        """Read the stored form."""
        return cls.model_validate({**document, "id": document["_id"]})


@dataclass(frozen=True)
class Started:
    """What a browser is sent away with."""

    authorization: Authorization
    state: SecretStr
    verifier: SecretStr
    browser: SecretStr


class Authorizations:
    """The stored attempts."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._collection = database[AUTHORIZATIONS]
        self._keyring = keyring

    async def get(
        self, workspace_id: str, authorization_id: str, session: Session | None = None
    ) -> Authorization:
        """Return one; raises Problem 404."""
        found = await self._find(session, _id=authorization_id, workspace_id=workspace_id)
        if found is None:
            raise not_found("authorization")
        return found

    async def create(
        self,
        unit: UnitOfWork,
        workspace_id: str,
        operator_id: str,
        provider: Provider,
        target: Connection | None,
        *,
        host: str | None,
        by_link: bool = False,
        recipient_id: str | None = None,
        return_to: str | None = None,
        extras: Sequence[str] = (),
    ) -> Authorization:
        """Store a new attempt; what its target was allowed beside is asked for again."""
        attempt = Authorization(
            id=new_id("aut"),
            workspace_id=workspace_id,
            operator_id=operator_id,
            provider=provider,
            host=host,
            connection_id=target.id if target else None,
            by_link=by_link,
            recipient_id=recipient_id,
            return_to=return_to,
            extras=_kept(target, extras) or None,
            status=AuthorizationStatus.PENDING,
            created_at=unit.now,
            expires_at=unit.now + LIFETIME,
        )
        await self._collection.insert_one(attempt.to_document(), session=unit.session)
        return attempt

    async def find_pending(self, provider: str, authorization_id: str) -> Authorization | None:
        """Look at an attempt, which changes nothing; None if it is over."""
        return await self._find(None, **_pending(_id=authorization_id, provider=provider))

    async def find(self, provider: str, authorization_id: str) -> Authorization | None:
        """Look at an attempt, over or not."""
        return await self._find(None, _id=authorization_id, provider=provider)

    async def pending(
        self, workspace_id: str, at: PageRequest, *, begun_only: bool
    ) -> Page[Authorization]:
        """Return a page of a workspace's attempts that go on, those that end first before others.

        `begun_only` leaves out those that go on for whoever knows their ids.
        """
        query = _pending(workspace_id=workspace_id)
        if begun_only:
            query["binding"] = {"$exists": True}
        return await read_page(
            self._collection, query, at, Authorization.from_document, by="expires_at"
        )

    async def start(self, authorization: Authorization, browser: SecretStr) -> Started | None:
        """Begin in this browser, or there anew: an earlier state and verifier are void.

        None if the attempt is over, or began in another browser.
        """
        state, verifier = new_secret(), new_secret()
        binding = digest(browser)
        change: Document = {
            **_SUPERSEDING,
            "state_digest": digest(state),
            "binding": binding,
            VERIFIER: {
                "$literal": self._keyring.seal(verifier, _place(authorization)).model_dump()
            },
        }
        query = _pending(_id=authorization.id, binding={"$in": [None, binding]})
        result = await self._collection.update_one(query, [{"$set": change}])
        return Started(authorization, state, verifier, browser) if result.matched_count else None

    async def by_state(self, provider: str, state: SecretStr) -> Authorization | None:
        """Find the attempt that a callback answers, has answered before, or no longer does."""
        fields = ("state_digest", "answered_state", "superseded_states")
        either = [{field: digest(state)} for field in fields]
        return await self._find(None, provider=provider, **{"$or": either})

    async def claim(self, authorization: Authorization, state: SecretStr) -> SecretStr | None:
        """Use the state up and return the verifier; None for whoever comes second."""
        document = await self._collection.find_one_and_update(
            _pending(_id=authorization.id, state_digest=digest(state)),
            {"$rename": {"state_digest": "answered_state"}},
            return_document=ReturnDocument.BEFORE,
        )
        claimed = self._read(document) if document else None
        verifier = self._verifier(claimed) if claimed else None
        if claimed and verifier is None:
            change = {"$set": {"status": AuthorizationStatus.EXPIRED}}
            await self._collection.update_one(_going_on(claimed), change)
        return verifier

    def _verifier(self, claimed: Authorization) -> SecretStr | None:
        """Decrypt; None if its key was taken away meanwhile: the person begins anew."""
        if claimed.verifier is None:
            return None
        try:
            return self._keyring.open(claimed.verifier, _place(claimed))
        except UnreadableGrantError as error:
            log.error("verifier unreadable", authorization_id=claimed.id, error=str(error))
            return None

    async def finish(
        self,
        unit: UnitOfWork,
        authorization: Authorization,
        status: AuthorizationStatus,
        *,
        connection_id: str | None = None,
        finding: Finding | None = None,
        completion: Completion | None = None,
    ) -> None:
        """Store the outcome, with what came of it or why nothing did.

        What an operator has cancelled meanwhile, or a removal has ended, stays so.
        """
        change: Document = {"status": status}
        if connection_id is not None:
            change["connection_id"] = connection_id
        if finding is not None:
            change["finding"] = finding.model_dump()
        if completion is not None:
            change["completion"] = completion.model_dump()
        await self._collection.update_one(
            _going_on(authorization),
            {"$set": change, "$unset": {VERIFIER: ""}},
            session=unit.session,
        )

    async def cancel(
        self, unit: UnitOfWork, workspace_id: str, authorization_id: str
    ) -> Authorization:
        """End an attempt that goes on: its state and verifier are void, whoever is under way.

        One that has come to nothing stays as it is. Raises Problem 404, and 409 for one that has
        connected.
        """
        found = await self.get(workspace_id, authorization_id, unit.session)
        if found.status is AuthorizationStatus.COMPLETED:
            detail = "It has connected its account already: disconnect the connection instead."
            raise conflict("authorization-completed", detail, connection_id=found.connection_id)
        if found.status is not AuthorizationStatus.PENDING:
            return found
        change = {**_SUPERSEDING, "status": AuthorizationStatus.CANCELLED}
        gone = ["state_digest", VERIFIER]
        await self._collection.update_one(
            _going_on(found), [{"$set": change}, {"$unset": gone}], session=unit.session
        )
        return await self.get(workspace_id, authorization_id, unit.session)

    async def continue_by(
        self, unit: UnitOfWork, ended: Authorization, following: Authorization
    ) -> None:
        """Note which attempt goes on where this one ended, for whoever waits for its outcome."""
        change = {"$set": {"continued_by": following.id}}
        await self._collection.update_one({"_id": ended.id}, change, session=unit.session)

    async def end_all(self, unit: UnitOfWork, workspace_id: str, operator_id: str) -> None:
        """End what somebody began who has left the workspace, or what a link of theirs did."""
        theirs: list[Document] = [{"by_link": False}, {"recipient_id": operator_id}]
        query = _pending(workspace_id=workspace_id, operator_id=operator_id, **{"$or": theirs})
        change = {
            "$set": {"status": AuthorizationStatus.EXPIRED},
            "$unset": {"state_digest": "", VERIFIER: "", "binding": ""},
        }
        await self._collection.update_many(query, change, session=unit.session)

    async def is_pending(self, unit: UnitOfWork, authorization: Authorization) -> bool:
        """Whether an attempt goes on still, though its time may be over by now."""
        query = _going_on(authorization)
        return await self._collection.count_documents(query, session=unit.session) == 1

    async def _find(self, session: Session | None, **query: Any) -> Authorization | None:
        document = await self._collection.find_one(query, session=session)
        return self._read(document) if document else None

    def _read(self, document: Document) -> Authorization:
        return read(self._collection, Authorization.from_document, document)


def _kept(target: Connection | None, extras: Sequence[str]) -> tuple[str, ...]:
    """Return the extras that are wished for, and those that a connection has."""
    had = () if target is None else target.extras
    return tuple(dict.fromkeys([*had, *extras]))


# Moves the states that there were until now to those that a later press has superseded.
_SUPERSEDING: Document = {
    "superseded_states": {
        "$slice": [
            {
                "$concatArrays": [
                    {"$ifNull": ["$superseded_states", []]},
                    {"$filter": {"input": ["$state_digest", "$answered_state"], "cond": "$$this"}},
                ]
            },
            -SUPERSEDED_MOST,
        ]
    },
    "answered_state": "$$REMOVE",
}


def _going_on(authorization: Authorization) -> Document:
    """Find an attempt as long as nothing has come of it, though its time may be over by now."""
    return {"_id": authorization.id, "status": AuthorizationStatus.PENDING}


def _pending(**query: Any) -> Document:
    return {
        **query,
        "status": AuthorizationStatus.PENDING,
        "$expr": {"$gt": ["$expires_at", "$$NOW"]},
    }


def _place(authorization: Authorization) -> SecretLocation:
    return SecretLocation(authorization.workspace_id, authorization.id, VERIFIER)
