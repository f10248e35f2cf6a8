"""Askers: whoever asks for an attempt has to be allowed to connect accounts until it is through."""

from tablesync.auth_service.identity.members import Member, Members, Membership, Operator
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Askers:
    """Knows who may connect accounts, as of now: who began an attempt, or whose mail's link it is.

    A link that was made for nobody, by an earlier version, is its own right.
    """

    def __init__(self, members: Members) -> None:
        self._members = members

    async def find(self, workspace_id: str, asker_id: str | None) -> Operator | None:
        """Return who asks; None for nobody, and for who may not connect any more."""
        member = await self._members.find(workspace_id, asker_id) if asker_id else None
        return member.operator if member and _may_connect(member) else None

    async def may(self, workspace_id: str, asker_id: str | None) -> bool:
        """Whether something may go on, as far as its asker is concerned."""
        return asker_id is None or await self.find(workspace_id, asker_id) is not None

    async def act(self, unit: UnitOfWork, workspace_id: str, asker_id: str | None) -> bool:
        """Whether something may go on, in the transaction in which it does.

        Whoever asks acts as a member: a removal or demotion at that moment comes before or after
        it.
        """
        if asker_id is None:
            return True
        member = await self._members.act(unit, workspace_id, asker_id)
        return member is not None and _may_connect(member)


def _may_connect(member: Member | Membership) -> bool:
    return member.role >= OperatorRole.OPERATOR
