"""A service as a process: it starts before what it needs, drains on SIGTERM, names bad settings."""

import asyncio
import json
import signal
import time
from collections import Counter
from urllib.parse import urlsplit

import httpx
import pytest
from service_process import DRAIN_SECONDS, environment, has_begun, service
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import NO_TLS, eventually, free_port
from tablesync.test_kit.messaging import Forwarder, send
from tablesync.test_kit.own_mongod import OwnMongod

# Long enough for a signal to find a message in hand, however busy the machine is.
IN_HAND_FOR_LONG = {"HANDLE_SECONDS": "3"}


async def status(settings: ServiceSettings, path: str) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=30, verify=NO_TLS) as client:
        try:
            url = f"http://127.0.0.1:{settings.http_port}{path}"
            return (await client.get(url)).status_code
        except httpx.TransportError:
            return 0


async def _is(expected: int, settings: ServiceSettings, path: str) -> bool:
    return await status(settings, path) == expected


async def test_p25_a_service_starts_before_kafka_and_mongodb_and_waits_for_them(
    settings: ServiceSettings,
) -> None:
    host, _, port = settings.kafka_bootstrap_servers.partition(":")
    kafka = Forwarder(host, int(port), free_port())
    target = urlsplit(settings.mongodb_uri)
    mongodb = Forwarder(target.hostname or "", target.port or 27017, free_port())
    given = environment(
        settings,
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{kafka.port}",
        MONGODB_URI=f"mongodb://127.0.0.1:{mongodb.port}/?directConnection=true",
    )
    async with service(given) as process:
        await eventually(lambda: _is(200, settings, "/healthz"), timeout=90)
        assert await status(settings, "/readyz") == 503
        await mongodb.open()
        await kafka.open()
        await eventually(lambda: _is(200, settings, "/readyz"), timeout=90)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DRAIN_SECONDS):
            await process.communicate()
        assert process.returncode == 0
    await mongodb.cut()
    await kafka.cut()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_body_that_is_no_http_is_no_fault_of_ours(
    settings: ServiceSettings, method: str
) -> None:
    """Whatever anybody can send must not fill the log with errors."""
    broken = f"{method} /v1/dlq HTTP/1.1\r\nHost: kit\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    async with service(environment(settings)) as process:
        await eventually(lambda: _is(200, settings, "/healthz"), timeout=90)
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.http_port)
        writer.write(broken.encode())
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        process.send_signal(signal.SIGTERM)
        said = b"".join(await process.communicate())
    assert (b" 400 " in answer) == (method == "GET")
    assert b"Invalid HTTP request" in said
    assert b"Traceback" not in said
    assert b'"level": "error"' not in said


async def test_p25_sigterm_finishes_the_message_in_hand_and_leaves_the_rest(
    settings: ServiceSettings, event, effects
) -> None:
    await ensure_topics(settings, "sync-runner")
    await send(settings, *(event(f"run_{n}") for n in range(4)))
    async with service(environment(settings, **IN_HAND_FOR_LONG)) as process:
        await has_begun(process, "run_0")
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        log, _ = await process.communicate()
        assert time.monotonic() - asked_at < DRAIN_SECONDS
        assert process.returncode == 0
    assert await effects() == ["run_0"]
    assert b"begun run_1" not in log

    async with service(environment(settings)):
        await eventually(lambda: effects(4), timeout=90)
    assert await effects() == [f"run_{n}" for n in range(4)]


@pytest.mark.needs("mongod")
async def test_p25_sigterm_is_obeyed_while_mongodb_stands_still(
    settings: ServiceSettings, own_mongod: OwnMongod, event
) -> None:
    """What is in hand cannot be finished then; it is left, and the process ends all the same."""
    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_0"))
    async with service(environment(settings, MONGODB_URI=own_mongod.uri)) as process:
        await has_begun(process, "run_0")
        with own_mongod.suspended():
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(DRAIN_SECONDS):
                await process.communicate()
        assert process.returncode == 0


async def test_p13_a_service_that_was_suspended_parks_nothing(
    settings: ServiceSettings, event, effects, new_subscriptions
) -> None:
    """However often, and for longer than an attempt may take: that time is not the message's."""
    own = settings.with_(message_attempt_seconds=3.0)
    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_0"))
    async with service(environment(own)) as process:
        for _ in range(3):
            await has_begun(process, "run_0")
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(own.message_attempt_seconds + 1)
            process.send_signal(signal.SIGCONT)
            if await effects():
                break
        await eventually(lambda: effects(1), timeout=90)
    assert await effects() == ["run_0"]
    assert await new_subscriptions().dead_letters.list("sync-requests") == []


async def test_p11_a_service_killed_in_mid_handler_has_each_effect_once(
    settings: ServiceSettings, event, effects
) -> None:
    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_0"), event("run_1"))
    async with service(environment(settings, **IN_HAND_FOR_LONG)) as process:
        await has_begun(process, "run_0")
        process.kill()
        await process.wait()
    assert await effects() == []
    async with service(environment(settings)):
        await eventually(lambda: effects(2), timeout=90)
    assert await effects() == ["run_0", "run_1"]


async def test_a_bad_setting_is_named_and_nothing_starts(settings: ServiceSettings) -> None:
    async with service(environment(settings, HTTP_PORT="seventy")) as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"  HTTP_PORT: " in errors
    assert b"seventy" not in errors


async def test_an_unknown_role_is_named(settings: ServiceSettings) -> None:
    async with service(environment(settings), "--role", "ticker") as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"no role ['ticker']" in errors


async def test_logs_are_json_and_name_the_service(settings: ServiceSettings) -> None:
    async with service(environment(settings), "--role", "api") as process:
        await eventually(lambda: _is(200, settings, "/healthz"), timeout=90)
        await status(settings, "/v1/unknown?code=SECRET")
        process.send_signal(signal.SIGTERM)
        log, _ = await process.communicate()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {each["service"] for each in lines} == {"sync-runner"}
    (request,) = (each for each in lines if each["event"] == "request")
    assert (request["route"], request["status"]) == ("(no route)", 404)
    assert b"SECRET" not in log


async def test_an_absence_of_mongodb_is_told_once_and_not_at_each_try(
    settings: ServiceSettings,
) -> None:
    target = urlsplit(settings.mongodb_uri)
    mongodb = Forwarder(target.hostname or "", target.port or 27017, free_port())
    uri = f"mongodb://127.0.0.1:{mongodb.port}/?directConnection=true&serverSelectionTimeoutMS=500"
    async with service(environment(settings, MONGODB_URI=uri), "--role", "api") as process:
        assert process.stdout is not None
        async with asyncio.timeout(90):
            before = await process.stdout.readuntil(b'"will try again"')
        await mongodb.open()
        await eventually(lambda: _is(200, settings, "/readyz"), timeout=90)
        process.send_signal(signal.SIGTERM)
        log, _ = await process.communicate()
    await mongodb.cut()
    told = Counter(json.loads(line)["event"] for line in (before + log).splitlines())
    assert (told["will try again"], told["done after all"]) == (1, 1)
    assert not [each for each in told if "retry" in each]


async def test_p18_an_unhandled_error_is_logged_once_and_without_what_it_says(
    settings: ServiceSettings,
) -> None:
    async with service(environment(settings), "--role", "api") as process:
        await eventually(lambda: _is(200, settings, "/healthz"), timeout=90)
        assert await status(settings, "/fail/canary") == 500
        process.send_signal(signal.SIGTERM)
        said = b"".join(await process.communicate()).decode()
    assert said.count("slow_service.py") == 1
    assert "ValueError" in said
    assert "canary" not in said
