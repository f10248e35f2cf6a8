"""Somebody at a browser: what they click, and what they are shown; the API prepares the rest."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect
from pydantic import SecretStr
from tablesync.client import ConflictError, SessionToken, TableSync
from tablesync.contracts.public_api.connections import NewAuthorization
from tablesync.contracts.public_api.people import NewMember, NewWorkspace, Role
from tablesync.contracts.public_api.syncs import NewSync, SyncView
from tablesync.demo.syncs import definition, tables_of
from tablesync.local_stack import LocalStack
from tablesync.local_stack.button import press
from tablesync.test_kit import SandboxControl

from . import pictures

PORTAL, OTHER_PORTAL = "7001", "7002"
ADA = "ada@acme.test"
WIDE: Mapping[str, int] = MappingProxyType({"width": 1440, "height": 900})
PATIENCE_MS = 30_000
# What a page does when its popup is closed: it reads the state anew, and waits for no beat.
LOOKS = "document.dispatchEvent(new Event('tablesync:look'))"
# Nothing runs by itself while a story is told: it asks for its runs.
RARELY = {"every_seconds": 86_400}


@dataclass
class Visitor:
    """One person in one browser, in a workspace once they have one."""

    stack: LocalStack
    sandbox: SandboxControl
    context: BrowserContext
    page: Page
    session: SecretStr
    workspace_id: str = ""
    complaints: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the dashboard is."""
        return self.stack.info.urls["dashboard"]

    @property
    def tablesync(self) -> TableSync:
        """The same person's client, to prepare and to compare."""
        return TableSync(self.stack.info.urls, SessionToken(self.session, self.workspace_id))

    async def has_a_workspace(self, name: str) -> None:
        """Make a workspace and stand on its first page."""
        async with TableSync(self.stack.info.urls, self._anywhere()) as tablesync:
            made = await tablesync.own_workspaces.create(NewWorkspace(name=name))
        self.workspace_id = made.id
        await self.open("/integrations")

    async def open(self, path: str) -> int:
        """Open a page of the workspace; return its status."""
        answer = await self.page.goto(f"{self.url}/w/{self.workspace_id}{path}")
        assert answer
        return answer.status

    async def csrf(self) -> str:
        """Return what a form of the page that is shown proves itself with."""
        shown = self.page.locator("input[name=csrf]").first
        return str(await shown.get_attribute("value"))

    def card(self, label: str) -> Locator:
        """Return the card of a provider's connection."""
        return self.page.get_by_role("article", name=re.compile(f"^{label}"))

    async def sees(self, label: str, badge: str) -> None:
        """Wait until a card has a badge, without anything being loaded anew."""
        await expect(self.card(label).locator(".badge")).to_have_text(badge, timeout=PATIENCE_MS)

    async def connects(self, provider: str, account: str | None = None) -> str:
        """Have a provider connected, beside the browser; return the connection's id."""
        attempt_id = await self.signs_in(provider, account)
        async with self.tablesync as tablesync:
            ended = await tablesync.authorizations.get(attempt_id)
        assert ended.connection_id, ended
        return ended.connection_id

    async def signs_in(
        self,
        provider: str,
        account: str | None = None,
        connection_id: str | None = None,
        scopes: Sequence[str] | None = None,
    ) -> str:
        """Sign in at a provider, beside the browser; return the id of the attempt.

        `scopes` are what is allowed there, if that is not all.
        """
        wanted = NewAuthorization(provider=provider, connection_id=connection_id)
        async with self.tablesync as tablesync:
            attempt = await tablesync.authorizations.create(wanted)
        await self.will_consent(provider, account, scopes=scopes)
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as browser:
            await press(browser, attempt.start_url)
        return attempt.id

    async def will_consent(
        self,
        provider: str,
        account: str | None = None,
        decision: str = "allow",
        scopes: Sequence[str] | None = None,
    ) -> None:
        """Have the provider's pages be answered as this person would."""
        bases = {"bases": "all"} if provider == "airtable" else {}
        told = {"user": ADA, "account": account, "decision": decision, "scopes": scopes}
        await self.sandbox.answer(provider, times=1, **told, **bases)

    async def makes_a_sync(self, object_: str, hubspot: str, airtable: str) -> SyncView:
        """Make a sync of one object, and have its first run done."""
        tables = tables_of((await self.sandbox.bases())["bases"])
        async with self.tablesync as tablesync:
            found = await tablesync.catalog.properties(hubspot, object_)
            properties = [each.model_dump(mode="json") for each in found.items]
            body: dict[str, Any] = definition(
                object_, tables[object_], properties, hubspot, airtable
            )
            made = await tablesync.syncs.create(
                NewSync.model_validate({**body, "schedule": RARELY})
            )
            run = await tablesync.syncs.run(made.id)
        await self.open(f"/runs/{run.run_id}")
        await expect(self.page.get_by_text("Finished")).to_be_visible(timeout=PATIENCE_MS)
        return made

    async def begins_to_reconnect(self) -> Page:
        """Click Reconnect of HubSpot, which is lost; return the popup, at our own page."""
        async with self.page.expect_popup() as opened:
            await self.card("HubSpot").get_by_role("button", name="Reconnect HubSpot").click()
        popup = await opened.value
        await expect(popup.get_by_role("button", name="Reconnect HubSpot")).to_be_visible()
        return popup

    async def acts(self, words: str) -> None:
        """Press something in the menu of HubSpot's card, on a page that is as new as can be."""
        await self.open("/integrations")
        await self.card("HubSpot").get_by_label("More for HubSpot").click()
        await self.card("HubSpot").get_by_role("button", name=words, exact=True).click()

    async def is_told(self, *said: str) -> None:
        """Wait until the report of a change to many syncs says all of this."""
        for each in said:
            report = self.page.locator("#bulk-change")
            await expect(report).to_contain_text(each, timeout=PATIENCE_MS)

    async def invites(self, other: "Visitor", email: str, role: Role) -> None:
        """Have somebody be a member of the workspace, who stands on its first page then."""
        wanted = NewMember(email=email, name=email.partition("@")[0].capitalize(), role=role)
        async with self.tablesync as tablesync:
            await tablesync.members.invite(wanted)
        async with TableSync(self.stack.info.urls, other._anywhere()) as tablesync:
            own = tablesync.own_workspaces
            received = [each async for each in own.invitations()]
            ours = next(each for each in received if each.workspace.id == self.workspace_id)
            await own.accept(ours.id)
        other.workspace_id = self.workspace_id
        await other.open("/integrations")

    async def picture(self, name: str, page: Page | None = None) -> None:
        """Keep a picture of the page, or of another one."""
        await pictures.keep(name, page or self.page)

    async def loses_hubspot(self) -> None:
        """Have the app be uninstalled at HubSpot, and TableSync find out."""
        await self.sandbox.control("hubspot", PORTAL, "uninstall")
        async with self.tablesync as tablesync:
            async for each in tablesync.syncs.all():
                with suppress(ConflictError):  # the first one's run may have found it out by now
                    await tablesync.syncs.run(each.id)

    def _anywhere(self) -> SessionToken:
        """Return credentials of any workspace: with several, one has to be named."""
        token = self.stack.info.workspace_id
        return SessionToken(self.session, token)


@asynccontextmanager
async def visiting(
    stack: LocalStack, browser: Browser, sandbox: SandboxControl, person: str, **options: Any
) -> AsyncIterator[Visitor]:
    """Have somebody sign in for a block; whatever the browser complains of fails the story."""
    url = stack.info.urls["dashboard"]
    settings = {"viewport": dict(WIDE), "timezone_id": "Europe/Berlin", **options}
    context = await browser.new_context(**settings)
    complaints: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if "Content Security" in said.text else None,
    )
    await page.goto(f"{url}/sign-in/start?person={person}")
    kept = {each.get("name"): each.get("value") for each in await context.cookies()}
    session = SecretStr(str(kept["tablesync_session"]))
    try:
        yield Visitor(stack, sandbox, context, page, session, complaints=complaints)
        assert not complaints, complaints
    finally:
        await context.close()
