"""What happens in the workspaces, through public doors and the sandbox's control API alone.

Each account of the sandbox is shared by all workspaces, and what ends grants ends all those of an
account: so whoever loses access goes first, and whoever keeps it connects last.
"""

from aiokafka import AIOKafkaProducer
from tablesync.contracts import TOPICS
from tablesync.demo.story import button_of
from tablesync.test_kit import eventually, press

from .cast import Workspace
from .stage import Document, Stage, Table, browser, table_of, together

NARROW = {"companies": {"name": "Name", "city": "Notes"}, "deals": {"dealname": "Name"}}
TOKEN_PATH = "oauth2/v1/token"
# A well-formed envelope of a type that no version knows yet.
TOMORROW = {
    "ce_specversion": "1.0",
    "ce_id": "of-tomorrow",
    "ce_type": "tablesync.of.tomorrow.v1",
    "ce_source": "tomorrow",
    "ce_subject": "nobody",
    "ce_time": "2026-01-01T00:00:00.000Z",
}


async def people_come_and_go(stage: Stage) -> None:
    """Members, API tokens and preferences."""

    async def one(workspace: Workspace) -> None:
        number, admin = workspace.number, workspace.admin
        for name in ("Grace", "Linus"):
            body = {"email": f"{name}@{number}.example.test", "name": name, "role": "operator"}
            member = await admin.post_once("auth-service", "/v1/members", body)
        joined = member.get("operator_id")
        path = f"members/{joined}" if joined else f"invitations/{member['id']}"
        await admin.delete("auth-service", f"/v1/{path}")
        for each in (admin, workspace.operator, workspace.viewer):
            made = await each.post("auth-service", "/v1/api-tokens", {"name": "Script"})
            wish = {"mails": each is not workspace.viewer}
            await each.patch_once("notifier", "/v1/preferences", wish)
        await workspace.viewer.delete("auth-service", f"/v1/api-tokens/{made['id']}")

    await together(one, stage.workspaces)


async def nobody_wants_mails(workspace: Workspace) -> None:
    """Everybody in one workspace switches mails off."""
    for each in (workspace.admin, workspace.operator, workspace.viewer):
        await each.patch("notifier", "/v1/preferences", {"mails": False})


