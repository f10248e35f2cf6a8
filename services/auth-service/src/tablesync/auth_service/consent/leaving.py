"""Leaving a workspace: with the membership ends whatever somebody could still do by it."""

from tablesync.auth_service.consent.authorizations import Authorizations
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Members
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Leaving:
    """Removes members."""

    def __init__(
        self,
        members: Members,
        invitations: Invitations,
        api_tokens: ApiTokens,
        authorizations: Authorizations,
    ) -> None:
        self._members = members
        self._invitations = invitations
        self._api_tokens = api_tokens
        self._authorizations = authorizations

    async def remove(self, unit: UnitOfWork, by: Principal, operator_id: str) -> None:
        """Remove a member; raises Problem 404, or 409 for the last admin."""
        workspace_id = by.workspace_id
        await self._members.remove(unit, by, operator_id)
        await self._api_tokens.delete_all(unit, workspace_id, operator_id)
        await self._authorizations.end_all(unit, workspace_id, operator_id)
        await self._invitations.withdraw_all(unit, workspace_id, operator_id)
