"""What notifier asks beside its stories: digests, invitations, retention, pages, reconciliation."""

import asyncio

import pytest
from notifier_rig import Rig
from tablesync.contracts import ConnectionRevoked, MemberInvited, SyncFailed, SyncSucceeded
from tablesync.notifier.incidents.retention import MailRetention
from tablesync.test_kit.query_plans import QueryPlans
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MANY = 12
# Never many; each with its reason.
SMALL = {"{'incident_ids'": "an incident has few mails"}
FILTERS = ("", "status=open", "connection_id=con_1", "connection_id=con_1&status=open")
PATHS = tuple(f"/v1/incidents?limit=2&{each}" for each in FILTERS)
OF_A_SYNC = ("", "&status=open", "&status=closed&from=2026-01-01T00:00:00Z")


async def play(rig: Rig) -> None:
    """Have mails grouped in digests, people invited, and lists read to their second page."""
    ids = [f"syn_{n:02}" for n in range(MANY)]
    rig.know_syncs(*map(affected_sync, ids))
    rig.auth.invite("ws_1", "inv_1")
    of = {"cause": "provider", "connection_id": "con_1"}
    failures = [rig.events.run(SyncFailed, each, **of) for each in ids]
    await rig.take(*failures, rig.events.connection(ConnectionRevoked), invitation())
    async with rig.running("worker", "ticker", notifier_reconcile_seconds=1):
        await rig.mail_came("failure")
        await rig.mail_came("revocation")
        for path in PATHS:
            await second_page_of(rig, path)
        for each in OF_A_SYNC:
            (await rig.get(f"/v1/incidents?limit=2&sync_id={ids[0]}{each}")).raise_for_status()
        await rig.take(*(rig.events.run(SyncSucceeded, each) for each in ids))
        await rig.take(rig.events.deletion(ids[0]))
        await rig.mail_came("recovery")
    await rig.take(*(rig.events.run(SyncFailed, each, cause="resource") for each in ids))
    await MailRetention(rig.database, 1).tick()


def invitation() -> MemberInvited:
    return MemberInvited(
        workspace_id="ws_1",
        invitation_id="inv_1",
        role="operator",
        invited_by="op_eve",
        mail_number=1,
    )


async def second_page_of(rig: Rig, path: str) -> None:
    first = (await rig.get(path)).raise_for_status().json()
    (await rig.get(f"{path}&cursor={first['next_cursor']}")).raise_for_status()


async def test_no_query_reads_or_sorts_many_for_few(
    rig: Rig, mongodb_uri: str, database_prefix: str
) -> None:
    async with rig.running("api"):
        pass  # it has its indexes
    with QueryPlans(mongodb_uri, database_prefix) as plans:
        await play(rig)
        asked = await asyncio.to_thread(plans.asked)
        faults = await asyncio.to_thread(plans.faults, asked, SMALL)
    places = {each.place for each in asked}
    assert places >= {f"notifier.{each}" for each in ("incidents", "mails", "syncs", "connections")}
    assert not faults, "\n".join(faults)
