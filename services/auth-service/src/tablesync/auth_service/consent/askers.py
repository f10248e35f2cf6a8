"""Askers: whoever began an attempt has to be allowed to connect accounts until it is through."""

from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.identity.members import Member, Members, Membership, Operator
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Askers:
    """Knows who asks, as of now; a mail's link is its own right, whoever owns the connection."""

    def __init__(self, members: Members) -> None:
        self._members = members

    async def find(self, attempt: Authorization) -> Operator | None:
        """Return who began an attempt; None for a link, and for who may not connect any more."""
        if attempt.by_link:
            return None
        member = await self._members.find(attempt.workspace_id, attempt.operator_id)
        return member.operator if member and _may_connect(member) else None

    async def act(self, unit: UnitOfWork, attempt: Authorization) -> bool:
        """Whether an attempt may go on, in the transaction in which it does.

        Whoever began it acts as a member: a removal or demotion at that moment comes before or
        after it.
        """
        if attempt.by_link:
            return True
        member = await self._members.act(unit, attempt.workspace_id, attempt.operator_id)
        return member is not None and _may_connect(member)


def _may_connect(member: Member | Membership) -> bool:
    return member.role >= OperatorRole.OPERATOR
