"""The story, chapter by chapter: a connection is lost and regained, and the syncs carry on."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from typing import Any

from tablesync.contracts import RunProgressed, SyncFailed, SyncInterrupted, SyncSucceeded
from tablesync.demo.api import Api
from tablesync.demo.compare import Comparison, compare
from tablesync.demo.console import Stage
from tablesync.demo.person import Person
from tablesync.demo.syncs import OBJECTS, Table, definition, labels_of, tables_of
from tablesync.demo.timeline import Tone
from tablesync.demo.watch import Arrival
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.waiting import eventually

PORTAL, OTHER_PORTAL = "7001", "7002"


@dataclass(frozen=True)
class Plot:
    """How large the story is; durations are seconds.

    The app is uninstalled once a run has been served `pages_before_uninstall` pages of edited
    contacts, so `edited` has to fill more pages than that.
    """

    edited: int = 1_200
    pages_before_uninstall: int = 2
    slots_to_miss: int = 2
    patience: float = 150.0


@dataclass
class Story:
    """Plays the story against a running stack and keeps what the report needs."""

    api: Api
    person: Person
    sandbox: SandboxControl
    stage: Stage
    plot: Plot = Plot()
    hubspot: str = ""
    airtable: str = ""
    tables: dict[str, Table] = field(default_factory=dict)
    syncs: dict[str, dict[str, Any]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    labels: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    edited: int = 0
    refused: bool = False
    revocation_mail: dict[str, Any] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)

    async def play(self) -> None:
        """Play every chapter in order."""
        await self.connect()
        await self.create_syncs()
        await self.first_runs()
        await self.edit_and_uninstall()
        await self.held()
        await self.mail_arrives()
        await self.slots_are_missed()
        await self.other_portal_is_refused()
        await self.press_the_button()
        await self.catch_up()
        await self.recovery_mail()
        await self.compare_everything()
        await self.ledgers_balance()

    async def connect(self) -> None:
        """Ada connects HubSpot and Airtable."""
        hubspot = await self.person.connect("hubspot", PORTAL)
        airtable = await self.person.connect("airtable")
        self.hubspot, self.airtable = hubspot["connection_id"], airtable["connection_id"]
        for each in (self.hubspot, self.airtable):
            connection = await self.api.get("auth-service", f"/v1/connections/{each}")
            name = connection["account"]["name"]
            self.stage.say(f"{connection['provider']} connected: {name}", Tone.GOOD)

    async def create_syncs(self) -> None:
        """Three syncs to three bases, each due every few seconds."""
        self.tables = tables_of((await self.sandbox.bases())["bases"])
        for object_ in OBJECTS:
            path = f"/v1/catalog/{self.hubspot}/objects/{object_}/properties"
            properties = await self.api.items("sync-runner", path)
            body = definition(
                object_, self.tables[object_], properties, self.hubspot, self.airtable
            )
            self.syncs[object_] = await self.api.post("scheduler", "/v1/syncs", body)
            self.labels[object_] = labels_of(properties)
            self.totals[object_] = len(await self._source_records(object_))
            fields = len(body["mapping"]) + 1
            self.stage.say(f"{body['name']}: {self.totals[object_]} records, {fields} fields")

    async def first_runs(self) -> None:
        """Each sync's first run reads and writes everything."""
        await self._for_each(lambda sync: self._has_run(sync, status="succeeded"))
        self.stage.say("every first run succeeded", Tone.GOOD)

    async def edit_and_uninstall(self) -> None:
        """Somebody edits contacts; while they are read, the app is uninstalled at HubSpot."""
        answer = await self.sandbox.control(
            "hubspot", PORTAL, "edit", object="contacts", count=self.plot.edited
        )
        await self.sandbox.control(
            "hubspot",
            PORTAL,
            "arm",
            after={
                "path_contains": "contacts/search",
                "responses": self.plot.pages_before_uninstall,
            },
            action="uninstall",
            body={},
        )
        self.edited = len(answer["edited"])
        self.stage.say(f"{self.edited} contacts were edited at HubSpot")
        await eventually(self._connection_is("revoked"), timeout=self.plot.patience)
        self.stage.say("the app was uninstalled at HubSpot in the middle of a run", Tone.BAD)

    async def held(self) -> None:
        """Everything that depends on the connection is held."""
        await self._for_each(self._is_held)
        self.stage.say("all three syncs are held; nothing else is called", Tone.BAD)

    async def mail_arrives(self) -> None:
        """One mail arrives."""
        self.revocation_mail = await eventually(
            lambda: self._mail("revocation"), timeout=self.plot.patience
        )
        subject = self.revocation_mail["subject"]
        self.stage.say(f"one mail to {self.revocation_mail['to'][0]}: {subject}", Tone.MAIL)
        self.stage.show(self.revocation_mail["text"].strip(), subject)

    async def slots_are_missed(self) -> None:
        """Time passes, and due runs do not run."""
        await self._for_each(self._missed_slots)
        self.stage.say(f"each sync has missed at least {self.plot.slots_to_miss} slots")

    async def other_portal_is_refused(self) -> None:
        """A reconnect to another portal is refused, with both names."""
        outcome = await self.person.connect("hubspot", OTHER_PORTAL, self.hubspot)
        finding = outcome.get("finding") or {}
        both = (finding.get("expected", {}).get("id"), finding.get("found", {}).get("id"))
        self.refused = outcome["status"] == "refused" and both == (PORTAL, OTHER_PORTAL)
        self.stage.say(f"another portal is refused: {finding.get('message')}", Tone.BAD)

    async def press_the_button(self) -> None:
        """Ada presses the mail's button and consents."""
        link = button_of(self.revocation_mail["html"])
        await self.person.press_reconnect(link, "hubspot", PORTAL)
        await eventually(self._connection_is("connected"), timeout=self.plot.patience)
        self.stage.say("the mail's button was pressed: HubSpot is connected again", Tone.GOOD)

    async def catch_up(self) -> None:
        """Each sync runs one catch-up for exactly what it missed."""
        await self._for_each(
            lambda sync: self._has_run(sync, status="succeeded", trigger="catch_up")
        )
        self.stage.say("every sync has caught up", Tone.GOOD)

    async def recovery_mail(self) -> None:
        """One mail tells that it is over."""
        mail = await eventually(lambda: self._mail("recovery"), timeout=self.plot.patience)
        self.stage.say(f"one mail: {mail['subject']}", Tone.MAIL)
        self.stage.show(mail["text"].strip(), mail["subject"])

    async def compare_everything(self) -> None:
        """Every table is compared with its source, record by record."""
        for object_, table in self.tables.items():
            records = await self._source_records(object_)
            rows = await self.sandbox.records(
                "airtable", "-", base=table.base_id, table=table.table_id
            )
            sync = self.syncs[object_]
            mapped = [sync["key"], *sync["mapping"]]
            found = compare(records, rows, table, mapped, self.labels[object_])
            self.comparisons[object_] = found
            verdict = "equal" if found.equal else f"NOT equal ({found.examples()})"
            self.stage.say(
                f"{object_}: {len(rows)} rows, {verdict} to {found.records} records",
                Tone.GOOD if found.equal else Tone.BAD,
            )

    async def ledgers_balance(self) -> None:
        """Every slot that was due is accounted for, and some were missed."""
        await self._for_each(self._ledger_balances)
        self.stage.say("every slot that was due is accounted for", Tone.GOOD)

    async def runs(self, sync: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a sync's run history."""
        return await self.api.items("scheduler", "/v1/runs", sync_id=sync["id"], limit="200")

    def on_event(self, arrival: Arrival) -> None:
        """Show what the topics tell: how far each run has come, and how it ended."""
        event = arrival.event
        if isinstance(event, RunProgressed | SyncSucceeded | SyncFailed | SyncInterrupted):
            object_ = self._object_of(event.sync_id)
            if object_:
                state = event.phase if isinstance(event, RunProgressed) else event.summary
                self.stage.progress(object_, event.counts.read, self.totals.get(object_), state)

    async def _source_records(self, object_: str) -> list[dict[str, Any]]:
        return await self.sandbox.records("hubspot", PORTAL, object=object_)

    def _object_of(self, sync_id: str) -> str | None:
        return next((name for name, sync in self.syncs.items() if sync["id"] == sync_id), None)

    async def _for_each(self, condition: Callable[[dict[str, Any]], Awaitable[bool]]) -> None:
        await asyncio.gather(
            *(
                eventually(partial(condition, sync), timeout=self.plot.patience)
                for sync in self.syncs.values()
            )
        )

    async def _has_run(self, sync: dict[str, Any], **wanted: str) -> bool:
        runs = await self.runs(sync)
        return any(all(run[name] == value for name, value in wanted.items()) for run in runs)

    async def _is_held(self, sync: dict[str, Any]) -> bool:
        return bool((await self._sync(sync))["status"] == "held")

    async def _missed_slots(self, sync: dict[str, Any]) -> bool:
        gap = (await self._sync(sync))["gap"] or {}
        return int(gap.get("slots_missed", 0)) >= self.plot.slots_to_miss

    async def _ledger_balances(self, sync: dict[str, Any]) -> bool:
        ledger = await self.api.get("scheduler", f"/v1/syncs/{sync['id']}/ledger")
        parts = (ledger[name] for name in ("run", "coalesced", "skipped", "held", "paused"))
        return bool(ledger["held"] > 0 and ledger["due"] == sum(parts))

    async def _sync(self, sync: dict[str, Any]) -> dict[str, Any]:
        return dict(await self.api.get("scheduler", f"/v1/syncs/{sync['id']}"))

    def _connection_is(self, status: str) -> Callable[[], Awaitable[bool]]:
        async def condition() -> bool:
            path = f"/v1/connections/{self.hubspot}"
            return bool((await self.api.get("auth-service", path))["status"] == status)

        return condition

    async def _mail(self, kind: str) -> dict[str, Any] | None:
        found = await mails_of(self.sandbox, kind)
        return found[0] if found else None


async def mails_of(sandbox: SandboxControl, kind: str) -> list[dict[str, Any]]:
    """Return the mails of one kind, as the catcher received them."""
    mails = await sandbox.messages()
    return [mail for mail in mails if mail["headers"].get("X-TableSync-Kind") == kind]


def button_of(html: str) -> str:
    """Return the address behind a mail's button."""
    found = re.search(r'<a\b[^>]*class="button"[^>]*>', html)
    href = re.search(r'href="([^"]+)"', found[0]) if found else None
    assert href, "the mail has no button"
    return unescape(href[1])
