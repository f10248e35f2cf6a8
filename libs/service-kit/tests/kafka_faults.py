"""What Kafka's absence, or a deleted topic's, has a service say; and how a topic is deleted."""

import json
import signal
from asyncio.subprocess import Process
from collections import Counter
from typing import Any

import httpx
from tablesync.service_kit.messaging.incarnations import incarnations
from tablesync.service_kit.messaging.kafka import administration, ensure_topics
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import NO_TLS, eventually

# What a service says in all, from its start to its end; it was ten thousand a minute.
FEW_LINES = 40


async def ready(settings: ServiceSettings, query: str = "") -> tuple[int, bool | None]:
    """Return the status of `/readyz`, and what it says of Kafka."""
    url = f"http://127.0.0.1:{settings.http_port}/readyz{query}"
    async with httpx.AsyncClient(trust_env=False, timeout=30, verify=NO_TLS) as http:
        try:
            answer = await http.get(url)
        except httpx.TransportError:
            return 0, None
    return answer.status_code, answer.json()["kafka"]


async def tells(settings: ServiceSettings, status: int, *, kafka: bool) -> None:
    async def told() -> bool:
        return await ready(settings) == (status, kafka)

    await eventually(told, timeout=120)


async def lines_of(process: Process) -> list[dict[str, Any]]:
    """End a service, and read what it has logged."""
    process.send_signal(signal.SIGTERM)
    out, _ = await process.communicate()
    return [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]


def told_once(lines: list[dict[str, Any]]) -> None:
    events = Counter(each["event"] for each in lines)
    assert (events["kafka away"], events["kafka back"]) == (1, 1), events
    assert len(lines) <= FEW_LINES, events


async def delete(settings: ServiceSettings, topic: str) -> None:
    async with administration(settings) as admin:
        await admin.delete_topics([settings.kafka_topic_prefix + topic])


async def incarnation(settings: ServiceSettings, topic: str) -> str | None:
    async with administration(settings) as admin:
        return (await incarnations(admin)).get(settings.kafka_topic_prefix + topic)


async def replace(settings: ServiceSettings, topic: str, service: str) -> None:
    """Delete a topic and make it again, as one that is empty and has the same name."""
    before = await incarnation(settings, topic)
    await delete(settings, topic)

    async def made() -> bool:
        await ensure_topics(settings, service)
        return await incarnation(settings, topic) not in (None, before)

    await eventually(made)
