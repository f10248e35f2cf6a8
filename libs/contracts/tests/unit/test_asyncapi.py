"""The AsyncAPI document: of the standard's form, without a dead reference, true to the topics."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from tablesync.contracts import EVENT_TYPES, TOPICS

Document = dict[str, Any]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def test_it_has_the_form_of_asyncapi_3(asyncapi_document: Document) -> None:
    assert asyncapi_document["asyncapi"] == "3.0.0"
    read = ApplicationSchema.model_validate(asyncapi_document)
    assert set(read.channels) == set(TOPICS)
    assert read.info.title == "TableSync events"
    for operation in asyncapi_document["operations"].values():
        assert operation["action"] in {"send", "receive"}
    for channel in asyncapi_document["channels"].values():
        assert channel["address"]
        assert channel["messages"]


def test_every_reference_leads_somewhere(asyncapi_document: Document, contracts: Path) -> None:
    for reference in references(asyncapi_document):
        file, _, pointer = reference.partition("#")
        if file:
            assert (contracts / file).is_file()
            continue
        place: Any = asyncapi_document
        for step in pointer.strip("/").split("/"):
            place = place[step]


def test_every_event_is_a_message_of_its_channel(asyncapi_document: Document) -> None:
    messages = asyncapi_document["components"]["messages"]
    assert {each["name"] for each in messages.values()} == set(EVENT_TYPES)
    for event in EVENT_TYPES.values():
        assert event.__name__ in asyncapi_document["channels"][event.topic]["messages"]


def test_operations_are_the_topics_producers_consumers_and_followers(
    asyncapi_document: Document,
) -> None:
    expected = {
        f"{service}.{verb}.{topic.name}"
        for topic in TOPICS.values()
        for verb, services in (
            ("sends", (topic.producer,)),
            ("consumes", topic.consumers),
            ("follows", topic.followers),
        )
        for service in services
    }
    assert set(asyncapi_document["operations"]) == expected
