"""Health tells that a process lives; readiness, that all it depends on is there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Database

Check = Callable[[], Awaitable[bool]]
CHECK_SECONDS = 3.0


def routes(checks: Mapping[str, Check]) -> APIRouter:
    """Make `/healthz`, `/readyz` (503 while a check fails, each one named) and `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, bool]:
        outcomes = await asyncio.gather(*(_passes(check) for check in checks.values()))
        if not all(outcomes):
            response.status_code = 503
        return dict(zip(checks, outcomes, strict=True))

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def mongodb_answers(database: Database) -> Check:
    """Make a check that MongoDB answers."""

    async def check() -> bool:
        return await mongo.answers(database)

    return check


def is_set(event: asyncio.Event) -> Check:
    """Make a check that something has started."""

    async def check() -> bool:
        return event.is_set()

    return check


async def _passes(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except Exception:
        return False
