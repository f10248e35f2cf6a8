"""Leaving a workspace or a role: with it ends whatever somebody could still do by it."""

from tablesync.auth_service.consent.authorizations import Authorizations
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Member, Members
from tablesync.contracts import MemberRemoved, MemberRoleChanged
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Leaving:
    """Removes and demotes members."""

    def __init__(
        self,
        members: Members,
        invitations: Invitations,
        api_tokens: ApiTokens,
        authorizations: Authorizations,
        links: ReconnectLinks,
    ) -> None:
        self._members = members
        self._invitations = invitations
        self._api_tokens = api_tokens
        self._authorizations = authorizations
        self._links = links

    async def remove(self, unit: UnitOfWork, by: Principal, operator_id: str) -> None:
        """Remove a member; raises Problem 404, or 409 for the last admin."""
        workspace_id = by.workspace_id
        await self._members.remove(unit, by, operator_id)
        await self._api_tokens.delete_all(unit, workspace_id, operator_id)
        await self._end_connecting(unit, workspace_id, operator_id)
        await self._invitations.withdraw_all(unit, workspace_id, operator_id)
        unit.publish(
            MemberRemoved(
                workspace_id=workspace_id, operator_id=operator_id, removed_by=by.operator_id
            )
        )

    async def change_role(
        self, unit: UnitOfWork, by: Principal, operator_id: str, role: OperatorRole
    ) -> Member:
        """Give a member another role; raises Problem 404, or 409 for the last admin."""
        workspace_id = by.workspace_id
        before = await self._members.change_role(unit, by, operator_id, role)
        if role < OperatorRole.ADMIN:
            await self._invitations.withdraw_all(unit, workspace_id, operator_id)
        if role < OperatorRole.OPERATOR:
            await self._end_connecting(unit, workspace_id, operator_id)
        if role is not before:
            unit.publish(_changed(by, operator_id, role, before))
        member = await self._members.find(workspace_id, operator_id, unit.session)
        if member is None:
            raise not_found("member")
        return member

    async def _end_connecting(self, unit: UnitOfWork, workspace_id: str, operator_id: str) -> None:
        await self._authorizations.end_all(unit, workspace_id, operator_id)
        await self._links.end_all(unit, workspace_id, operator_id)


def _changed(
    by: Principal, operator_id: str, role: OperatorRole, before: OperatorRole
) -> MemberRoleChanged:
    return MemberRoleChanged(
        workspace_id=by.workspace_id,
        operator_id=operator_id,
        role=role.name.lower(),
        previous_role=before.name.lower(),
        changed_by=by.operator_id,
    )
