"""What auth-service asks beside its stories: invitations, members, lists by pages, the audit."""

import asyncio

import pytest
from auth_service_attempts import begin
from auth_service_rig import PORTAL, Rig, pages_of
from tablesync.auth_service import audit
from tablesync.service_kit.mongo import Database
from tablesync.test_kit.query_plans import QueryPlans

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LISTS = ("/v1/connections", "/v1/connections?provider=hubspot", "/v1/members", "/v1/invitations")
# Never many, or a whole look is what is wanted; each with its reason.
SMALL = {
    "auth.audit {'find': 'audit', 'filter': {'workspace_id': '?'}, 'sort': {'number': 1}}": (
        "who verifies a chain reads it whole"
    ),
    "auth.memberships": "a workspace has few members, and a list shows them all",
}


async def play(rig: Rig, database: Database) -> None:
    """Have people invited and removed, connections listed, and the audit verified."""
    admin = await rig.operator("admin")
    connection = await rig.connect("hubspot", PORTAL)
    invitation = await rig.invite("hot@example.test")
    await rig.invite("other@example.test")
    (await admin.post(f"/v1/invitations/{invitation['id']}/send")).raise_for_status()
    member = await rig.add_member("member@example.test")
    for path in LISTS:
        await pages_of(admin, path, 1)
    (await admin.delete(f"/v1/members/{member['operator_id']}")).raise_for_status()
    (await admin.delete(f"/v1/invitations/{invitation['id']}")).raise_for_status()
    await begin(rig, "hubspot")
    for role in ("admin", "viewer"):
        await pages_of(await rig.operator(role), "/v1/authorizations?status=pending", 1)
    (await admin.get("/v1/connections/counts")).raise_for_status()
    for path in ("/v1/audit", f"/v1/connections/{connection['id']}/history"):
        await pages_of(admin, path, 1)
    await rig.link(connection["id"])
    for path in ("/internal/v1/connections?since_sequence=0&limit=1", recipients(rig, connection)):
        (await rig.service("notifier").get(path)).raise_for_status()
    (await admin.post(f"/v1/connections/{connection['id']}/disconnect")).raise_for_status()
    assert await audit.verify(database, rig.workspace_id) is None


def recipients(rig: Rig, connection: dict[str, str]) -> str:
    return f"/internal/v1/connections/{connection['id']}/recipients?workspace_id={rig.workspace_id}"


async def test_no_query_reads_or_sorts_many_for_few(
    rig: Rig, database: Database, mongodb_uri: str, isolation: tuple[str, str]
) -> None:
    with QueryPlans(mongodb_uri, isolation[1]) as plans:
        await play(rig, database)
        asked = await asyncio.to_thread(plans.asked)
        faults = await asyncio.to_thread(plans.faults, asked, SMALL)
    places = {each.place for each in asked}
    names = ("connections", "grants", "invitations", "memberships", "operators", "audit")
    assert places >= {f"auth.{each}" for each in names}
    assert not faults, "\n".join(faults)
