"""The client: one attribute for each kind of thing, whichever service has it."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx
from tablesync.client.connections import Authorizations, Connections, Providers
from tablesync.client.credentials import Credentials
from tablesync.client.dead_letters import DeadLetters
from tablesync.client.drafts import Drafts
from tablesync.client.edge import Edge
from tablesync.client.incidents import Incidents, Mails, Preferences
from tablesync.client.inquiries import DryRuns, Explanations, Trials
from tablesync.client.people import ApiTokens, Audit, Members, OwnWorkspaces, Sessions, SignIn
from tablesync.client.runs import Runs
from tablesync.client.syncs import Catalog, Receipts, Syncs

TIMEOUT_SECONDS = 15.0


class TableSync:
    """TableSync, as somebody may use it: `async with TableSync(urls, credentials) as tablesync`.

    `urls` has the address of each service by its name; one that is missing is told once it is
    needed (NoAddressError). `http` is used instead of a client of its own, and left open.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        credentials: Credentials,
        *,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._own_http = None if http else _new_http()
        self._http = http or self._own_http
        self._urls = urls
        self._credentials = credentials
        anybody = self._edge("auth-service", None)
        self.sign_in = SignIn(anybody)
        credentials.use(self.sign_in.exchange)
        auth, scheduler, sync_runner, notifier = (
            self._edge(each, credentials)
            for each in ("auth-service", "scheduler", "sync-runner", "notifier")
        )
        self.providers = Providers(auth)
        self.connections = Connections(auth)
        self.authorizations = Authorizations(auth)
        self.sessions = Sessions(auth, anybody)
        self.api_tokens = ApiTokens(auth)
        self.members = Members(auth)
        self.audit = Audit(auth)
        self.own_workspaces = OwnWorkspaces(auth)
        self.syncs = Syncs(scheduler)
        self.drafts = Drafts(scheduler)
        self.receipts = Receipts(scheduler)
        self.runs = Runs(scheduler, sync_runner)
        self.catalog = Catalog(sync_runner)
        self.trials = Trials(sync_runner)
        self.explanations = Explanations(sync_runner)
        self.dry_runs = DryRuns(sync_runner)
        self.incidents = Incidents(notifier)
        self.mails = Mails(notifier)
        self.preferences = Preferences(notifier)
        self.dead_letters = {
            each.service: DeadLetters(each) for each in (scheduler, sync_runner, notifier)
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._own_http:
            await self._own_http.aclose()

    def _edge(self, service: str, credentials: Credentials | None) -> Edge:
        assert self._http
        return Edge(service, self._urls.get(service, ""), self._http, credentials)


def _new_http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)
