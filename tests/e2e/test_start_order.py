"""Services start in any order: before Kafka and MongoDB, and wait for both."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.messaging import Forwarder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
# What each service's roles wait for, as `/readyz` names it.
KAFKA = {
    "auth-service": {"relay"},
    "scheduler": {"consumer", "relay"},
    "sync-runner": {"consumer", "relay"},
    "notifier": {"consumer"},
}


@pytest.fixture
def forwarders(kafka_bootstrap: str, mongodb_uri: str) -> tuple[Forwarder, Forwarder]:
    """Return ports that lead to Kafka and MongoDB once they are opened."""
    kafka, mongodb = urlsplit(f"//{kafka_bootstrap}"), urlsplit(mongodb_uri)
    return tuple(  # type: ignore[return-value]
        Forwarder(each.hostname or "", each.port or port, free_port())
        for each, port in ((kafka, 9092), (mongodb, 27017))
    )


async def test_p25_every_service_starts_before_kafka_and_mongodb_and_waits(
    forwarders: tuple[Forwarder, Forwarder],
    sandbox_url: str,
    sandbox_smtp_port: int,
    topic_prefix: str,
    database_prefix: str,
) -> None:
    kafka, mongodb = forwarders
    stack = LocalStack(
        ROOT,
        f"test-{topic_prefix.strip('-')}",
        programs=SERVICES,
        kafka_bootstrap=f"127.0.0.1:{kafka.port}",
        mongodb_uri=f"mongodb://127.0.0.1:{mongodb.port}/?directConnection=true",
        sandbox_url=sandbox_url,
        smtp_port=sandbox_smtp_port,
        topic_prefix=topic_prefix,
        database_prefix=database_prefix,
        fresh=True,
    )
    urls = {service: f"http://127.0.0.1:{stack.plan.port(service)}" for service in SERVICES}
    starting = asyncio.create_task(asyncio.to_thread(stack.start))
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            for service, url in urls.items():
                await eventually(lambda url=url: answers(http, f"{url}/healthz"), timeout=180)
                assert await missing(http, url) == {
                    "mongodb",
                    "writes",
                    "prepared",
                    *KAFKA[service],
                }
            await mongodb.open()
            for service, url in urls.items():
                waits = KAFKA[service]
                await eventually(lambda u=url, w=waits: misses(http, u, w), timeout=180)
            await kafka.open()
            for url in urls.values():
                await eventually(lambda url=url: answers(http, f"{url}/readyz"), timeout=180)
        await starting
    finally:
        stack.stop()
        await asyncio.gather(starting, return_exceptions=True)
        await kafka.cut()
        await mongodb.cut()
        stack.remove()


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.TransportError:
        return False


async def missing(http: httpx.AsyncClient, url: str) -> set[str]:
    """Return what `/readyz` says the service waits for."""
    answer = await http.get(f"{url}/readyz")
    assert answer.status_code == 503
    checks: dict[str, Any] = answer.json()
    return {name for name, passes in checks.items() if not passes}


async def misses(http: httpx.AsyncClient, url: str, names: set[str]) -> bool:
    return await missing(http, url) == names
