"""Shows incidents and their mails as `/v1` says them."""

from tablesync.contracts.public_api.incidents import IncidentView, MailStatus, MailView
from tablesync.contracts.wording import help_pages
from tablesync.notifier.incidents.incidents import ToldIncident
from tablesync.notifier.mail.plan import Mail
from tablesync.notifier.models import SyncIncident
from tablesync.service_kit.settings import ServiceSettings


def incident_view(settings: ServiceSettings, told: ToldIncident) -> IncidentView:
    """Show an incident with its mails, and where the help explains it."""
    incident = told.incident
    return IncidentView(
        id=incident.id,
        kind=incident.kind,
        connection_id=incident.connection_id,
        sync_id=incident.sync_id if isinstance(incident, SyncIncident) else None,
        cause=incident.cause,
        help=settings.help_page(help_pages.of_incident(incident.cause)),
        status=incident.status,
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        mails=[_mail(each) for each in told.mails],
    )


def _mail(shown: Mail) -> MailView:
    """Show a mail; what it once waited for says nothing of one that is done with."""
    return MailView(
        id=shown.public_id,
        kind=shown.kind,
        status=shown.status,
        to=shown.to.email if shown.to else None,
        message_id=shown.message_id,
        sent_at=shown.sent_at,
        waits_for=shown.waits_for if shown.status is MailStatus.PENDING else None,
    )
