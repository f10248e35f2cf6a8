"""The anatomy of a service: what it serves and runs, and what it closes."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from tablesync.contracts import RunCancelRequested
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.service_auth import ServiceAuth, Verifier
from tablesync.service_kit.messaging.consumer import Following, Subscription
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import free_port


@pytest.fixture
def resources(service_keys: ServiceKeys) -> Resources:
    """Return what a service opens whose Kafka and MongoDB are away."""
    settings = ServiceSettings(
        kafka_bootstrap_servers="127.0.0.1:1",
        mongodb_uri="mongodb://127.0.0.1:1",
        http_port=free_port(),
        service_key_file=service_keys.private_key_file("sync-runner"),
        trusted_keys_file=service_keys.trusted_keys_file,
    )
    return Resources.open("sync-runner", settings, database="kit")


async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
    raise AssertionError("no message comes")


async def follow(event: RunCancelRequested) -> None:
    raise AssertionError("no message comes")


async def idle(stop: asyncio.Event) -> None:
    await stop.wait()


CONSUMES = [Subscription("sync-requests", {RunCancelRequested: handle})]
FOLLOWS = [Following("sync-requests", {RunCancelRequested: follow})]


@pytest.mark.parametrize(
    ("subscriptions", "followings", "publishes", "roles"),
    [
        ([], [], False, set()),
        (CONSUMES, [], False, {"consumer"}),
        ([], FOLLOWS, True, {"consumer", "relay"}),
    ],
)
async def test_a_service_has_the_roles_that_it_needs_and_is_ready_with_them(
    resources: Resources,
    subscriptions: Sequence[Subscription],
    followings: Sequence[Following],
    publishes: bool,
    roles: set[str],
) -> None:
    service = Service(
        resources,
        subscriptions=subscriptions,
        followings=followings,
        publishes=publishes,
        roles=[Role("ticker", idle)],
    )
    assert service.role_names == {"api", "ticker", *roles}
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as kit:
        assert (await kit.get("/healthz")).is_success
        answer = await kit.get("/readyz")
        checks = {"mongodb", "writes", "prepared", *roles, *({"kafka"} if roles else ())}
        assert (answer.status_code, set(answer.json())) == (503, checks)
        problem = await kit.get("/v1/dlq")
        assert problem.headers["content-type"] == "application/problem+json"
    await resources.close()


async def test_a_peer_is_asked_with_a_token_for_it_and_closed(
    resources: Resources, service_keys: ServiceKeys
) -> None:
    peer = resources.peer("http://auth-service/", "auth-service", total_seconds=3)
    request = peer.build_request("GET", "/internal/v1/connections")
    assert str(request.url) == "http://auth-service/internal/v1/connections"
    assert isinstance(peer.auth, ServiceAuth)
    signed = await anext(peer.auth.async_auth_flow(request))
    token = signed.headers["Authorization"].removeprefix("Bearer ")
    verifier = Verifier.from_file("auth-service", service_keys.trusted_keys_file)
    assert verifier.service_caller(token) == "sync-runner"
    await resources.close()
    assert peer.is_closed


async def test_clients_close_although_a_drain_fails(resources: Resources) -> None:
    peer = resources.peer("http://127.0.0.1:1", "auth-service")

    async def drain() -> None:
        raise LookupError("no such token")

    stop = asyncio.Event()
    stop.set()
    with pytest.raises(LookupError, match="no such token"):
        await Service(resources, drains=[drain]).run(stop)
    assert peer.is_closed
