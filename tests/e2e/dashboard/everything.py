"""A workspace with one of everything that a page can show."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tablesync.client import TableSync
from tablesync.contracts.public_api.catalog import NewDryRun
from tablesync.contracts.public_api.connections import NewAuthorization
from tablesync.contracts.public_api.people import NewApiToken, NewMember, Role
from tablesync.contracts.public_api.syncs import SyncEdit
from tablesync.dashboard.pages.making.asked_sync import contents
from tablesync.test_kit import eventually

from .visitor import OTHER_PORTAL, PORTAL, Visitor

# As long as a name may be: of one word, of another direction, and of markup and both directions.
LONG = "Überlang" * 25
RIGHT_TO_LEFT = ("שלום עולם, مرحبا بالعالم " * 9)[:199].strip()
ODD_NAME = ("<b>Ada & Co</b> שלום مرحبا " + LONG)[:200]
INVITED = "invited@example.test"


@dataclass(frozen=True)
class Everything:
    """What there is, by what addresses call it; one HubSpot is lost, another is well."""

    provider: str
    connection_id: str
    sync_id: str
    run_id: str
    change_id: str
    since: int
    incident_id: str
    mail_id: str
    dry_run_id: str
    refused_id: str
    authorization_id: str
    operator_id: str
    session_id: str
    invitation_id: str
    token_id: str
    act: str = "pause"

    def path(self, template: str) -> str:
        """Return the address of something that is there."""
        return template.format(**asdict(self))


class Full(NamedTuple):
    """Somebody in a workspace with one of everything."""

    visitor: Visitor
    there: Everything


async def everything(ada: Visitor) -> Everything:
    """Have one of everything in a workspace: lost, reconnected, refused, and lost once more."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    sync = await ada.makes_a_sync("deals", hubspot, airtable)
    await _loses(ada, hubspot)
    refused = await ada.signs_in("hubspot", OTHER_PORTAL, hubspot)
    await ada.signs_in("hubspot", PORTAL, hubspot)
    async with ada.tablesync as tablesync:
        receipt = (await eventually(lambda: _receipts(tablesync, hubspot)))[0]
        named = await tablesync.syncs.edit(sync.id, SyncEdit(name=ODD_NAME))
        await tablesync.connections.rename(hubspot, LONG)
        await tablesync.connections.rename(airtable, RIGHT_TO_LEFT)
        run = (await tablesync.runs.page(sync_id=sync.id)).items[0]
        change = await tablesync.syncs.pause_connection(airtable)
        await eventually(lambda: _is_done(tablesync, change.id))
        await tablesync.syncs.resume(sync.id)
        wanted = NewDryRun.model_validate({**contents(named), "sync_id": sync.id})
        dry_run = await tablesync.dry_runs.start(wanted)
        (member,) = [each async for each in tablesync.members.all()]
        invited = NewMember(email=INVITED, name=ODD_NAME, role=Role.VIEWER)
        await tablesync.members.invite(invited)
        (invitation,) = [each async for each in tablesync.members.invitations()]
        token = await tablesync.api_tokens.create(NewApiToken(name=LONG[:100]))
        session = await anext(tablesync.sessions.all())
    await _loses(ada, hubspot)
    async with ada.tablesync as tablesync:
        incident_id, mail_id = await eventually(lambda: _mailed(tablesync))
        attempt = await tablesync.authorizations.create(NewAuthorization(provider="airtable"))
    await ada.connects("hubspot", OTHER_PORTAL)

    return Everything(
        "hubspot",
        hubspot,
        sync.id,
        run.id,
        change.id,
        _milliseconds(receipt),
        incident_id,
        mail_id,
        dry_run.id,
        refused,
        attempt.id,
        member.operator_id,
        session.id,
        invitation.id,
        token.id,
    )


async def _loses(ada: Visitor, connection_id: str) -> None:
    """Lose HubSpot, and wait until that is known."""
    await ada.loses_hubspot()
    async with ada.tablesync as tablesync:
        await eventually(lambda: _is_lost(tablesync, connection_id))


async def _is_lost(tablesync: TableSync, connection_id: str) -> bool:
    return (await tablesync.connections.get(connection_id)).status == "revoked"


async def _receipts(tablesync: TableSync, connection_id: str) -> list[datetime]:
    """Return since when outages were that have been caught up."""
    found = (await tablesync.receipts.page(connection_id)).items
    return [each.lost_at for each in found if each.back_at]


async def _is_done(tablesync: TableSync, change_id: str) -> bool:
    return (await tablesync.syncs.bulk_change(change_id)).status == "done"


async def _mailed(tablesync: TableSync) -> tuple[str, str] | None:
    """Return an incident and a mail about it, once there is one."""
    incidents = (await tablesync.incidents.page()).items
    return next(((each.id, mail.id) for each in incidents for mail in each.mails), None)


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1_000)
