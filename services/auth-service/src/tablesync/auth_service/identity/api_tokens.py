"""API tokens: shown once, stored as a digest, exchanged for user JWTs."""

from datetime import datetime

from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.identity.limits import AS_SHIPPED, LimitSettings
from tablesync.auth_service.identity.members import Members
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import API_TOKENS
from tablesync.contracts import new_id
from tablesync.contracts.specs import Sparse, Value
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.http.problems import limit_reached, not_found
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.reading import read
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

PREFIX = "tsk_"


class ApiToken(Value):
    """A token that acts as an operator in a workspace; one of the bootstrap file has no time."""

    id: str
    workspace_id: str
    operator_id: str
    name: str
    digest: str
    created_at: Sparse[datetime] = None

    def to_document(self) -> Document:
        """Return the stored form."""
        return {"_id": self.id, **self.model_dump(exclude={"id"})}

    @classmethod
    def from_document(cls, document: Document) -> "ApiToken":
        """Read the stored form."""
        return cls.model_validate({**document, "id": document["_id"]})


class ApiTokens:
    """The stored API tokens."""

    def __init__(
        self, database: Database, members: Members, settings: LimitSettings = AS_SHIPPED
    ) -> None:
        self._most = settings.auth_api_tokens_per_member
        self._collection = database[API_TOKENS]
        self._members = members

    async def principal_of(self, token: SecretStr) -> Principal | None:
        """Return whose token this is, with the role of now; None for an unknown one."""
        document = await self._collection.find_one({"digest": digest(token)})
        if document is None:
            return None
        found = read(self._collection, ApiToken.from_document, document)
        member = await self._members.find(found.workspace_id, found.operator_id)
        return member.principal() if member else None

    async def page(self, principal: Principal, at: PageRequest) -> Page[ApiToken]:
        """Return a page of the caller's own tokens, oldest first."""
        return await read_page(self._collection, _own(principal), at, ApiToken.from_document)

    async def create(
        self, unit: UnitOfWork, principal: Principal, name: str
    ) -> tuple[ApiToken, SecretStr]:
        """Make a token that acts as the caller; its secret is in no database.

        Raises Problem 409 for one too many; the audit has these come in turn.
        """
        own = await self._collection.count_documents(_own(principal), session=unit.session)
        if own >= self._most:
            raise limit_reached(
                "API tokens of a member",
                self._most,
                "Delete one that is not used any more.",
                "AUTH_API_TOKENS_PER_MEMBER",
            )
        secret = new_secret(PREFIX)
        token = ApiToken(
            id=new_id("tok"),
            workspace_id=principal.workspace_id,
            operator_id=principal.operator_id,
            name=name,
            digest=digest(secret),
            created_at=unit.now,
        )
        await self.add(unit, token)
        await audit.record(
            unit, token.workspace_id, token.operator_id, "api-token.created", token.id
        )
        return token, secret

    async def add(self, unit: UnitOfWork, token: ApiToken) -> None:
        """Store a new token."""
        await self._collection.insert_one(token.to_document(), session=unit.session)

    async def delete(self, unit: UnitOfWork, principal: Principal, token_id: str) -> None:
        """Delete one of the caller's tokens; raises Problem 404."""
        query = {"_id": token_id, **_own(principal)}
        result = await self._collection.delete_one(query, session=unit.session)
        if not result.deleted_count:
            raise not_found("API token")
        await audit.record(
            unit, principal.workspace_id, principal.operator_id, "api-token.deleted", token_id
        )

    async def delete_all(self, unit: UnitOfWork, workspace_id: str, operator_id: str) -> None:
        """Delete every token of somebody who has left a workspace."""
        query = {"workspace_id": workspace_id, "operator_id": operator_id}
        await self._collection.delete_many(query, session=unit.session)


def _own(principal: Principal) -> Document:
    return {"workspace_id": principal.workspace_id, "operator_id": principal.operator_id}
