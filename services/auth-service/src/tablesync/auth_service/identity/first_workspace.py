"""The bootstrap file: a first workspace and its operators, made at the first start."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pymongo.errors import DuplicateKeyError
from tablesync.auth_service.identity.api_tokens import ApiToken, ApiTokens
from tablesync.auth_service.identity.members import Members, Membership, Operator, parse_role
from tablesync.auth_service.identity.workspaces import Workspace, Workspaces
from tablesync.auth_service.opaque_tokens import digest
from tablesync.contracts import new_id
from tablesync.contracts.internal_api.base import Text
from tablesync.contracts.names import Name
from tablesync.contracts.public_api.people import Email
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

log = structlog.get_logger()

TOKEN_NAME = "Bootstrap file"  # noqa: S105 - a name, no secret
# What these say names no value, and who reads the file could not find out by themselves.
OUR_RULES = ("value_error", "unfit_address")
# Only a digest is stored, which protects nothing that could be guessed: 32 bytes in base64.
GivenApiToken = Annotated[SecretStr, Field(min_length=43)]


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
    api_token: GivenApiToken | None = None
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
        yield f"{field} ({why})" if each["type"] in OUR_RULES else field


async def apply(units: UnitsOfWork, content: BootstrapFile) -> None:
    """Make the workspace unless it is there: what people changed since stays as they left it.

    Of several processes at once, one makes it.
    """
    first = _FirstWorkspace(units.database)
    try:
        made = await units.run(lambda unit: first.make(unit, content))
    except DuplicateKeyError:
        raise ValueError(
            "the bootstrap file's operators: an id or an API token is taken in another workspace; "
            "give new ones"
        ) from None
    what = "bootstrap file applied" if made else "bootstrap file passed over: its workspace exists"
    log.info(what, workspace_id=content.workspace.id)


class _FirstWorkspace:
    def __init__(self, database: Database) -> None:
        self._workspaces = Workspaces(database)
        self._members = Members(database)
        self._api_tokens = ApiTokens(database, self._members)

    async def make(self, unit: UnitOfWork, content: BootstrapFile) -> bool:
        """Make the workspace with its people; returns whether it was not there."""
        workspace = Workspace(id=content.workspace.id, name=content.workspace.name)
        if await self._workspaces.existing([workspace.id], unit.session):
            return False
        await self._workspaces.add(unit, workspace)
        for each in content.operators:
            await self._add(unit, workspace.id, each)
        return True

    async def _add(self, unit: UnitOfWork, workspace_id: str, wanted: BootstrapOperator) -> None:
        operator = await self._person(unit, wanted)
        role = parse_role(wanted.role)
        membership = Membership(workspace_id=workspace_id, operator_id=operator.id, role=role)
        await self._members.join(unit, membership, operator)
        if wanted.api_token is not None:
            token = ApiToken(
                id=new_id("tok"),
                workspace_id=workspace_id,
                operator_id=operator.id,
                name=TOKEN_NAME,
                digest=digest(wanted.api_token),
            )
            await self._api_tokens.add(unit, token)

    async def _person(self, unit: UnitOfWork, wanted: BootstrapOperator) -> Operator:
        """Return whoever has this address, perhaps from another workspace, else make them."""
        found = await self._members.find_operator(wanted.email, unit.session)
        if found is not None:
            return found
        operator = Operator(
            id=wanted.id, email=wanted.email, name=wanted.name, platform=wanted.platform
        )
        await self._members.add_operator(unit, operator)
        return operator
