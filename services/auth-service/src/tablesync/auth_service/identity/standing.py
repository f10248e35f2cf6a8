"""Standing: whoever changes something is looked up, since a user JWT outlives a removal."""

from typing import Any

from fastapi import Depends
from tablesync.auth_service.identity.members import Members
from tablesync.service_kit.http import idempotency
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
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


class Standing:
    """Knows what people may do now; their tokens know it as of up to five minutes ago."""

    def __init__(self, verifier: Verifier, members: Members) -> None:
        self._verifier = verifier
        self._members = members

    def told(self, role: OperatorRole) -> Dependency:
        """Make a FastAPI dependency for reads, which believes what the token says of the role."""
        return at_least(self._verifier, role)

    def once(self, units: UnitsOfWork, role: OperatorRole) -> Any:
        """Make the default of a route's `once: Once`, for changes by callers of this role by now.

        The role is asked for when the request comes and again in the change's transaction, where
        the caller acts as a member: a removal or demotion at that moment comes before or after it.
        """

        async def admit(unit: UnitOfWork, who: Principal) -> None:
            member = await self._members.act(unit, who.workspace_id, who.operator_id)
            if member is None:
                raise _member_no_longer()
            who.model_copy(update={"role": member.role}).need(role)

        return idempotency.dependency(units, self._now(role), admit)

    def _now(self, role: OperatorRole) -> Dependency:
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
