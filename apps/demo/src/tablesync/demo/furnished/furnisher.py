"""Plays what a workspace goes through: accounts, syncs, an outage, weeks that pass, troubles."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tablesync.contracts import RunStatus
from tablesync.demo.api import Api
from tablesync.demo.furnished.dating import date_back
from tablesync.demo.furnished.marks import Chapter, Client, Marks
from tablesync.demo.furnished.pieces import ACME, ADA, GLOBEX, PIECES, Piece
from tablesync.demo.person import Person
from tablesync.demo.syncs import Table, definition, tables_of
from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.progress import Progress
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.waiting import eventually

# For one step; the first run of the largest object is the longest.
PATIENCE_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 0.3
CHANGED_MEANWHILE = 37
Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Furnisher:
    """Does what is not done yet; all but the dating is done as anybody would do it."""

    info: StackInfo
    client: Client
    api: Api
    sandbox: SandboxControl
    person: Person
    say: Progress

    async def furnish(self) -> None:
        """Go on where an earlier start has left it, unless the workspace is somebody's own."""
        marks = Marks(self.client, self.info.database_prefix, self.info.workspace_id)
        done = await marks.last()
        if done is Chapter.FURNISHED:
            self.say("DEMO: furnished already")
            return
        if done is None and await self._connections():
            self.say("DEMO: nothing is added, since something is connected here already; "
                     "`make up FRESH=1 DEMO=1` begins anew")  # fmt: skip
            return
        await marks.set(Chapter.BEGUN)
        await self._play(marks, done)
        await marks.set(Chapter.FURNISHED)
        self.say("DEMO: ready; sign in at the dashboard as Ada or as Bob")

    async def _play(self, marks: Marks, done: Chapter | None) -> None:
        airtable, portals = await self._accounts()
        syncs = await self._all_syncs(airtable, portals)
        globex = portals[GLOBEX]
        theirs = [syncs[each.name] for each in PIECES if each.portal == GLOBEX]
        if (done or Chapter.BEGUN) < Chapter.DATED_BACK:
            await self._first_runs()
            await self._outage(globex, theirs)
            self.say("DEMO: dating all of it back, over four weeks")
            prefix, workspace_id = self.info.database_prefix, self.info.workspace_id
            await date_back(self.client, prefix, workspace_id, globex)
        await self._troubles(syncs)
        await self._lose(globex, theirs)

    async def _accounts(self) -> tuple[str, dict[str, str]]:
        """Connect Airtable and two portals."""
        self.say("DEMO: connecting Airtable and two HubSpot accounts")
        airtable = await self._connected("airtable")
        return airtable, {each: await self._connected("hubspot", each) for each in (ACME, GLOBEX)}

    async def _connected(self, provider: str, account: str | None = None) -> str:
        for each in await self._connections():
            if each["provider"] == provider and account in (None, each["account"]["id"]):
                return str(each["id"])
        return str((await self.person.connect(provider, account))["connection_id"])

    async def _all_syncs(self, airtable: str, portals: dict[str, str]) -> dict[str, str]:
        """Make the syncs that are not there; return each one's id, by name."""
        known = await self.api.items("scheduler", "/v1/syncs")
        ids = {each["name"]: str(each["id"]) for each in known}
        missing = [each for each in PIECES if each.name not in ids]
        for number, piece in enumerate(missing, len(PIECES) - len(missing) + 1):
            self.say(f"DEMO: sync {number} of {len(PIECES)}, {piece.name}")
            ids[piece.name] = await self._make(piece, portals[piece.portal], airtable)
        return ids

    async def _make(self, piece: Piece, hubspot: str, airtable: str) -> str:
        path = f"/v1/catalog/{hubspot}/objects/{piece.object}/properties"
        properties = await self.api.items("sync-runner", path)
        body = definition(piece.object, await self._table(piece), properties, hubspot, airtable)
        schedule = {"every_seconds": piece.every_seconds}
        sync = await self.api.post(
            "scheduler", "/v1/syncs", {**body, "name": piece.name, "schedule": schedule}
        )
        return str(sync["id"])

    async def _table(self, piece: Piece) -> Table:
        """Return the table of a piece's base, made like the sandbox's own one of its object."""
        bases = (await self.sandbox.bases())["bases"]
        base = next((each for each in bases if each["name"] == piece.base), None)
        if base is None:
            like = tables_of(bases)[piece.object]
            fields = [
                {name: each[name] for name in ("name", "type", "options") if each.get(name)}
                for each in like.fields.values()
            ]
            tables = [{"name": piece.object.title(), "fields": fields}]
            base = await self.sandbox.control(
                "airtable", "-", "create-base", name=piece.base, tables=tables
            )
        (table,) = base["tables"]
        return Table(base["id"], table["id"], {each["name"]: each for each in table["fields"]})

    async def _first_runs(self) -> None:
        """Have every sync run once, from end to end, side by side."""
        self.say("DEMO: first runs")
        done = 0
        while done < len(PIECES):
            done = await self._until(partial(self._have_run, done))
            self.say(f"DEMO: first runs, {done} of {len(PIECES)} have ended")

    async def _have_run(self, before: int) -> int:
        """Return how many syncs have run well, or 0 if no more than before; the others may run."""
        syncs = await self.api.items("scheduler", "/v1/syncs")
        last = {each["id"]: each["last_run"] for each in syncs}
        well = {each for each, run in last.items() if run and run["status"] == RunStatus.SUCCEEDED}
        for each, run in last.items():
            if run is None or (RunStatus(run["status"]).ended and each not in well):
                await self._run(each)
        return len(well) if len(well) > before else 0

    async def _outage(self, connection: str, syncs: list[str]) -> None:
        """Lose a connection, be told of it by mail, regain it, and catch up."""
        self.say("DEMO: an outage of Globex that is healed")
        if not await self._has_lost(connection):
            edits = {"object": "contacts", "count": CHANGED_MEANWHILE}
            await self.sandbox.control("hubspot", GLOBEX, "edit", **edits)
            await self._break(connection, syncs)
        await self._until(lambda: self._mailed(connection, "revocation"))
        if await self._is(connection, "revoked"):
            await self.person.connect("hubspot", GLOBEX, connection)
        await self._until(lambda: self._mailed(connection, "recovery"))
        await self._until(lambda: self._are_quiet(syncs))

    async def _break(self, connection: str, syncs: list[str]) -> None:
        await self.sandbox.control("hubspot", GLOBEX, "uninstall")
        for each in syncs:
            await self._run(each)
        await self._until(lambda: self._is(connection, "revoked"))

    async def _troubles(self, syncs: dict[str, str]) -> None:
        """Pause what is paused, and have the others meet what holds them."""
        for piece in PIECES:
            sync = syncs[piece.name]
            if piece.paused:
                await self.api.post("scheduler", f"/v1/syncs/{sync}/pause")
            if piece.trouble:
                self.say(f"DEMO: {piece.name} meets trouble")
                await self._meet(piece, sync)

    async def _meet(self, piece: Piece, sync: str) -> None:
        trouble, base_id = piece.trouble, (await self._table(piece)).base_id
        assert trouble, "a piece with trouble"
        await self.sandbox.control("airtable", ADA, trouble.action, base=base_id, **trouble.body)
        changed = {"object": piece.object, "count": 3}
        await self.sandbox.control("hubspot", piece.portal, trouble.change, **changed)
        await self._until(lambda: self._is_held(sync))

    async def _is_held(self, sync: str) -> bool:
        """Whether it is held; while it is not, what it would find now may not be found yet."""
        found = await self._sync(sync)
        if found["status"] == "active" and await self._are_quiet([sync]):
            await self._run(sync)
        return bool(found["status"] == "held")

    async def _lose(self, connection: str, syncs: list[str]) -> None:
        """Lose the connection for good, and have somebody be told."""
        self.say("DEMO: the app is uninstalled at Globex")
        if await self._is(connection, "connected"):
            await self._break(connection, syncs)
        await self._until(lambda: self._mailed(connection, "revocation", status="open"))

    async def _run(self, sync: str) -> None:
        """Ask for a run; a sync that is held already refuses it."""
        await self.api.attempt("POST", "scheduler", f"/v1/syncs/{sync}/run")

    async def _are_quiet(self, syncs: Iterable[str]) -> bool:
        found = await asyncio.gather(*map(self._sync, syncs))
        runs = [each["last_run"] for each in found if each["last_run"]]
        return all(RunStatus(each["status"]).ended for each in runs)

    async def _mailed(self, connection: str, kind: str, **of: str) -> bool:
        """Whether an incident of a connection has had its mail of a kind."""
        its = {"connection_id": connection, **of}
        found = await self.api.items("notifier", "/v1/incidents", **its)
        return any(
            each["kind"] == kind and each["status"] == "sent"
            for incident in found
            for each in incident["mails"]
        )

    async def _has_lost(self, connection: str) -> bool:
        path = f"/v1/connections/{connection}/history"
        return any(each["kind"] == "revoked" for each in await self.api.items("auth-service", path))

    async def _is(self, connection: str, status: str) -> bool:
        found = await self.api.get("auth-service", f"/v1/connections/{connection}")
        return bool(found["status"] == status)

    async def _sync(self, sync: str) -> Json:
        return dict(await self.api.get("scheduler", f"/v1/syncs/{sync}"))

    async def _connections(self) -> list[Json]:
        return await self.api.items("auth-service", "/v1/connections")

    async def _until(self, condition: Callable[[], Awaitable[T]]) -> T:
        return await eventually(condition, PATIENCE_SECONDS, LOOK_AGAIN_SECONDS)
