"""The dashboard's composition root."""

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI
from tablesync.dashboard.help import routes as help_pages
from tablesync.dashboard.live.followings import followings
from tablesync.dashboard.live.hub import Hub
from tablesync.dashboard.live.streams import Streams
from tablesync.dashboard.pages import (
    connect,
    connections,
    entry,
    faults,
    incidents,
    integrations,
    practice,
    receipts,
    runs,
    sign_in,
    sync,
    syncs,
)
from tablesync.dashboard.pages.live import lists, things
from tablesync.dashboard.pages.making import dry_run, edit, explain, new_table, wizard
from tablesync.dashboard.pages.settings import audit, members, own
from tablesync.dashboard.settings import NAME, Settings, origin_of
from tablesync.dashboard.web import headers, static
from tablesync.dashboard.web.cookies import Cookies
from tablesync.dashboard.web.desk import Desk
from tablesync.dashboard.web.oidc import IdentityProvider
from tablesync.dashboard.web.practice import Practice
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.same_origin import SameOrigin
from tablesync.dashboard.web.signing import Signing
from tablesync.dashboard.web.silences import Silences, hurry
from tablesync.dashboard.web.visitors import Visitors
from tablesync.service_kit.http import access, health
from tablesync.service_kit.http.client import new_client, new_transport
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.kafka_watch import KafkaWatch
from tablesync.service_kit.process import run_roles, serve_beside
from tablesync.service_kit.roles import Role

FOLLOWER = "follower"
PAGES = (
    integrations.routes,
    connect.routes,
    receipts.routes,
    connections.routes,
    connections.act_routes,
    syncs.routes,
    syncs.change_routes,
    wizard.routes,
    new_table.routes,
    edit.routes,
    explain.routes,
    dry_run.routes,
    sync.routes,
    sync.act_routes,
    runs.routes,
    incidents.routes,
    own.routes,
    own.zone_routes,
    own.session_routes,
    members.routes,
    members.invitation_routes,
    audit.routes,
)


def build(settings: Settings) -> "Dashboard":
    """Wire the dashboard: pages, and the topics that it follows. Call it inside an event loop."""
    return Dashboard(settings)


class Dashboard:
    """Pages over HTTP and a follower of topics; it keeps nothing."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http, self._transport = new_client(), new_transport()
        self._silences = Silences(settings.services)
        self._http.event_hooks = {"request": [hurry], "response": [self._silences.heard]}
        self._hub, self._visitors = Hub(), Visitors(settings, self._http)
        self._following = Subscriptions(
            settings, NAME, None, (), followings(self._hub, self._visitors)
        )
        self._kafka = KafkaWatch(settings, NAME, self._following.compare)
        identity = IdentityProvider(settings, self._http, self._transport)
        self.app = self._new_app(identity)

    @property
    def role_names(self) -> set[str]:
        """What `--role` may name."""
        return {"api", FOLLOWER}

    async def run(self, stop: asyncio.Event, only: Sequence[str] = ()) -> None:
        """Serve pages and follow topics until `stop`; streams end first."""
        roles = [Role(FOLLOWER, self._following.run), Role("kafka", self._kafka.run)]
        chosen = [each for each in roles if not only or FOLLOWER in only]

        async def work(stop: asyncio.Event) -> None:
            ending = asyncio.create_task(self._end_streams(stop))
            await run_roles(chosen, stop)
            await ending

        try:
            await serve_beside(work, self.app, self._settings, stop)
        finally:
            await self._http.aclose()
            await self._transport.aclose()

    async def _end_streams(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._hub.close()

    def _new_app(self, identity: IdentityProvider) -> FastAPI:
        settings, called = self._settings, static.version()
        desk = Desk(
            settings,
            Rendering(called, self._silences.since),
            self._visitors,
            Cookies(secure=settings.is_secure),
            Signing(settings.signing_key),
        )
        streams = Streams(desk, self._hub, settings.dashboard_streams_per_person)
        app = FastAPI(title="TableSync", openapi_url=None, docs_url=None, redoc_url=None)
        desk.install(app)
        app.add_middleware(SameOrigin, origin=settings.origin)
        leads_to = origin_of(settings.auth_public_url)
        always = headers.install(app, [leads_to], secure=settings.is_secure)
        access.use_instead_of_fastapis(app)
        faults.install(app, desk, always)
        static.install(app, called)
        if settings.sandbox_url:
            practising = Practice(settings.sandbox_url, self._http)
            app.routes.extend(practice.routes(desk, practising).routes)
        for each in (
            health.routes({"kafka": self._kafka.is_well}),
            entry.routes(desk),
            entry.invitation_routes(desk),
            sign_in.routes(desk, identity),
            help_pages.routes(desk),
            things.card_routes(desk, streams),
            things.part_routes(desk, streams),
            things.connection_routes(desk, streams),
            things.incident_routes(desk, streams),
            lists.routes(desk, streams),
            *(make(desk) for make in PAGES),
        ):
            app.routes.extend(each.routes)
        return app
