"""The composition root: everything the scheduler consists of, and how it hangs together."""

import asyncio
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI
from tablesync.scheduler.api import internal, public
from tablesync.scheduler.api.commands import Commands
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.validation import Validation
from tablesync.scheduler.clients.auth_service import States
from tablesync.scheduler.domain.jitter import Jitter
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.loops.hold_jobs import HoldJobs
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import Reconciliation
from tablesync.scheduler.loops.ticker import Ticker
from tablesync.scheduler.settings import SERVICE, SchedulerSettings
from tablesync.scheduler.store import Store
from tablesync.scheduler.subscriptions import subscriptions
from tablesync.service_kit import waking
from tablesync.service_kit.http import dead_letter_routes, health, problems
from tablesync.service_kit.http.client import new_client
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer, Verifier
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.relay import Publishing, Relay
from tablesync.service_kit.mongo import connect, open_database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service


def build(settings: SchedulerSettings, **overrides: Any) -> Service:
    """Build the service; `overrides` replace `auth_service` and `sync_runner`, its clients."""
    client = connect(settings.mongodb_uri)
    database = open_database(client, f"{settings.mongodb_database_prefix}scheduler")
    units, store = UnitsOfWork(database, SERVICE), Store(database)
    signer = Signer.from_file(SERVICE, settings.service_key_file)
    verifier = Verifier.from_file(SERVICE, settings.trusted_keys_file)
    auth = overrides.get("auth_service") or _client(
        settings.auth_service_url, signer, "auth-service"
    )
    runner = overrides.get("sync_runner") or _client(
        settings.sync_runner_url, signer, "sync-runner"
    )

    jitter = Jitter(settings.scheduler_catch_up_jitter_seconds)
    handlers = Handlers(store, jitter.moment)
    states = States(auth, units, store, handlers)
    due, changed = asyncio.Event(), asyncio.Event()
    ticker = Ticker(units, store)
    jobs = HoldJobs(units, store, jitter, after_chunk=due.set)
    rechecks = Rechecks(units, store, runner, jitter.moment)
    reconciliation = Reconciliation(units, store, states, runner, handlers, jitter.moment)
    consuming = Subscriptions(settings, SERVICE, units, subscriptions(handlers))
    relay = Relay(database, partial(new_producer, settings), settings.kafka_topic_prefix)
    publishing = Publishing(settings, SERVICE, relay)

    async def close() -> None:
        await auth.aclose()
        await runner.aclose()
        client.close()

    service = Service(
        name=SERVICE,
        settings=settings,
        app=FastAPI(title="TableSync scheduler", docs_url=None, redoc_url=None),
        roles=[
            Role("consumer", consuming.run),
            Role("relay", publishing.run),
            Role("ticker", waking.role(ticker.tick, due, "ticker")),
            Role("worker", waking.role(jobs.tick, changed, "hold jobs")),
            Role("worker", waking.watcher(store.connections, changed)),
            Role("worker", partial(repeat, rechecks.tick, name="rechecks")),
            Role("worker", reconciliation.run),
        ],
        prepare=store.ensure_indexes,
        closers=[close],
    )
    queries = Queries(store)
    validation = Validation(states, runner, settings.scheduler_min_interval_seconds)
    commands = Commands(store, jitter.moment)
    app = service.app
    problems.install(app)
    app.include_router(public.sync_routes(units, commands, validation, queries, verifier))
    app.include_router(public.history_routes(store, queries, verifier))
    app.include_router(internal.routes(queries, verifier))
    app.include_router(dead_letter_routes.routes(consuming, database, verifier))
    app.include_router(
        health.routes(
            {
                "mongodb": health.mongodb_answers(database),
                "prepared": health.is_set(service.prepared),
                "consumer": service.once_started("consumer", consuming.started),
                "relay": service.once_started("relay", publishing.started),
            }
        )
    )
    return service


def _client(url: object, signer: Signer, audience: str) -> httpx.AsyncClient:
    return new_client(str(url), auth=ServiceAuth(signer, audience))
