"""What a mail says, before it is rendered for one person, and whom its writer may ask."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from tablesync.contracts.internal_api import (
    AffectedSync,
    CatchUpCounts,
    InvitationLinkAnswer,
    Recipient,
    ReconnectLinkAnswer,
    SyncOwner,
)
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Addressee

Candidate = Addressee | Recipient
Link = ReconnectLinkAnswer | InvitationLinkAnswer
LINK_LEFT_OUT = "(a link for the mail’s reader alone)"


@dataclass(frozen=True)
class LeftOutLink:
    """Stands where a mail has a link, for those whose it is not."""

    expires_at: datetime | None
    url: str = LINK_LEFT_OUT


@dataclass(frozen=True)
class MailContent:
    """A template with its facts, and whom it may go to, best first.

    Facts may hold a link: content is never stored or logged. `link_for` makes the one that is good
    for one person alone, once it is known who that is.
    """

    template: str
    subject: str
    facts: dict[str, Any] = field(repr=False)
    candidates: Sequence[Candidate]
    answers: str | None = None  # the Message-ID of the mail that this one follows
    link_for: Callable[[Addressee], Awaitable[ReconnectLinkAnswer | None]] | None = None

    async def addressed(self, to: Addressee) -> "MailContent":
        """Return what the mail says to one person; raises NotYetError."""
        if self.link_for is None:
            return self
        return replace(self, facts={**self.facts, "link": await self.link_for(to)})

    def without_link(self) -> "MailContent":
        """Return what the mail says to everybody else; one that is still to be made is not made."""
        made: Link | None = self.facts.get("link")
        if made is None and ("link" in self.facts or self.link_for is None):
            return self
        left_out = LeftOutLink(made.expires_at if made else None)
        return replace(self, facts={**self.facts, "link": left_out})


class NotYetError(Exception):
    """The mail has to wait for something: ask again in `seconds`."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class MailWriter(Protocol):
    """Writes one kind of mail."""

    async def write(self, job: MailJob) -> MailContent | None:
        """Return what the mail says, or None if its reason went away; raises NotYetError."""


class AuthService(Protocol):
    """What writers ask auth-service; raises DependencyUnavailableError and UnknownToPeerError."""

    async def recipients(self, connection_id: str, workspace_id: str) -> Sequence[Recipient]:
        """Return who may be mailed about a connection, best first."""

    async def workspace_recipients(
        self, workspace_id: str, owner_id: str | None
    ) -> Sequence[Recipient]:
        """Return who may be mailed about a sync, best first."""

    async def reconnect_link(
        self, connection_id: str, workspace_id: str, recipient_id: str
    ) -> ReconnectLinkAnswer:
        """Have a fresh reconnect link made for somebody."""

    async def invitation_link(self, invitation_id: str, workspace_id: str) -> InvitationLinkAnswer:
        """Return an open invitation, with a fresh link to it."""


class Scheduler(Protocol):
    """What writers ask the scheduler; raises DependencyUnavailableError and UnknownToPeerError."""

    async def affected_syncs(self, connection_id: str, workspace_id: str) -> Sequence[AffectedSync]:
        """Return the syncs that use a connection."""

    async def catch_up_counts(self, connection_id: str, workspace_id: str) -> CatchUpCounts:
        """Return how far the catch-ups of all syncs that use a connection are."""

    async def sync_owner(self, sync_id: str, workspace_id: str) -> SyncOwner:
        """Return a sync's name and owner."""
