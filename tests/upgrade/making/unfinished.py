"""Work that is under way when the platform stops, all of it in one workspace.

A run that waits and one whose worker was killed, a request that was not published, slots that wait
for a run, a catch-up that is planned, a schedule that is due, a mail that waits for what it tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .cast import Workspace
from .stage import Document, Stage, Table, table_of


@dataclass(frozen=True)
class Unfinished:
    """The syncs of the workspace that is under way."""

    queued: Document
    running: Document
    unpublished: Document
    due: Document
    returning: Document


async def prepare(stage: Stage, workspace: Workspace) -> Unfinished:
    """Create the syncs, to tables that every sandbox has, and run each once."""
    await stage.connect_all([workspace], "acme", "globex", "ada", "gus")
    bases = {base["name"]: base for base in (await stage.sandbox.bases())["bases"]}
    contacts = (table_of(bases["Acme contacts"]), {"name": "First name", "city": "City"})
    texts = {"name": "Deal name", "description": "Deal description"}
    deals = (table_of(bases["Acme deals"]), texts)

    async def create(source: str, table: Table, mapping: dict[str, str]) -> Document:
        return await stage.create_sync(workspace, "companies", table, mapping, source=source)

    syncs = Unfinished(
        queued=await create("acme", *contacts),
        running=await create("acme", *deals),
        unpublished=await create("acme", *contacts),
        due=await create("acme", *contacts),
        returning=await create("globex", *deals),
    )
    await stage.run_all([(workspace, sync) for sync in vars(syncs).values()], "succeeded")
    return syncs


async def break_off(stage: Stage, workspace: Workspace, syncs: Unfinished) -> None:
    """Bring everything to where it stands when the last process stops."""
    await stage.edit(workspace, syncs.due, schedule={"every_seconds": 20})
    await _kill_the_worker(stage, workspace, syncs.running)
    stage.stack.stop_program("scheduler")
    _go_on_with(stage, "scheduler", ["consumer", "worker", "relay"])
    _go_on_with(stage, "sync-runner", ["consumer", "relay", "ticker"])
    await _regain(stage, workspace, syncs.returning)
    await _leave_a_mail_behind(stage, workspace)
    queued = {"_id": await stage.run(workspace, syncs.queued), "status": "queued"}
    await stage.until_count(stage.database("runner")["runs"].count_documents, queued, 1)
    stage.stack.stop_program("scheduler-2")
    _go_on_with(stage, "scheduler", ["api"])
    await stage.run(workspace, syncs.unpublished)


async def _kill_the_worker(stage: Stage, workspace: Workspace, sync: Document) -> None:
    """Kill sync-runner in mid-run, once a slot that came due waits for the run's end."""
    await stage.sandbox.control("hubspot", "7001", "latency", ms=3_000)
    await stage.edit(workspace, sync, schedule={"every_seconds": 2})
    waits = {"_id": sync["id"], "waiting": {"$ne": None}}
    await stage.until_count(stage.database("scheduler")["syncs"].count_documents, waits, 1)
    begun = {"sync_id": sync["id"], "status": "running", "started_at": {"$ne": None}}
    await stage.until_count(stage.database("runner")["runs"].count_documents, begun, 1)
    stage.stack.kill("sync-runner")
    await stage.sandbox.control("hubspot", "7001", "latency", ms=0)


def _go_on_with(stage: Stage, service: str, roles: Sequence[str]) -> None:
    """Start a service with some of its roles, and have operators ask this process from now on."""
    name = stage.stack.add_replica(service, roles)
    stage.urls[service] = f"http://127.0.0.1:{stage.stack.plan.port(name)}"


async def _regain(stage: Stage, workspace: Workspace, sync: Document) -> None:
    """Lose and reconnect the second portal: without a ticker the catch-up stays planned."""
    syncs = stage.database("scheduler")["syncs"]
    await stage.edit(workspace, sync, schedule={"every_seconds": 2})
    await stage.sandbox.control("hubspot", "7002", "uninstall")
    await stage.lose([workspace], "globex", "app_uninstalled")
    held = {"_id": sync["id"], "holds.kind": "connection"}
    await stage.until_count(syncs.count_documents, held, 1)
    await stage.slots_missed([(workspace, sync)])
    await stage.edit(workspace, sync, schedule={"every_seconds": 86_400})
    await stage.connect_all([workspace], "globex")
    planned = {"_id": sync["id"], "planned": {"$ne": None}}
    await stage.until_count(syncs.count_documents, planned, 1)


async def _leave_a_mail_behind(stage: Stage, workspace: Workspace) -> None:
    """Lose the second Airtable account while scheduler, whose list the mail shows, is away."""
    await stage.sandbox.control("mail", "-", "break", status=451)
    await stage.sandbox.control("airtable", "gus@globex.test", "revoke")
    await stage.lose([workspace], "gus", "grant_revoked")
    waits = {"workspace_id": workspace.id, "status": "pending", "waits_for": {"$exists": True}}
    await stage.until_count(stage.database("notifier")["mails"].count_documents, waits, 1)
