"""The workspaces that somebody is a member of."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.auth_service.identity.members import Member, Members
from tablesync.auth_service.identity.workspaces import Workspace, Workspaces
from tablesync.service_kit.http.pages import Page, PageRequest


@dataclass(frozen=True)
class OwnWorkspace:
    """A workspace and what somebody is in it."""

    workspace: Workspace
    member: Member

    @property
    def role(self) -> str:
        """The role's name."""
        return self.member.role.name.lower()


class OwnWorkspaces:
    """Looks up what somebody is a member of."""

    def __init__(self, workspaces: Workspaces, members: Members) -> None:
        self._workspaces = workspaces
        self._members = members

    async def of(self, email: str) -> Sequence[OwnWorkspace]:
        """Return all workspaces of whoever has this address."""
        return await self._named(await self._members.of_person(email))

    async def page(self, email: str, at: PageRequest) -> Page[OwnWorkspace]:
        """Return a page of them."""
        page = await self._members.page_of_person(email, at)
        return page.with_items([*await self._named(page.items)])

    async def _named(self, members: Sequence[Member]) -> Sequence[OwnWorkspace]:
        found = await self._workspaces.named([each.workspace_id for each in members])
        return [
            OwnWorkspace(found[each.workspace_id], each)
            for each in members
            if each.workspace_id in found
        ]
