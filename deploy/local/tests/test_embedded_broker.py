"""The broker in memory that stands in for Kafka where Maven is missing."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from tablesync.local_stack import LocalStack

pytestmark = pytest.mark.integration


async def test_the_embedded_broker_carries_a_message_to_a_group(checkout: Path) -> None:
    with LocalStack(checkout, programs=("kafka",), embedded_broker=True) as stack:
        assert stack.info.broker == "embedded"
        servers = {"bootstrap_servers": stack.info.kafka}
        async with AIOKafkaProducer(**servers) as producer:
            await producer.send_and_wait("greetings", b"hello")
        async with AIOKafkaConsumer(
            "greetings", group_id="readers", auto_offset_reset="earliest", **servers
        ) as consumer:
            assert (await consumer.getone()).value == b"hello"


def test_services_are_told_of_the_embedded_broker(checkout: Path) -> None:
    plan = LocalStack(checkout, embedded_broker=True).plan
    env = plan.program("scheduler").env
    assert env["KAFKA_AUTO_CREATED_TOPICS"] == "true"
    assert env["KAFKA_FETCH_MAX_WAIT_MS"] == "20"
