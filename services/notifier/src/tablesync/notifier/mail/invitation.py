"""The mail of an invitation: auth-service alone knows the address, which is nobody's here yet."""

from datetime import datetime

from tablesync.contracts import MemberInvited
from tablesync.contracts.internal_api import InvitationLinkAnswer
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import AuthService, MailContent
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import Addressee, MailSubject, PlannedMail
from tablesync.service_kit.errors import UnknownToPeerError


def planned(event: MemberInvited, now: datetime) -> PlannedMail:
    """Plan the mail that an invitation asks for: one for each time it is sent."""
    return PlannedMail(
        incident_ids=(event.invitation_id,),
        workspace_id=event.workspace_id,
        about=MailSubject.INVITATION,
        kind=MailKind.INVITATION,
        step=event.mail_number,
        due_at=now,
        created_at=now,
    )


class InvitationWriter:
    """Writes invitations, each with a fresh link."""

    def __init__(self, auth: AuthService) -> None:
        self._auth = auth

    async def write(self, job: MailJob) -> MailContent | None:
        """Write about an open invitation; None once it was accepted, withdrawn or has expired."""
        (invitation_id,) = job.incident_ids
        try:
            asked = await self._auth.invitation_link(invitation_id, job.workspace_id)
        except UnknownToPeerError:
            return None
        return _content(invitation_id, asked)


def _content(invitation_id: str, asked: InvitationLinkAnswer) -> MailContent:
    inviter, workspace = wording.plain(asked.invited_by.name), wording.plain(asked.workspace_name)
    facts = {
        "inviter": inviter,
        "inviter_email": wording.plain(asked.invited_by.email),
        "workspace": workspace,
        "role": asked.role,
        "email": wording.plain(asked.email),
        "link": asked,
    }
    to = Addressee(operator_id=invitation_id, email=asked.email, name=asked.name)
    subject = f"{inviter} invites you to “{workspace}” in TableSync"
    return MailContent("invitation", subject, facts, [to])
