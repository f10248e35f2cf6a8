"""Health tells that a process lives; readiness, that all it depends on is there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, RootModel
from tablesync.service_kit import mongo
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.http.openapi import NO_TOKEN
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.single_flight import SingleFlight

Check = Callable[[], Awaitable[bool]]
CHECK_SECONDS = 3.0
# What the last small write has shown is believed for so long.
WRITE_SECONDS = 5.0
# Whatever it names is taken: a probe has no use for a problem.
EXCLUDE = {
    "name": "exclude",
    "in": "query",
    "description": "A check that is named, but makes no 503: `kafka`, for one; repeatable.",
    "schema": {"type": "array", "items": {"type": "string"}},
}


class Alive(BaseModel):
    """A process that answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: Literal["alive"] = "alive"


class Readiness(RootModel[dict[str, bool]]):
    """Each check by its name, and whether it passes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mongodb": True, "api": True}]})


def routes(checks: Mapping[str, Check]) -> APIRouter:
    """Make `/healthz`, `/readyz` (503 while a check fails, each one named) and `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", openapi_extra=NO_TOKEN)
    async def healthz() -> Alive:
        return Alive()

    @router.get(
        "/readyz",
        responses={503: {"model": Readiness}},
        openapi_extra={**NO_TOKEN, "parameters": [EXCLUDE]},
    )
    async def readyz(request: Request, response: Response) -> Readiness:
        exclude = request.query_params.getlist("exclude")
        outcomes = await asyncio.gather(*(_passes(check) for check in checks.values()))
        named = dict(zip(checks, outcomes, strict=True))
        if not all(passes for name, passes in named.items() if name not in exclude):
            response.status_code = 503
        return Readiness(named)

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def mongodb_answers(database: Database) -> Check:
    """Make a check that MongoDB answers, and lets us read."""

    async def check() -> bool:
        return await mongo.answers(database)

    return check


def mongodb_takes_writes(database: Database) -> Check:
    """Make a check that MongoDB takes what we write; however often it is asked, it writes seldom.

    A disk that is full or locked, and a role that was taken away, are seen by nothing else.
    """
    looks: SingleFlight[bool] = SingleFlight()
    takes, until = False, Deadline(0)

    async def look() -> bool:
        nonlocal takes, until
        takes = await mongo.takes_writes(database)
        until = Deadline(WRITE_SECONDS)
        return takes

    async def check() -> bool:
        return await looks.join("writes", look) if until.passed() else takes

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
