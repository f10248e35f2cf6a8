"""The AsyncAPI 3 document: which service sends and receives what, on which Kafka topic."""

from collections.abc import Iterable
from typing import Any

from tablesync.contracts.documents.schemas import DIALECT, schema_file
from tablesync.contracts.event import Event
from tablesync.contracts.registry import EVENT_TYPES
from tablesync.contracts.topics import TOPICS, Topic

Part = dict[str, Any]

KAFKA_BINDING = "0.5.0"
_HOUR_MS = 3_600_000
_HEADERS = {
    "ce_specversion": "CloudEvents version.",
    "ce_id": "UUIDv7; a message seen before, by this id, has no second effect.",
    "ce_type": "The event type, a literal.",
    "ce_source": "The service that sent it.",
    "ce_subject": "Id of the aggregate; the Kafka key as well.",
    "ce_time": "RFC 3339, UTC, milliseconds, by the sender's database.",
    "traceparent": "W3C trace context of the request that caused it.",
    "content-type": "Always application/json.",
}


def document(version: str) -> Part:
    """Return the whole document; its `$ref`s are relative to the folder it is stored in."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "TableSync events",
            "version": version,
            "description": "Events are CloudEvents 1.0 in Kafka's binary mode: attributes are "
            "headers, the value is JSON. A contract only grows; anything else is a new version "
            "of the event type. Readers ignore fields and event types that they do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": dict(_operations(TOPICS.values())),
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENT_TYPES.values()},
            "schemas": {"CloudEventHeaders": _headers()},
        },
    }


def _channel(topic: Topic) -> Part:
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}
            for event in EVENT_TYPES.values()
            if event.topic == topic.name
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": topic.retention_hours * _HOUR_MS},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operations(topics: Iterable[Topic]) -> Iterable[tuple[str, Part]]:
    for topic in topics:
        yield _operation(topic, topic.producer, "send", "sends", {})
        for service in topic.consumers:
            group = {"type": "string", "const": f"{service}.{topic.name}"}
            bindings = {"kafka": {"groupId": group, "bindingVersion": KAFKA_BINDING}}
            yield _operation(topic, service, "receive", "consumes", {"bindings": bindings})
        for service in topic.followers:
            yield _operation(topic, service, "receive", "follows", {})


def _operation(topic: Topic, service: str, action: str, verb: str, more: Part) -> tuple[str, Part]:
    operation = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"{service} {verb} {topic.name}.",
        **more,
    }
    return f"{service}.{verb}.{topic.name}", operation


def _message(event: type[Event]) -> Part:
    key = {"type": "string", "description": f"The value's `{event.key_field}`."}
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEventHeaders"},
                {"type": "object", "properties": {"ce_type": {"const": event.type}}},
            ]
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"./schemas/{schema_file(event.type)}"},
        },
        "bindings": {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING}},
    }


def _headers() -> Part:
    return {
        "$schema": DIALECT,
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"],
        "properties": {
            name: {"type": "string", "description": text} for name, text in _HEADERS.items()
        },
    }
