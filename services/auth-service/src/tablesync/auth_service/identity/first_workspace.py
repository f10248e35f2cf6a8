"""The bootstrap file: a first workspace and its operators, made at the first start."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pymongo.errors import DuplicateKeyError
from tablesync.auth_service.identity import api_tokens
from tablesync.auth_service.identity.workspaces import (
    Email,
    Name,
    membership_document,
    operator_document,
    parse_role,
)
from tablesync.auth_service.store import API_TOKENS, MEMBERSHIPS, OPERATORS, WORKSPACES
from tablesync.contracts import new_id
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.text import Text

log = structlog.get_logger()

TOKEN_NAME = "Bootstrap file"  # noqa: S105 - a name, no secret
# Only a digest is stored, which protects nothing that could be guessed: 32 bytes in base64.
ApiToken = Annotated[SecretStr, Field(min_length=43)]


class BootstrapWorkspace(BaseModel):
    """The workspace to make."""

    id: Text
    name: Name


class BootstrapOperator(BaseModel):
    """An operator to make, with an API token where scripts need one."""

    id: Text
    email: Email
    name: Name
    role: Literal["viewer", "operator", "admin"]
    api_token: ApiToken | None = None
    platform: bool = False


class BootstrapFile(BaseModel):
    """The file's content."""

    workspace: BootstrapWorkspace
    operators: list[BootstrapOperator]

    @field_validator("operators")
    @classmethod
    def _somebody_rules_and_all_differ(
        cls, operators: list[BootstrapOperator]
    ) -> list[BootstrapOperator]:
        """The file is applied once, so a mistake in it would stay for ever."""
        if not any(each.role == "admin" for each in operators):
            raise ValueError("one of them has to be an admin")
        for unique in (_ids, _addresses, _tokens):
            values = unique(operators)
            if len(set(values)) < len(values):
                raise ValueError("ids, e-mail addresses and API tokens have to differ")
        return operators


def _ids(operators: Sequence[BootstrapOperator]) -> list[str]:
    return [each.id for each in operators]


def _addresses(operators: Sequence[BootstrapOperator]) -> list[str]:
    return [each.email.casefold() for each in operators]


def _tokens(operators: Sequence[BootstrapOperator]) -> list[str]:
    return [each.api_token.get_secret_value() for each in operators if each.api_token]


def read(path: Path) -> BootstrapFile:
    """Read the file; raises ValueError that names fields, never values."""
    try:
        return BootstrapFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise ValueError(f"has bad fields: {', '.join(_named(error))}") from None


def _named(error: ValidationError) -> Iterator[str]:
    """Name each bad field, with what our own rules say of it."""
    for each in error.errors(include_input=False):
        field = ".".join(map(str, each["loc"]))
        why = each["msg"].removeprefix("Value error, ")
        yield f"{field} ({why})" if each["type"] == "value_error" else field


async def apply(units: UnitsOfWork, content: BootstrapFile) -> None:
    """Make the workspace unless it is there: what people changed since stays as they left it.

    Of several processes at once, one makes it.
    """

    async def work(unit: UnitOfWork) -> bool:
        return await _make(unit, content)

    try:
        made = await units.run(work)
    except DuplicateKeyError:
        raise ValueError(
            "the bootstrap file's operators: an id or an API token is taken in another workspace; "
            "give new ones"
        ) from None
    what = "bootstrap file applied" if made else "bootstrap file passed over: its workspace exists"
    log.info(what, workspace_id=content.workspace.id)


async def _make(unit: UnitOfWork, content: BootstrapFile) -> bool:
    workspace = content.workspace
    rows = unit.database[WORKSPACES]
    if await rows.find_one({"_id": workspace.id}, session=unit.session):
        return False
    await rows.insert_one({"_id": workspace.id, "name": workspace.name}, session=unit.session)
    for each in content.operators:
        await _add(unit, workspace.id, each)
    return True


async def _add(unit: UnitOfWork, workspace_id: str, operator: BootstrapOperator) -> None:
    operator_id = await _person(unit, operator)
    membership = membership_document(workspace_id, operator_id, parse_role(operator.role))
    await unit.database[MEMBERSHIPS].insert_one(membership, session=unit.session)
    if operator.api_token is not None:
        token = api_tokens.document(
            new_id("tok"), workspace_id, operator_id, TOKEN_NAME, operator.api_token
        )
        await unit.database[API_TOKENS].insert_one(token, session=unit.session)


async def _person(unit: UnitOfWork, operator: BootstrapOperator) -> str:
    """Return the id of whoever has this address, perhaps from another workspace, else make them."""
    people = unit.database[OPERATORS]
    new = operator_document(operator.id, operator.email, operator.name, platform=operator.platform)
    found: Document | None = await people.find_one(
        {"email_key": new["email_key"]}, session=unit.session
    )
    if found is None:
        await people.insert_one(new, session=unit.session)
    return str((found or new)["_id"])
