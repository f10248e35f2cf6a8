"""Kafka or a topic goes away: one line says so and one that it is back, and `/readyz` as well."""

import asyncio
import signal
from pathlib import Path

import pytest
from kafka_faults import delete, lines_of, ready, replace, tells, told_once
from service_process import environment, service
from tablesync.local_stack import LocalStack
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import send

AWAY_SECONDS = 10


@pytest.fixture
def settings(settings: ServiceSettings) -> ServiceSettings:
    """Look often, and yet seldom enough for a topic's absence to be seen at `/readyz`."""
    return settings.with_(kafka_check_seconds=2.0)


@pytest.mark.needs("kafka")
async def test_p13_an_absence_of_kafka_is_told_once_and_by_readyz(
    settings: ServiceSettings, topic_prefix: str, event, effects
) -> None:
    """Requests that need no Kafka are served all the while."""
    name = f"test-{topic_prefix.strip('-')}-kafka"
    stack = LocalStack(Path(__file__).parents[4], name, programs=("kafka",), fresh=True)
    own = settings.with_(kafka_bootstrap_servers=stack.plan.kafka)
    with stack:
        async with service(environment(own)) as process:
            await tells(own, 200, kafka=True)
            stack.kill("kafka")
            await tells(own, 503, kafka=False)
            assert await ready(own, "?exclude=kafka") == (200, False)
            await asyncio.sleep(AWAY_SECONDS)
            stack.start_program("kafka")
            await tells(own, 200, kafka=True)
            await send(own, event("run_1"))
            await eventually(lambda: effects(1), timeout=120)
            told_once(await lines_of(process))
    stack.remove()


async def test_p11_a_deleted_topic_is_made_again_and_nothing_is_lost_without_a_restart(
    settings: ServiceSettings, units: UnitsOfWork, event, effects
) -> None:
    """What is published meanwhile waits in the outbox, and is consumed from the beginning."""

    async def publish(*run_ids: str) -> None:
        async def work(unit: UnitOfWork) -> None:
            unit.publish(*(event(each, each).event for each in run_ids))

        await units.run(work)

    await ensure_topics(settings, "sync-runner")
    async with service(environment(settings)) as process:
        await publish("run_1", "run_2", "run_3")
        await eventually(lambda: effects(3), timeout=120)
        await tells(settings, 200, kafka=True)
        await delete(settings, "sync-requests")
        await publish("run_4", "run_5", "run_6")
        await tells(settings, 503, kafka=False)
        await tells(settings, 200, kafka=True)
        await publish("run_7", "run_8")
        await eventually(lambda: effects(8), timeout=120)
        lines = await lines_of(process)
    assert sorted(await effects()) == [f"run_{n}" for n in range(1, 9)]
    told_once(lines)
    [away] = [each for each in lines if each["event"] == "kafka away"]
    assert away["reason"] == f"topics are missing: {settings.kafka_topic_prefix}sync-requests"


async def test_p11_a_topic_replaced_behind_a_process_is_read_from_its_beginning(
    settings: ServiceSettings, event, effects
) -> None:
    """Nobody sees that it is missing, and the process' place would leave out as many messages."""
    await ensure_topics(settings, "sync-runner")
    async with service(environment(settings)) as process:
        await send(settings, *(event(f"run_{n}") for n in range(3)))
        await eventually(lambda: effects(3), timeout=120)
        await tells(settings, 200, kafka=True)
        process.send_signal(signal.SIGSTOP)
        await replace(settings, "sync-requests", "sync-runner")
        await send(settings, *(event(f"run_{n}") for n in range(3, 9)))
        process.send_signal(signal.SIGCONT)
        await eventually(lambda: effects(9), timeout=120)
    assert sorted(await effects()) == [f"run_{n}" for n in range(9)]
