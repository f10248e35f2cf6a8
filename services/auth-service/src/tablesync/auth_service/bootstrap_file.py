"""The local stack's bootstrap file: a workspace and operators, there from the start."""

from pathlib import Path

import structlog
from pydantic import BaseModel, SecretStr, ValidationError
from tablesync.auth_service import api_tokens
from tablesync.auth_service.store import (
    API_TOKENS,
    MEMBERSHIPS,
    OPERATORS,
    WORKSPACES,
    Database,
)
from tablesync.auth_service.workspaces import (
    Email,
    membership_document,
    operator_document,
    parse_role,
)
from tablesync.service_kit.mongo import Document

log = structlog.get_logger()


class BootstrapWorkspace(BaseModel):
    """A workspace to be there."""

    id: str
    name: str


class BootstrapOperator(BaseModel):
    """An operator to be there, with an API token where scripts need one."""

    id: str
    email: Email
    name: str
    role: str
    api_token: SecretStr | None = None
    platform: bool = False


class BootstrapFile(BaseModel):
    """The file's content."""

    workspace: BootstrapWorkspace
    operators: list[BootstrapOperator]


def read(path: Path) -> BootstrapFile:
    """Read the file; raises ValueError that names fields, never values."""
    try:
        return BootstrapFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        fields = (".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        raise ValueError(f"has bad fields: {', '.join(fields)}") from None


async def ensure(database: Database, content: BootstrapFile) -> None:
    """Make what is missing; idempotent, and safe in several processes at once."""
    workspace = content.workspace
    await _ensure(database, WORKSPACES, {"_id": workspace.id, "name": workspace.name})
    for each in content.operators:
        await _ensure(
            database,
            OPERATORS,
            operator_document(each.id, each.email, each.name, platform=each.platform),
        )
        membership = membership_document(workspace.id, each.id, parse_role(each.role))
        await _ensure(database, MEMBERSHIPS, membership)
        if each.api_token is not None:
            token_id = f"tok_{each.id.partition('_')[2]}"
            token = api_tokens.document(
                token_id, workspace.id, each.id, "Local stack", each.api_token
            )
            await _ensure(database, API_TOKENS, token)
    log.info("bootstrap file applied", workspace_id=workspace.id)


async def _ensure(database: Database, collection: str, document: Document) -> None:
    query = {"_id": document["_id"]}
    await database[collection].replace_one(query, document, upsert=True)
