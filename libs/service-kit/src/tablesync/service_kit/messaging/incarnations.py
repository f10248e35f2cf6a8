"""Which incarnation of each topic Kafka has: a topic that is deleted and made again is another.

aiokafka asks for topics by their names alone; Kafka tells the id of each since its version 2.8.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from io import BytesIO
from typing import TypeAlias

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest, MetadataRequestStruct
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

# The id of each topic by its name; where Kafka is older and tells none, it is empty.
Incarnations: TypeAlias = dict[str, str]


async def incarnations(admin: AIOKafkaAdminClient) -> Incarnations:
    """Ask which topics there are, and which incarnation each of them is."""
    # All of them: to ask for one by its name has a broker make it, as the broker thinks fit.
    answer = await admin._send_request(_AllTopics(None, allow_auto_topic_creation=False))
    return {
        each["topic"]: each.get("topic_id", "")
        for each in answer.to_object()["topics"]
        if each["error_code"] != UnknownTopicOrPartitionError.errno
    }


class _TopicId(AbstractType[str]):  # type: ignore[misc]
    """A UUID, written as Kafka's own tools write it."""

    @classmethod
    def encode(cls, value: str) -> bytes:
        return urlsafe_b64decode(f"{value}==")

    @classmethod
    def decode(cls, data: BytesIO) -> str:
        return urlsafe_b64encode(data.read(16)).decode().rstrip("=")


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _TopicId),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("topics", CompactArray(Int32)),  # none is named ever
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _AllTopics(MetadataRequest):  # type: ignore[misc]
    def prepare(
        self, versions: dict[int, tuple[int, int]]
    ) -> "MetadataRequestStruct | _MetadataRequest":
        oldest, newest = versions.get(self.API_KEY, (0, 0))
        if oldest <= _MetadataRequest.API_VERSION <= newest:
            return _MetadataRequest(None, False, False, False, {})
        return super().prepare(versions)
