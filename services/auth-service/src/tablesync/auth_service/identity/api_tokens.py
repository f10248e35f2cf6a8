"""API tokens: shown once, stored as a digest, exchanged for user JWTs."""

from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import API_TOKENS
from tablesync.contracts import new_id
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

PREFIX = "tsk_"


class ApiTokens:
    """Reads of API tokens."""

    def __init__(self, database: Database, workspaces: Workspaces) -> None:
        self._collection = database[API_TOKENS]
        self._workspaces = workspaces

    async def principal_of(self, token: SecretStr) -> Principal | None:
        """Return whose token this is, with the role of now; None for an unknown one."""
        row = await self._collection.find_one({"digest": digest(token)})
        if row is None:
            return None
        member = await self._workspaces.member(row["workspace_id"], row["operator_id"])
        return member.principal(row["workspace_id"]) if member else None

    async def of(self, principal: Principal) -> list[Document]:
        """Return the caller's own tokens, never their secrets."""
        query = {"workspace_id": principal.workspace_id, "operator_id": principal.operator_id}
        return [_view(row) async for row in self._collection.find(query).sort("_id", 1)]


async def create(unit: UnitOfWork, principal: Principal, name: str) -> Document:
    """Make a token that acts as the caller; the answer is the only place that shows it."""
    token = new_secret(PREFIX)
    row = document(new_id("tok"), principal.workspace_id, principal.operator_id, name, token)
    row["created_at"] = unit.now
    await unit.database[API_TOKENS].insert_one(row, session=unit.session)
    await audit.record(
        unit, principal.workspace_id, principal.operator_id, "api-token.created", row["_id"]
    )
    return {**_view(row), "api_token": token.get_secret_value()}


async def delete(unit: UnitOfWork, principal: Principal, token_id: str) -> Document:
    """Delete one of the caller's tokens; raises Problem 404."""
    query = {
        "_id": token_id,
        "workspace_id": principal.workspace_id,
        "operator_id": principal.operator_id,
    }
    result = await unit.database[API_TOKENS].delete_one(query, session=unit.session)
    if not result.deleted_count:
        raise not_found("API token")
    await audit.record(
        unit, principal.workspace_id, principal.operator_id, "api-token.deleted", token_id
    )
    return {"id": token_id, "deleted": True}


def document(
    token_id: str, workspace_id: str, operator_id: str, name: str, token: SecretStr
) -> Document:
    """Return the stored form, without the time."""
    return {
        "_id": token_id,
        "workspace_id": workspace_id,
        "operator_id": operator_id,
        "name": name,
        "digest": digest(token),
    }


def _view(row: Document) -> Document:
    created_at = row.get("created_at")
    return {
        "id": row["_id"],
        "name": row["name"],
        "created_at": rfc3339(created_at) if created_at else None,
    }
