"""What the chapters are played with: browsers, the sandbox, and looks at the databases."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from pymongo import MongoClient
from pymongo.database import Database
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually, press

from .cast import Workspace

T = TypeVar("T")
Document = dict[str, Any]
PATIENCE = 180.0
AT_ONCE = 6
# Short names of the sandbox's accounts: provider, who signs in, and which account they choose.
ACCOUNTS = {
    "acme": ("hubspot", "ada@acme.test", "7001"),
    "globex": ("hubspot", "gus@globex.test", "7002"),
    "ada": ("airtable", "ada@acme.test", None),
    "gus": ("airtable", "gus@globex.test", None),
}
ENDS = ("succeeded", "failed", "interrupted", "held", "cancelled")


@dataclass(frozen=True)
class Table:
    """An Airtable table: its ids, and its fields' ids by name."""

    base_id: str
    table_id: str
    fields: dict[str, str]


@dataclass
class Stage:
    """One platform under play."""

    stack: LocalStack
    http: httpx.AsyncClient
    sandbox: SandboxControl
    mongo: MongoClient[Document]
    urls: dict[str, str]
    workspaces: list[Workspace] = field(default_factory=list)

    def database(self, name: str) -> Database[Document]:
        """Return a service's database."""
        return self.mongo[f"{self.stack.plan.given.database_prefix}{name}"]

    # Connections

    async def connect(
        self, workspace: Workspace, account: str, connection_id: str | None = None, **answer: Any
    ) -> Document:
        """Go through one authorization, answering the consent page; return its outcome."""
        provider, _, _ = ACCOUNTS[account]
        body = {"provider": provider, "connection_id": connection_id}
        wanted = {name: value for name, value in body.items() if value}
        started = await workspace.operator.post("auth-service", "/v1/authorizations", wanted)
        await self._consent(started["start_url"], account, **answer)
        path = f"/v1/authorizations/{started['id']}"
        outcome: Document = await workspace.operator.get("auth-service", path)
        if outcome["status"] == "completed":
            workspace.connections[account] = outcome["connection_id"]
        return outcome

    async def connect_all(self, workspaces: Iterable[Workspace], *accounts: str) -> None:
        """Connect these accounts, or reconnect those that were connected before."""
        for workspace in workspaces:
            for account in accounts:
                outcome = await self.connect(workspace, account)
                assert outcome["status"] == "completed", outcome

    async def press_reconnect(self, link: str, account: str) -> None:
        """Press the button of the page behind a mail's link, and consent."""
        await self._consent(link, account)

    async def _consent(self, page: str, account: str, **answer: Any) -> None:
        provider, user, chosen = ACCOUNTS[account]
        given = {"user": user, "account": chosen, "decision": "allow", "bases": "all", **answer}
        await self.sandbox.answer(provider, times=1, **given)
        async with browser(follow_redirects=True) as person:
            response = await press(person, page)
        assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR, response.text

    async def touch(self, workspaces: Iterable[Workspace], account: str) -> None:
        """Use connections by looking at their catalogue, so that a lost one is noticed."""
        path = "bases" if ACCOUNTS[account][0] == "airtable" else "objects/deals/properties"

        async def look(workspace: Workspace) -> None:
            url = f"/v1/catalog/{workspace.connections[account]}/{path}"
            with suppress(httpx.HTTPStatusError):
                await workspace.viewer.get("sync-runner", url)

        await together(look, workspaces)

    async def lose(self, workspaces: Sequence[Workspace], account: str, *causes: str) -> None:
        """Touch connections until all of them are known to be lost, for one of these causes."""
        await self.touch(workspaces, account)
        ids = [workspace.connections[account] for workspace in workspaces]
        lost = {"_id": {"$in": ids}, "status": "revoked", "cause": {"$in": list(causes)}}
        await self.until_count(self.database("auth")["connections"].count_documents, lost, len(ids))

    # Syncs and runs

    async def create_base(self, name: str) -> Table:
        """Create a base of Ada's with one table that takes deals, companies or contacts."""
        fields = [
            {"name": "HubSpot ID", "type": "singleLineText"},
            {"name": "Name", "type": "singleLineText"},
            {"name": "Notes", "type": "multilineText"},
            {"name": "Extra", "type": "singleLineText"},
        ]
        tables = [{"name": "Table", "fields": fields}]
        base = await self.sandbox.control(
            "airtable", "ada@acme.test", "create-base", name=name, tables=tables
        )
        return table_of(base)

    async def create_sync(
        self,
        workspace: Workspace,
        object_: str,
        table: Table,
        mapping: dict[str, str],
        *,
        source: str = "acme",
        every: int = 86_400,
        **more: Any,
    ) -> Document:
        """Create a sync; `mapping` is property → field name."""
        pairs = [{"source": each, "field_id": table.fields[to]} for each, to in mapping.items()]
        body = {
            "name": f"{object_} of {workspace.number}",
            "source": {"connection_id": workspace.connections[source], "object": object_},
            "destination": {
                "connection_id": workspace.connections["ada"],
                "base_id": table.base_id,
                "table_id": table.table_id,
            },
            "key": {"source": "id", "field_id": table.fields["HubSpot ID"]},
            "mapping": pairs,
            "schedule": {"every_seconds": every},
            **more,
        }
        sync: Document = await workspace.operator.post("scheduler", "/v1/syncs", body)
        workspace.syncs.append(sync)
        return sync

    async def run(self, workspace: Workspace, sync: Document) -> str:
        """Ask for a run now; return its id."""
        path = f"/v1/syncs/{sync['id']}/run"
        run: Document = await workspace.operator.post_once("scheduler", path)
        return str(run["run_id"])

    async def runs_end(self, run_ids: Sequence[str], *statuses: str) -> None:
        """Wait until all these runs have ended, with one of these statuses."""
        runs = self.database("scheduler")["runs"]
        ended = {"_id": {"$in": list(run_ids)}, "status": {"$in": list(ENDS)}}
        await self.until_count(runs.count_documents, ended, len(run_ids))
        found = {row["status"] for row in runs.find({"_id": {"$in": list(run_ids)}})}
        assert found <= set(statuses), found

    async def run_all(
        self, pairs: Iterable[tuple[Workspace, Document]], *statuses: str
    ) -> list[str]:
        """Run these syncs and wait for their ends."""
        run_ids = await together(lambda pair: self.run(*pair), pairs)
        await self.runs_end(run_ids, *statuses)
        return run_ids

    async def edit(self, workspace: Workspace, sync: Document, **changes: Any) -> None:
        """Edit a sync."""
        await workspace.operator.patch("scheduler", f"/v1/syncs/{sync['id']}", changes)

    async def slots_missed(self, pairs: Iterable[tuple[Workspace, Document]]) -> None:
        """Wait until each of these held syncs has missed a slot."""

        async def one(pair: tuple[Workspace, Document]) -> None:
            workspace, sync = pair
            path = f"/v1/syncs/{sync['id']}"

            async def missed() -> bool:
                gap = (await workspace.viewer.get("scheduler", path))["gap"]
                return bool(gap and gap["slots_missed"])

            await eventually(missed, PATIENCE, 0.2)

        await together(one, pairs)

    async def until_count(
        self, count: Callable[[Document], int], query: Document, number: int
    ) -> None:
        """Wait until a query finds at least so many."""
        try:
            await eventually(lambda: count(query) >= number, PATIENCE, 0.1)
        except AssertionError:
            raise AssertionError(f"{count(query)} of {number}: {query}") from None


def browser(**options: Any) -> httpx.AsyncClient:
    """Return a browser of its own, with its own cookies."""
    return httpx.AsyncClient(timeout=30, trust_env=False, **options)


def table_of(base: Document) -> Table:
    """Return the one table of a base."""
    table = base["tables"][0]
    fields = {each["name"]: each["id"] for each in table["fields"]}
    return Table(base["id"], table["id"], fields)


async def together(work: Callable[[Any], Awaitable[T]], items: Iterable[Any]) -> list[T]:
    """Do the same for many, a few at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(item: Any) -> T:
        async with places:
            return await work(item)

    return list(await asyncio.gather(*map(one, items)))
