"""Reads everything that the platform has stored, in MongoDB and in Kafka."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from bson.raw_bson import RawBSONDocument
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]
from pymongo import MongoClient

from tests.upgrade.dump_file import DATABASES, Document

KEPT_SETTINGS = ("retention.ms", "max.message.bytes")


def collections(uri: str, prefix: str) -> Iterator[Document]:
    """Yield each collection's indexes and documents."""
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        for name in DATABASES:
            database = client[prefix + name]
            for collection in sorted(database.list_collection_names()):
                of = f"{name}.{collection}"
                yield {"of": of, "indexes": [*database[collection].list_indexes()]}
                for document in database[collection].find(sort=[("_id", 1)]):
                    yield {"of": of, "document": document}


def topics(bootstrap: str, prefix: str) -> Iterator[Document]:
    """Yield each topic's partitions and settings."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for name, topic in sorted(admin.list_topics(timeout=10).topics.items()):
        if name.startswith(prefix):
            resource = ConfigResource(ConfigResource.Type.TOPIC, name)
            settings = admin.describe_configs([resource])[resource].result()
            kept = {each: settings[each].value for each in KEPT_SETTINGS}
            facts = {"partitions": len(topic.partitions), "settings": kept}
            yield {"of": name.removeprefix(prefix), "topic": facts}


async def records(
    bootstrap: str, prefix: str, partitions: Mapping[str, int]
) -> AsyncIterator[Document]:
    """Yield every message there is, by partition in order; `partitions` counts them by topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=20)
    await consumer.start()
    try:
        for name, count in partitions.items():
            for number in range(count):
                partition = TopicPartition(prefix + name, number)
                consumer.assign([partition])
                await consumer.seek_to_beginning(partition)
                end = (await consumer.end_offsets([partition]))[partition]
                while await consumer.position(partition) < end:
                    yield _record(prefix, await consumer.getone(partition))
    finally:
        await consumer.stop()


def _record(prefix: str, record: "ConsumerRecord[bytes, bytes]") -> Document:
    return {
        "of": record.topic.removeprefix(prefix),
        "record": {
            "partition": record.partition,
            "timestamp": record.timestamp,
            "key": record.key,
            "headers": [list(each) for each in record.headers],
            "value": record.value,
        },
    }


def groups(bootstrap: str, prefix: str) -> dict[str, str]:
    """Return the topic that each consumer group reads."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = [each.group_id for each in admin.list_consumer_groups().result().valid]
    asked = [ConsumerGroupTopicPartitions(each) for each in found if each.startswith(prefix)]
    read: dict[str, str] = {}
    for group in asked:
        offsets = admin.list_consumer_group_offsets([group])[group.group_id].result()
        (topic,) = {each.topic for each in offsets.topic_partitions}
        read[group.group_id.removeprefix(prefix)] = topic.removeprefix(prefix)
    return dict(sorted(read.items()))


def counts(parts: list[Document]) -> dict[str, int]:
    """Count documents and messages by what they belong to."""
    counted = Counter(part["of"] for part in parts if "document" in part or "record" in part)
    return dict(sorted(counted.items()))
