"""No orphans: every topic has events, every event has topic, schema and example."""

from pathlib import Path

from tablesync.contracts import EVENT_TYPES, TOPICS
from tablesync.contracts.internal_api import BODIES

SERVICES = {"auth-service", "scheduler", "sync-runner", "notifier"}


def types_of(topic: str) -> set[str]:
    return {f"{stem}.v{version}" for stem, version in TOPICS[topic].versions.items()}


def test_every_topic_has_events_and_lists_exactly_its_own() -> None:
    for name in TOPICS:
        own = {ce_type for ce_type, event in EVENT_TYPES.items() if event.topic == name}
        assert own
        assert types_of(name) == own


def test_every_event_belongs_to_a_topic_and_is_keyed_as_the_topic_says() -> None:
    for ce_type, event in EVENT_TYPES.items():
        topic = TOPICS[event.topic]
        assert event.type == ce_type
        # A provider's outage concerns every connection; it is keyed by the provider.
        assert event.key_field in {topic.key, "provider"}
        assert event.key_field in event.model_fields


def test_every_event_has_a_schema_and_no_schema_is_left_over(contracts: Path) -> None:
    found = {each.name for each in contracts.glob("schemas/*")} - {"internal_api"}
    assert found == {f"{ce_type}.schema.json" for ce_type in EVENT_TYPES}


def test_every_body_has_a_schema_and_examples_and_none_is_left_over(contracts: Path) -> None:
    schemas = {each.name for each in contracts.glob("schemas/internal_api/*")}
    assert schemas == {f"{name}.schema.json" for name in BODIES}
    examples = {each.parent.name for each in contracts.glob("examples/internal_api/*/*.json")}
    assert examples == set(BODIES)


def test_every_event_has_examples_and_no_example_is_left_over(contracts: Path) -> None:
    folders = contracts.glob("examples/tablesync.*/*/")
    assert {f"{each.parent.name}.v{each.name}" for each in folders} == set(EVENT_TYPES)
    for folder in contracts.glob("examples/*/*/"):
        assert list(folder.glob("*.json"))
        assert not [each for each in folder.iterdir() if each.suffix != ".json"]


def test_producers_consumers_and_followers_are_services() -> None:
    for topic in TOPICS.values():
        assert {topic.producer, *topic.consumers} <= SERVICES
        assert set(topic.followers) <= {*SERVICES, "dashboard"}
        assert not set(topic.consumers) & set(topic.followers)


def test_each_topic_file_is_named_after_its_topic(contracts: Path) -> None:
    folder = contracts / "src/tablesync/contracts/topics"
    assert {each.stem for each in folder.glob("*.yaml")} == set(TOPICS)


def test_dead_letters_are_named_per_consumer_group() -> None:
    assert TOPICS["run-events"].dead_letters_of("notifier") == "run-events.notifier-dlq"
