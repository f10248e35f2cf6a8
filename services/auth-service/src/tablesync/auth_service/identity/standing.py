"""Standing: whoever changes something is looked up, since a user JWT outlives a removal."""

from fastapi import Depends
from tablesync.auth_service.identity.members import Members
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import (
    USER_JWT,
    Dependency,
    OperatorRole,
    Principal,
    at_least,
    principal_of,
)


class Standing:
    """Knows what people may do now; their tokens know it as of up to five minutes ago."""

    def __init__(self, verifier: Verifier, members: Members) -> None:
        self._verifier = verifier
        self._members = members

    def told(self, role: OperatorRole) -> Dependency:
        """Make a FastAPI dependency for reads, which believes what the token says of the role."""
        return at_least(self._verifier, role)

    def now(self, role: OperatorRole) -> Dependency:
        """Make a FastAPI dependency for changes, which asks what the caller may do by now."""

        async def dependency(token: str = Depends(USER_JWT)) -> Principal:
            told = principal_of(self._verifier, token)
            member = await self._members.find(told.workspace_id, told.operator_id)
            if member is None:
                raise _member_no_longer()
            principal = member.principal()
            principal.need(role)
            return principal

        return dependency


def _member_no_longer() -> Problem:
    return Problem(
        401,
        "unauthorized",
        "You are not a member of this workspace any more; sign in again.",
        headers={"WWW-Authenticate": "Bearer"},
    )
