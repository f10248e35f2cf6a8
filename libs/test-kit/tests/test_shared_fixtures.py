"""The fixtures that every part's tests use, on whichever stack this run has."""

from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient
from tablesync.local_stack.keys import SERVICES, ServiceKeys
from tablesync.test_kit import eventually, unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics

pytestmark = pytest.mark.integration


async def test_kafka_carries_a_message_on_a_topic_that_was_created(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}greetings"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.send_and_wait(topic, b"hello")
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest", group_id=topic
    ) as consumer:
        message = await consumer.getone()
    assert message.value == b"hello"


def test_mongodb_commits_a_transaction(mongodb_uri: str, database_prefix: str) -> None:
    with MongoClient[dict[str, Any]](mongodb_uri) as client, client.start_session() as session:
        with session.start_transaction():
            client[f"{database_prefix}shop"].orders.insert_one({"_id": 1}, session=session)
        assert client[f"{database_prefix}shop"].orders.find_one() == {"_id": 1}


def test_what_a_test_leaves_is_taken_away(kafka_bootstrap: str, mongodb_uri: str) -> None:
    prefix = unique_prefix("_")
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        client[f"{prefix}shop"].orders.insert_one({})
        drop_databases(mongodb_uri, prefix)
        drop_topics(kafka_bootstrap, prefix)
        assert not [each for each in client.list_database_names() if each.startswith(prefix)]


def test_every_service_has_a_key_that_only_its_owner_reads(service_keys: ServiceKeys) -> None:
    files: list[Path] = [service_keys.private_key_file(each) for each in SERVICES]
    files += [service_keys.encryption_keys_file, service_keys.bootstrap_file]
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    assert service_keys.trusted_keys_file.exists()


async def test_eventually_gives_the_value_or_the_last_one_seen() -> None:
    values = iter([0, 0, 7])
    assert await eventually(lambda: next(values)) == 7
    with pytest.raises(AssertionError, match="the last value was 0"):
        await eventually(lambda: 0, timeout=0.1)
