"""Health tells life from readiness, and readiness names what is missing."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http import health
from tablesync.service_kit.messaging import consumer
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import free_port


def client(**checks: health.Check) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(health.routes(checks))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://kit")


def settings_with(keys: ServiceKeys) -> ServiceSettings:
    return ServiceSettings(
        kafka_bootstrap_servers="127.0.0.1:1",
        mongodb_uri="mongodb://127.0.0.1:1",
        http_port=free_port(),
        service_key_file=keys.private_key_file("notifier"),
        trusted_keys_file=keys.trusted_keys_file,
    )


async def wait(stop: asyncio.Event) -> None:
    await stop.wait()


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


async def test_what_a_probe_excludes_is_named_and_does_not_count() -> None:
    async with client(kafka=failing) as kit:
        answer = await kit.get("/readyz", params={"exclude": "kafka"})
        assert (answer.status_code, answer.json()) == (200, {"kafka": False})
        assert (await kit.get("/readyz", params={"exclude": "mongodb"})).status_code == 503


@pytest.mark.parametrize(
    ("only", "ready"),
    [((), False), (("consumer",), False), (("api", "consumer"), False), (("api",), True)],
)
async def test_readiness_waits_for_the_chosen_roles_alone(
    service_keys: ServiceKeys, only: Sequence[str], ready: bool
) -> None:
    started, stop = asyncio.Event(), asyncio.Event()
    resources = Resources.open("kit", settings_with(service_keys), database="kit")
    service = Service(resources, roles=[Role("consumer", wait)])
    stop.set()
    await service.run(stop, only)
    async with client(consumer=service.once_started("consumer", started)) as kit:
        answer = await kit.get("/readyz")
        assert (answer.is_success, answer.json()) == (ready, {"consumer": ready})
        started.set()
        assert (await kit.get("/readyz")).is_success


async def test_metrics_are_in_prometheus_text() -> None:
    consumer.CONSUMED.labels("sync-requests", "handled")
    async with client() as kit:
        answer = await kit.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "messages_consumed_total" in answer.text
