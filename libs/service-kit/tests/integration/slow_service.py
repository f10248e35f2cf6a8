"""A whole service in a process of its own: it handles each message slowly, and says when."""

import asyncio
import sys

from fastapi import FastAPI
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit import main, mongo
from tablesync.service_kit.http import health, problems
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.consumer import Subscription
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.relay import Relay
from tablesync.service_kit.mongo.indexes import ensure_kit_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings


async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
    sys.stdout.write(f"begun {event.run_id}\n")
    sys.stdout.flush()
    await asyncio.sleep(1)
    await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


def build(settings: ServiceSettings) -> Service:
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, f"{settings.mongodb_database_prefix}kit")
    units = UnitsOfWork(database, "sync-runner")
    subscription = Subscription("sync-requests", {RunCancelRequested: handle})
    subscriptions = Subscriptions(settings, "sync-runner", units, [subscription])
    relay = Relay(database, lambda: new_producer(settings), settings.kafka_topic_prefix)
    app = FastAPI()
    problems.install(app)

    @app.get("/fail/{token}")
    async def fail(token: str) -> None:
        raise ValueError(f"{token} is a secret")

    checks = {
        "mongodb": health.mongodb_answers(database),
        "kafka": health.is_set(subscriptions.started),
    }
    app.include_router(health.routes(checks))
    roles = [Role("consumer", subscriptions.run), Role("relay", relay.run)]
    return Service("sync-runner", settings, app, roles, lambda: ensure_kit_indexes(database))


main.run(build, ServiceSettings, "sync-runner")
