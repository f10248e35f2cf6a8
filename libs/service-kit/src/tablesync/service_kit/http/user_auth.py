"""User JWTs: who the operator is, in which workspace, with which role."""

from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.http.service_auth import (
    USER_AUDIENCE,
    USER_TOKEN,
    BearerToken,
    Signer,
    Verifier,
    unauthorized,
)

LIFETIME_SECONDS = 300
USER_JWT = BearerToken(
    "user_jwt", "What `POST /v1/tokens` of auth-service gives for a sign-in or an API token."
)


Id = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]


class OperatorRole(IntEnum):
    """What an operator may do; each role may do what the lower ones may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


class Principal(BaseModel):
    """The operator behind a request; the workspace comes from here and nowhere else."""

    model_config = ConfigDict(frozen=True)

    operator_id: str
    workspace_id: str
    role: OperatorRole
    platform: bool = False

    @property
    def key_scope(self) -> tuple[str, str]:
        """Whose an Idempotency-Key is."""
        return self.workspace_id, self.operator_id

    def need(self, role: OperatorRole) -> None:
        """Raise Problem 403 for whoever has a lower role."""
        if self.role < role:
            raise Problem(403, "forbidden", f"This needs the role {role.name.lower()}.")


class _Claims(BaseModel):
    sub: Id
    ws: Id
    role: Literal["viewer", "operator", "admin"]
    platform: bool = False


def issue(signer: Signer, principal: Principal) -> str:
    """Make a 5-minute user JWT; only auth-service does."""
    claims = {
        "aud": USER_AUDIENCE,
        "use": USER_TOKEN,
        "sub": principal.operator_id,
        "ws": principal.workspace_id,
        "role": principal.role.name.lower(),
        "platform": principal.platform,
    }
    return signer.sign(claims, LIFETIME_SECONDS)


def principal_of(verifier: Verifier, token: str) -> Principal:
    """Read the principal in a user JWT; raises Problem 401."""
    try:
        claims = _Claims.model_validate(verifier.user_claims(token), strict=True)
    except ValidationError as error:
        raise unauthorized() from error
    return Principal(
        operator_id=claims.sub,
        workspace_id=claims.ws,
        role=OperatorRole[claims.role.upper()],
        platform=claims.platform,
    )


Dependency = Callable[[str], Coroutine[Any, Any, Principal]]


def at_least(verifier: Verifier, role: OperatorRole) -> Dependency:
    """Make a FastAPI dependency that admits operators of this role or a higher one."""

    async def dependency(token: str = Depends(USER_JWT)) -> Principal:
        principal = principal_of(verifier, token)
        principal.need(role)
        return principal

    return dependency


def platform_only(verifier: Verifier) -> Dependency:
    """Make a FastAPI dependency that admits those who run TableSync itself."""

    async def dependency(token: str = Depends(USER_JWT)) -> Principal:
        principal = principal_of(verifier, token)
        if not principal.platform:
            raise Problem(403, "forbidden", "This is for those who run TableSync itself.")
        return principal

    return dependency
