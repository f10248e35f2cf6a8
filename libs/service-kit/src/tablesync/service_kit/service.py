"""A service: what all of them do alike, put together once; a bootstrap adds what is its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from fastapi import APIRouter, FastAPI
from tablesync.service_kit.http import (
    access,
    bodies,
    dead_letter_routes,
    health,
    idempotency,
    openapi,
    problems,
)
from tablesync.service_kit.http.health import Check
from tablesync.service_kit.messaging import inbox, outbox
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.consumer import Following, Subscription
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.kafka_watch import KafkaWatch
from tablesync.service_kit.messaging.relay import Publishing, Relay
from tablesync.service_kit.mongo.changes import INSERTED
from tablesync.service_kit.mongo.indexes import Indexes, ensure_indexes
from tablesync.service_kit.process import run_roles, serve_beside
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role, persist, unless_stopped

# What the kit itself keeps in a service's database.
KIT_INDEXES: Indexes = {**outbox.INDEXES, **idempotency.INDEXES, **dead_letter_routes.INDEXES}

Step = Callable[[], Awaitable[None]]


class Service:
    """An API with problems, health and dead letters; a consumer and a relay role; and one's own.

    `subscriptions` and `followings` make the consumer role, `publishes` the relay role. First
    come indexes and `prepare`, repeated until they succeed; roles start after them, while
    `/healthz` answers from the first moment. In the end, when HTTP and every role have ended,
    come `drains`, and then the clients are closed.
    """

    def __init__(
        self,
        resources: Resources,
        *,
        routers: Sequence[APIRouter] = (),
        subscriptions: Sequence[Subscription] = (),
        followings: Sequence[Following] = (),
        publishes: bool = False,
        roles: Sequence[Role] = (),
        indexes: Indexes | None = None,
        expiries: Indexes | None = None,
        prepare: Sequence[Step] = (),
        drains: Sequence[Step] = (),
    ) -> None:
        self.name, self.settings = resources.name, resources.settings
        self.prepared = asyncio.Event()
        self._resources = resources
        self._only: Sequence[str] = ()
        self._consuming = Subscriptions(
            self.settings, self.name, resources.units, subscriptions, followings
        )
        self._messaging: dict[str, Subscriptions | Publishing] = {
            **({"consumer": self._consuming} if subscriptions or followings else {}),
            **({"relay": _publishing(resources)} if publishes else {}),
        }
        self.roles = [*(Role(name, each.run) for name, each in self._messaging.items()), *roles]
        self._kafka = KafkaWatch(self.settings, self.name, self._consuming.compare)
        self._indexes, self._expiries = indexes or {}, expiries or {}
        self._prepare, self._drains = prepare, drains
        self.app = self._new_app(routers)

    @property
    def role_names(self) -> set[str]:
        """What `--role` may name; HTTP is always served, so that probes are answered."""
        return {"api", *(role.name for role in self.roles)}

    async def run(self, stop: asyncio.Event, only: Sequence[str] = ()) -> None:
        """Run the chosen roles, or all, until `stop`; `api` alone means no role but HTTP."""
        self._only = only
        try:
            await serve_beside(self._work, self.app, self.settings, stop)
        finally:
            await self._end()

    def once_started(self, role: str, started: asyncio.Event) -> Check:
        """Make a check that a role has started; it passes where the role is not chosen."""

        async def check() -> bool:
            return started.is_set() or not self._is_chosen(role)

        return check

    async def _end(self) -> None:
        try:
            for drain in self._drains:
                await drain()
        finally:
            await self._resources.close()

    async def _work(self, stop: asyncio.Event) -> None:
        await unless_stopped(persist(self._make_ready, "prepare"), stop)
        if not stop.is_set():
            self.prepared.set()
            chosen = [each for each in self.roles if self._is_chosen(each.name)]
            always = [
                Role("changes", self._resources.changes.run),
                Role("kafka", self._watch_kafka),
            ]
            await run_roles([*chosen, *always], stop)

    async def _watch_kafka(self, stop: asyncio.Event) -> None:
        """Watch it for the roles that need it, once they have started: until then they tell."""
        needing = [each for name, each in self._messaging.items() if self._is_chosen(name)]
        for each in needing:
            await unless_stopped(each.started.wait(), stop)
        if needing:
            await self._kafka.run(stop)

    async def _make_ready(self) -> None:
        kits_own = inbox.expiries(self.settings.keep_inbox_days)
        for indexes in (KIT_INDEXES, kits_own, self._indexes, self._expiries):
            await ensure_indexes(self._resources.database, indexes)
        for step in self._prepare:
            await step()

    def _is_chosen(self, role: str) -> bool:
        return not self._only or role in self._only

    def _new_app(self, routers: Sequence[APIRouter]) -> FastAPI:
        # A redirect to a path without its slash would go to whatever the Host header names.
        app = FastAPI(
            title=f"TableSync {self.name}", docs_url=None, redoc_url=None, redirect_slashes=False
        )
        bodies.install(app, self._resources.verifier, self.settings.http_receive_seconds)
        access.use_instead_of_fastapis(app)
        problems.install(app, str(self.settings.help_url or "").rstrip("/"))
        openapi.complete(app)
        # `include_router` would build each route once more, while the first request waits for it.
        for each in (*routers, self._dead_letters(), health.routes(self._checks())):
            app.routes.extend(each.routes)
        return app

    def _dead_letters(self) -> APIRouter:
        """Make the routes that every service has; one that consumes nothing lists none."""
        database, verifier = self._resources.database, self._resources.verifier
        return dead_letter_routes.routes(self._consuming, database, verifier)

    def _checks(self) -> dict[str, Check]:
        return {
            "mongodb": health.mongodb_answers(self._resources.database),
            "writes": health.mongodb_takes_writes(self._resources.database),
            "prepared": health.is_set(self.prepared),
            **{
                role: self.once_started(role, each.started)
                for role, each in self._messaging.items()
            },
            **({"kafka": self._kafka.is_well} if self._messaging else {}),
        }


def _publishing(resources: Resources) -> Publishing:
    settings = resources.settings
    new = partial(new_producer, settings)
    stored = resources.changes.wakes(outbox.COLLECTION, INSERTED)
    relay = Relay(resources.database, new, settings.kafka_topic_prefix, stored)
    return Publishing(settings, resources.name, relay)
