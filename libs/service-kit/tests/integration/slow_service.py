"""A whole service in a process of its own: it handles each message slowly, and says when."""

import asyncio
import os
import sys

from fastapi import APIRouter
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit import main
from tablesync.service_kit.messaging.consumer import Subscription
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings

NAME = "sync-runner"
HANDLE_SECONDS = float(os.environ.get("HANDLE_SECONDS", "1"))
router = APIRouter()


@router.get("/fail/{token}")
async def fail(token: str) -> None:
    raise ValueError(f"{token} is a secret")


async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
    sys.stdout.write(f"begun {event.run_id}\n")
    sys.stdout.flush()
    await asyncio.sleep(HANDLE_SECONDS)
    await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


def build(settings: ServiceSettings) -> Service:
    return Service(
        Resources.open(NAME, settings, database="kit"),
        routers=[router],
        subscriptions=[Subscription("sync-requests", {RunCancelRequested: handle})],
        publishes=True,
    )


main.run(build, ServiceSettings, NAME)