async def apps_are_uninstalled(stage: Stage, workspaces: list[Workspace]) -> None:
    """HubSpot's app goes while runs are under way; half of the workspaces come back."""
    await stage.connect_all(workspaces, "acme", "ada")
    tables = [await stage.create_base(f"Busy {number}") for number in range(8)]
    pairs = await _narrow_syncs(stage, workspaces, tables, "companies", 3)
    await stage.run_all(pairs, "succeeded")
    for workspace, sync in pairs:
        await stage.edit(workspace, sync, schedule={"every_seconds": 3})
    await stage.sandbox.control("hubspot", "7001", "latency", ms=400)
    run_ids = await together(lambda pair: stage.run(*pair), pairs)
    begun = {"_id": {"$in": run_ids}, "status": "running"}
    await stage.until_count(stage.database("scheduler")["runs"].count_documents, begun, 4)
    await stage.sandbox.control("hubspot", "7001", "uninstall")
    await stage.sandbox.control("hubspot", "7001", "latency", ms=0)
    await stage.lose(workspaces, "acme", "app_uninstalled")
    held = {"holds.kind": "connection", "workspace_id": {"$in": [each.id for each in workspaces]}}
    syncs = stage.database("scheduler")["syncs"]
    await stage.until_count(syncs.count_documents, held, len(pairs))
    await stage.runs_end(run_ids, "interrupted", "held", "succeeded")
    await stage.slots_missed(pairs)
    for workspace, sync in pairs:
        await stage.edit(workspace, sync, schedule={"every_seconds": 604_800})
    for workspace, sync in pairs[::5]:
        await workspace.operator.post_once("scheduler", f"/v1/syncs/{sync['id']}/pause")
    back = workspaces[: len(workspaces) // 2]
    await stage.connect_all(back, "acme")
    released = held | {"workspace_id": {"$in": [each.id for each in back]}}
    await eventually(lambda: not syncs.count_documents(released), 60)


async def access_is_revoked(stage: Stage, workspaces: list[Workspace]) -> None:
    """Airtable's access is revoked; some reconnect by the link in their mail and catch up."""
    await stage.connect_all(workspaces, "acme", "ada")
    tables = [await stage.create_base(f"Revoked {number}") for number in range(4)]
    pairs = await _narrow_syncs(stage, workspaces, tables, "companies", 2)
    await stage.run_all(pairs, "succeeded")
    for workspace, sync in pairs:
        await stage.edit(workspace, sync, schedule={"every_seconds": 2})
    await stage.sandbox.control("airtable", "ada@acme.test", "revoke")
    await stage.lose(workspaces, "ada", "grant_revoked")
    held = {"holds.kind": "connection", "workspace_id": {"$in": [each.id for each in workspaces]}}
    syncs = stage.database("scheduler")["syncs"]
    await stage.until_count(syncs.count_documents, held, len(pairs))
    await stage.slots_missed(pairs)
    for workspace, sync in pairs:
        await stage.edit(workspace, sync, schedule={"every_seconds": 86_400})
    for workspace in workspaces[::2]:
        await stage.press_reconnect(await _link(stage, workspace), "ada")
    caught_up = {
        "trigger": "catch_up",
        "status": "succeeded",
        "workspace_id": {"$in": [each.id for each in workspaces[::2]]},
    }
    runs = stage.database("scheduler")["runs"]
    await stage.until_count(runs.count_documents, caught_up, len(pairs) // 2)


async def rotations_are_lost(stage: Stage, workspaces: list[Workspace]) -> None:
    """Airtable's answers to refreshes are lost on the way, and with them the tokens."""
    await stage.connect_all(workspaces, "ada")
    await stage.sandbox.control("airtable", "ada@acme.test", "expire")
    lost = {"status": 503, "performed": True, "headers": {"Retry-After": "1"}}
    await stage.sandbox.control(
        "airtable", "-", "break", path_contains=TOKEN_PATH, count=len(workspaces), **lost
    )
    await stage.lose(workspaces, "ada", "rotation_lost")


async def grants_expire(stage: Stage, workspaces: list[Workspace]) -> None:
    """Airtable says that a refresh token lives for a second, and it does."""
    for workspace in workspaces:
        pair = await stage.sandbox.mint("airtable", "ada@acme.test")
        body = {**pair, "token_type": "Bearer", "expires_in": 3600, "refresh_expires_in": 1}
        await stage.sandbox.control(
            "airtable", "-", "break", path_contains=TOKEN_PATH, count=1, status=200, body=body
        )
        await stage.connect_all([workspace], "ada")
        await stage.sandbox.control("airtable", "ada@acme.test", "revoke")
    over = {
        "_id": {"$in": [each.connections["ada"] for each in workspaces]},
        "$expr": {"$lt": ["$refresh_expires_at", "$$NOW"]},
    }
    grants = stage.database("auth")["grants"]
    await stage.until_count(grants.count_documents, over, len(workspaces))
    await stage.lose(workspaces, "ada", "grant_expired")


async def accounts_come_and_go(stage: Stage) -> None:
    """Every workspace connects a second Airtable account, loses it, and most get it back."""
    everyone = stage.workspaces
    silent, others = everyone[4:10], [*everyone[:4], *everyone[10:]]
    await stage.connect_all(everyone, "gus")
    await stage.sandbox.control("mail", "-", "break", status=451)
    await stage.sandbox.control("airtable", "gus@globex.test", "revoke")
    await stage.lose(silent, "gus", "grant_revoked")
    waiting = {"status": "pending", "attempts": {"$gt": 0}}
    mails = stage.database("notifier")["mails"]
    await stage.until_count(mails.count_documents, waiting, len(silent))
    await stage.connect_all(silent, "gus")
    await stage.sandbox.control("mail", "-", "unbreak")
    await stage.lose(others, "gus", "grant_revoked")
    await _mailed(stage, others, "gus")
    back = others[4:34]
    for workspace in back[:8]:
        await stage.press_reconnect(await _link(stage, workspace), "gus")
    await stage.connect_all(back[8:], "gus")
    await stage.sandbox.control("airtable", "gus@globex.test", "change-password")
    await stage.lose(back[15:], "gus", "grant_revoked")


async def portals_come_and_go(stage: Stage) -> None:
    """Half of the workspaces connect and lose a second portal; some disconnect it themselves."""
    half = stage.workspaces[10:40]
    await stage.connect_all(half, "globex")
    await stage.sandbox.control("hubspot", "7002", "uninstall")
    await stage.lose(half[:20], "globex", "app_uninstalled")
    await _mailed(stage, half[:20], "globex")
    await stage.connect_all([*half[10:], *stage.workspaces[40:50]], "globex")
    for workspace in half[20:]:
        path = f"/v1/connections/{workspace.connections['globex']}/disconnect"
        await workspace.operator.post_once("auth-service", path)


async def consents_differ(stage: Stage) -> None:
    """Authorizations of every outcome but `completed`, and consents that leave out a scope."""
    few = ["data.records:read", "data.records:write", "schema.bases:read"]
    for workspace in stage.workspaces[-12:]:
        outcome = await stage.connect(workspace, "gus", scopes=few)
        assert outcome["status"] == "completed"
    for workspace in stage.workspaces:
        denied = await stage.connect(workspace, "ada", decision="deny")
        assert denied["status"] == "denied"
        other = await stage.connect(workspace, "ada", workspace.connections["gus"])
        assert other["status"] == "refused"
        for started in (False, True):
            await _begin(workspace, started=started)
    await stage.sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, status=503)
    for workspace in stage.workspaces[:12]:
        assert (await stage.connect(workspace, "ada"))["status"] == "refused"
    await stage.sandbox.control("airtable", "-", "unbreak")


async def _begin(workspace: Workspace, *, started: bool) -> None:
    """Begin an authorization that nobody finishes."""
    body = {"provider": "hubspot"}
    begun = await workspace.operator.post_once("auth-service", "/v1/authorizations", body)
    if started:
        async with browser() as person:
            await press(person, begun["start_url"])


async def syncs_run(stage: Stage, workspaces: list[Workspace]) -> None:
    """The syncs of those who keep their connections: runs, edits, pauses, rejected records."""
    await stage.connect_all(workspaces, "acme", "ada")
    seeded = {base["name"]: base for base in (await stage.sandbox.bases())["bases"]}
    await spoil_deals(stage)
    wide = wide_mapping(seeded["Acme companies"])
    companies, deals = table_of(seeded["Acme companies"]), table_of(seeded["Acme deals"])
    stages = {"dealname": "Deal name", "dealstage": "Deal stage", "amount": "Amount"}

    async def create(workspace: Workspace) -> None:
        day = 86_400 * (1 + workspace.number % 7)
        await stage.create_sync(workspace, "companies", companies, wide, every=day)
        await stage.create_sync(workspace, "deals", deals, stages, overlap="skip", every=day)
        idle = await stage.create_sync(workspace, "deals", deals, {"dealname": "Deal name"})
        if workspace.number % 3:
            path = f"/v1/syncs/{idle['id']}/pause"
            await workspace.operator.post_once("scheduler", path)

    await together(create, workspaces)
    pairs = [(each, sync) for each in workspaces for sync in each.syncs[-3:-1]]
    await stage.run_all(pairs, "succeeded")
    await stage.run_all(pairs[:: 2 if len(pairs) > 60 else 1], "succeeded")
    await _schedules(stage, [pair for pair in pairs if pair[0].number % 4 == 0])


async def spoil_deals(stage: Stage) -> None:
    """Give two deals a stage that the table does not know: their records are rejected."""
    unknown = {"dealstage": "no-such-choice"}
    await stage.sandbox.control(
        "hubspot", "7001", "edit", object="deals", count=2, properties=unknown
    )


async def _schedules(stage: Stage, pairs: list[tuple[Workspace, Document]]) -> None:
    """Let syncs be due every few seconds for a while, then rarely again."""
    ids = [sync["id"] for _, sync in pairs]
    for workspace, sync in pairs:
        await stage.edit(workspace, sync, schedule={"every_seconds": 2})
    scheduled = {"trigger": "schedule", "status": "succeeded", "sync_id": {"$in": ids}}
    runs = stage.database("scheduler")["runs"]
    await stage.until_count(runs.count_documents, scheduled, 3 * len(pairs))
    for workspace, sync in pairs:
        await stage.edit(workspace, sync, schedule={"every_seconds": 43_200})


async def losses_are_short(stage: Stage, workspaces: list[Workspace]) -> None:
    """HubSpot's app goes and comes back, twice: every sync has a gap, some have missed slots."""
    scheduler = stage.database("scheduler")
    mine = {"workspace_id": {"$in": [each.id for each in workspaces]}}
    held, open_ = mine | {"holds.kind": "connection"}, mine | {"open": True}
    often = [(each, each.syncs[-2]) for each in workspaces]
    for _ in range(2):
        for workspace, sync in often:
            await stage.edit(workspace, sync, schedule={"every_seconds": 3})
        await stage.sandbox.control("hubspot", "7001", "uninstall")
        await stage.lose(workspaces, "acme", "app_uninstalled")
        await stage.until_count(scheduler["syncs"].count_documents, held, 3 * len(workspaces))
        await stage.slots_missed(often)
        for workspace, sync in often:
            await stage.edit(workspace, sync, schedule={"every_seconds": 604_800})
        await _mailed(stage, workspaces, "acme")
        await stage.connect_all(workspaces, "acme")
        await eventually(lambda: not scheduler["syncs"].count_documents(held), 120, 0.2)
        await eventually(lambda: not scheduler["runs"].count_documents(open_), 120, 0.2)


async def runs_are_cancelled(stage: Stage, workspaces: list[Workspace]) -> None:
    """Runs that wait for their table are cancelled, and one that is under way."""
    await stage.sandbox.control("hubspot", "7001", "latency", ms=700)
    run_ids: list[str] = []
    for workspace in workspaces:
        asked = [await stage.run(workspace, workspace.syncs[-2]) for _ in range(3)]
        run_ids += asked[1:]
    for workspace, pair in zip(workspaces, _by_two(run_ids), strict=True):
        for run_id in pair:
            await workspace.operator.post_once("scheduler", f"/v1/runs/{run_id}/cancel")
    await stage.sandbox.control("hubspot", "7001", "latency", ms=0)
    await stage.runs_end(run_ids, "cancelled", "succeeded")


async def runs_fail(stage: Stage, workspaces: list[Workspace]) -> None:
    """A field and a table go, a quota is used up, a provider talks nonsense; half is mended."""
    lost_field, lost_table = await stage.create_base("Field"), await stage.create_base("Table")
    kept = await stage.create_base("Kept")
    extra = NARROW["companies"] | {"country": "Extra"}
    fields, tables, fine = [
        [(each, await stage.create_sync(each, "companies", to, extra)) for each in workspaces]
        for to in (lost_field, lost_table, kept)
    ]
    where = {"base": lost_field.base_id, "table": lost_field.table_id}
    await stage.sandbox.control("airtable", "-", "delete-field", field="Extra", **where)
    where = {"base": lost_table.base_id, "table": lost_table.table_id}
    await stage.sandbox.control("airtable", "-", "delete-table", **where)
    await stage.run_all([*fields, *tables], "failed")
    error = {"type": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": "The quota is used up"}
    for answer in ({"status": 429, "body": {"error": error}}, {"status": 200, "body": []}):
        await stage.sandbox.control("airtable", "-", "break", path_contains=kept.base_id, **answer)
        await stage.run_all(fine, "failed")
        await stage.sandbox.control("airtable", "-", "unbreak")
    await _told_of_failures(stage, fields + fine)
    await stage.run_all(fine[::2], "succeeded")
    narrow = [
        {"source": each, "field_id": lost_field.fields[to]}
        for each, to in NARROW["companies"].items()
    ]
    for workspace, sync in fields[::2]:
        await stage.edit(workspace, sync, mapping=narrow)


async def many_fail_at_once(stage: Stage, workspace: Workspace) -> None:
    """So many syncs of one workspace fail that one mail speaks for all."""
    table = await stage.create_base("Digest")
    pairs = [
        (workspace, await stage.create_sync(workspace, "companies", table, NARROW["companies"]))
        for _ in range(8)
    ]
    where = {"base": table.base_id, "table": table.table_id}
    await stage.sandbox.control("airtable", "-", "delete-field", field="Notes", **where)
    await stage.run_all(pairs, "failed")
    grouped = {"workspace_id": workspace.id, "status": "grouped"}
    await stage.until_count(stage.database("notifier")["mails"].count_documents, grouped, 6)


async def somebody_unsubscribes(stage: Stage) -> None:
    """A few people press `unsubscribe` in a mail."""
    for mail in (await stage.sandbox.messages())[:10]:
        header = mail["headers"]["List-Unsubscribe"]
        async with browser() as person:
            answer = await person.post(header.strip("<>").split(">")[0])
        assert answer.is_success, answer.text


async def malformed_messages_come(producer: AIOKafkaProducer, prefix: str) -> None:
    """What is no event, or none yet, lies in every partition of every topic that is consumed."""
    bad = [
        (b"{", [("ce_id", b"bad-1"), ("ce_type", b"tablesync.sync.requested.v1")]),
        (b"{}", [("ce_id", b"\xff\xfe"), ("ce_type", b"\xff")]),
        (b"", []),
        (b"{}", [(name, value.encode()) for name, value in TOMORROW.items()]),
    ]
    for topic in (each for each in TOPICS.values() if each.consumers):
        for partition in range(topic.partitions):
            for value, headers in bad:
                await producer.send_and_wait(
                    prefix + topic.name, value, headers=headers, partition=partition
                )


def wide_mapping(base: Document) -> dict[str, str]:
    """Map every property of companies that does not change by being touched."""
    names = {
        "name": "Company name",
        "domain": "Company domain name",
        "website": "Website URL",
        "phone": "Phone number",
        "city": "City",
        "country": "Country/Region",
        "industry": "Industry",
        "numberofemployees": "Number of employees",
        "annualrevenue": "Annual revenue",
        "description": "Description",
        "is_public": "Is public",
        "sales_regions": "Sales regions",
        "contract_start": "Contract start",
        "createdate": "Create date",
    }
    assert set(names.values()) <= set(table_of(base).fields)
    return names


async def _narrow_syncs(
    stage: Stage, workspaces: list[Workspace], tables: list[Table], object_: str, count: int
) -> list[tuple[Workspace, Document]]:
    """Create some syncs in each workspace, spread over tables, since a table takes one run."""
    wanted = [(each, number) for each in workspaces for number in range(count)]

    async def create(item: tuple[Workspace, int]) -> tuple[Workspace, Document]:
        workspace, number = item
        table = tables[(workspace.number * count + number) % len(tables)]
        return workspace, await stage.create_sync(workspace, object_, table, NARROW[object_])

    return await together(create, wanted)


async def _mailed(stage: Stage, workspaces: list[Workspace], account: str) -> None:
    """Wait until the losses were mailed, or were found to be nobody's to hear of."""
    ids = [workspace.connections[account] for workspace in workspaces]
    notifier = stage.database("notifier")
    open_ = {"connection_id": {"$in": ids}, "status": "open"}
    await stage.until_count(notifier["incidents"].count_documents, open_, len(ids))
    incidents = [row["_id"] for row in notifier["incidents"].find(open_)]
    settled = {
        "incident_ids": {"$in": incidents},
        "kind": "revocation",
        "status": {"$in": ["sent", "unwanted", "undeliverable"]},
    }
    await stage.until_count(notifier["mails"].count_documents, settled, len(ids))


async def _told_of_failures(stage: Stage, pairs: list[tuple[Workspace, Document]]) -> None:
    """Wait until somebody was mailed about each of these syncs, alone or in a digest."""
    notifier = stage.database("notifier")
    ids = [sync["id"] for _, sync in pairs]

    def settled() -> bool:
        incidents = [row["_id"] for row in notifier["incidents"].find({"sync_id": {"$in": ids}})]
        waiting = {"incident_ids": {"$in": incidents}, "kind": "failure", "status": "pending"}
        told = {row["sync_id"] for row in notifier["incidents"].find({"_id": {"$in": incidents}})}
        return told == set(ids) and not notifier["mails"].count_documents(waiting)

    await eventually(settled, 120, 0.2)


async def _link(stage: Stage, workspace: Workspace) -> str:
    """Return the reconnect link of the newest mail to a workspace's operator."""

    async def found() -> str | None:
        mails = await stage.sandbox.messages(to=f"operator@{workspace.number}.example.test")
        kinds = [each for each in mails if each["headers"]["X-TableSync-Kind"] == "revocation"]
        return button_of(kinds[-1]["html"]) if kinds else None

    return await eventually(found, 60)


def _by_two(items: list[str]) -> list[list[str]]:
    return [items[start : start + 2] for start in range(0, len(items), 2)]
