"""The workspaces that somebody is a member of."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.auth_service.identity.members import Member, Members
from tablesync.auth_service.identity.workspaces import Workspace, Workspaces
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.mongo.reading import Found


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

    async def entered_by(self, email: str) -> Sequence[Member]:
        """Return whoever has this address as a member of each workspace, readable or not."""
        members = await self._members.of_person(email)
        existing = await self._workspaces.existing(each.workspace_id for each in members)
        return [each for each in members if each.workspace_id in existing]

    async def page(self, email: str, at: PageRequest) -> Page[OwnWorkspace]:
        """Return a page of them."""
        page = await self._members.page_of_person(email, at)
        return page.with_found(await self.named(page.items))

    async def named(self, members: Sequence[Member]) -> Found[OwnWorkspace]:
        """Return the workspaces that somebody is these members of."""
        found = await self._workspaces.named(each.workspace_id for each in members)
        known = {each.id: each for each in found.items}
        own = [
            OwnWorkspace(known[each.workspace_id], each)
            for each in members
            if each.workspace_id in known
        ]
        return Found(own, found.unread_ids)
