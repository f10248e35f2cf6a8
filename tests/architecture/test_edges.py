"""The architecture's edges, asserted from the topic files and from the services' own code."""

import ast
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tablesync.contracts import EVENT_TYPES, TOPICS
from tablesync.dashboard.live.followings import followings

ROOT = Path(__file__).resolve().parents[2]
# What a service listens to does not depend on who handles it.
ANYBODY: Any = type("Anybody", (), {"__getattr__": lambda self, _: self})()
CONSUMING = ("scheduler", "sync-runner", "notifier")


def listened_to(service: str, listing: str) -> dict[str, set[str]]:
    """Return topic → event types of a service's `subscriptions` or `followings`."""
    module = import_module(f"tablesync.{service.replace('-', '_')}.subscriptions")
    listed: Callable[[Any], Sequence[Any]] = getattr(module, listing, lambda _: [])
    return {each.topic: {event.type for event in each.handlers} for each in listed(ANYBODY)}


def calls_in(service: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call in a service's code with the bare name of what is called."""
    for file in (ROOT / "services" / service / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id, node


def names_in(service: str) -> set[str]:
    """Return every name that a service's code reads."""
    return {
        node.id
        for file in (ROOT / "services" / service / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Name)
    }


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_each_consumer_and_follower_of_a_topic_really_is_one(name: str) -> None:
    consumers = {s for s in CONSUMING if name in listened_to(s, "subscriptions")}
    followers = {s for s in CONSUMING if name in listened_to(s, "followings")}
    if name in {each.topic for each in followings(ANYBODY, ANYBODY)}:
        followers.add("dashboard")
    assert consumers == set(TOPICS[name].consumers)
    assert followers == set(TOPICS[name].followers)


@pytest.mark.parametrize("service", CONSUMING)
@pytest.mark.parametrize("listing", ["subscriptions", "followings"])
def test_a_handler_is_subscribed_to_the_topic_of_its_event(service: str, listing: str) -> None:
    for topic, types in listened_to(service, listing).items():
        assert types
        assert {EVENT_TYPES[each].topic for each in types} == {topic}


def test_auth_service_consumes_nothing() -> None:
    assert not list((ROOT / "services/auth-service").rglob("subscriptions.py"))


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_a_topics_events_are_made_by_its_producer_alone(
    name: str, all_services: Sequence[str]
) -> None:
    events = {event.__name__ for event in EVENT_TYPES.values() if event.topic == name}
    producer = TOPICS[name].producer
    assert events & names_in(producer), f"{producer} makes none of {sorted(events)}"
    for service in set(all_services) - {producer}:
        assert not events & {called for called, _ in calls_in(service)}


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_an_event_is_made_by_its_producer_unless_it_is_planned(type_: str) -> None:
    event = EVENT_TYPES[type_]
    topic = TOPICS[event.topic]
    made = event.__name__ in names_in(topic.producer)
    assert made != (type_ in topic.planned), "made and planned" if made else "made by nobody"


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_what_is_planned_is_an_event_of_the_topic(name: str) -> None:
    assert set(TOPICS[name].planned) <= {t for t, e in EVENT_TYPES.items() if e.topic == name}


def test_services_admit_the_callers_of_the_architecture_and_no_others(
    edges: frozenset[tuple[str, str]], all_services: Sequence[str]
) -> None:
    admitted = {
        (argument.value, service)
        for service in all_services
        for called, node in calls_in(service)
        if called == "callers"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    assert admitted == edges


def test_services_know_the_addresses_of_those_they_call_and_no_others(
    edges: frozenset[tuple[str, str]],
    all_services: Sequence[str],
    settings_of: Callable[..., set[str]],
) -> None:
    known = {
        (service, other)
        for service in all_services
        for other in all_services
        if f"{other.replace('-', '_').upper()}_URL" in settings_of(service)
    }
    assert known == edges


@pytest.fixture
def all_services() -> Sequence[str]:
    return sorted({each.name for each in (ROOT / "services").iterdir() if each.is_dir()})
