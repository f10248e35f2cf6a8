"""Health tells life from readiness, and readiness names what is missing."""

import asyncio

import httpx
from fastapi import FastAPI
from tablesync.service_kit import health


def client(**checks: health.Check) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(health.routes(checks))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://kit")


async def failing() -> bool:
    raise ConnectionError("away")


async def test_a_live_service_need_not_be_ready() -> None:
    started = asyncio.Event()
    async with client(kafka=health.is_set(started), mongodb=failing) as kit:
        assert (await kit.get("/healthz")).json() == {"status": "alive"}
        answer = await kit.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"kafka": False, "mongodb": False})


async def test_a_service_is_ready_when_every_check_passes() -> None:
    started = asyncio.Event()
    started.set()
    async with client(kafka=health.is_set(started)) as kit:
        answer = await kit.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"kafka": True})


async def test_metrics_are_in_prometheus_text() -> None:
    async with client() as kit:
        answer = await kit.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "messages_consumed_total" in answer.text
