"""Answers of peers: read by the contract, and by no more of it than is needed."""

from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from tablesync.contracts.internal_api import SourceObjects, SyncOwner
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.answers import is_problem, read, read_items, read_whole
from tablesync.service_kit.http.problems import NOT_FOUND, problem_uri

pytestmark = pytest.mark.unit

OWNER: dict[str, Any] = {"sync_id": "syn_1", "name": "Contacts", "source": None, "owner_id": "op_1"}
NOT_KNOWN = {"type": problem_uri(NOT_FOUND), "detail": "There is no such sync."}
CONTACTS = {"name": "contacts", "label": "Contacts"}


def dropped() -> float:
    labels = {"peer": "sync-runner", "list": "SourceObjects"}
    return REGISTRY.get_sample_value("unreadable_items_total", labels) or 0.0


def test_an_answer_is_read_with_members_that_this_version_does_not_know() -> None:
    owner = read(SyncOwner, httpx.Response(200, json={**OWNER, "later": 1}), "scheduler")
    assert (owner.sync_id, owner.owner_id) == ("syn_1", "op_1")


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(502, text="<html>"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"sync_id": 1}),
        httpx.Response(200, json=[]),
    ],
)
def test_what_is_no_answer_means_later(response: httpx.Response) -> None:
    with pytest.raises(DependencyUnavailableError):
        read(SyncOwner, response, "scheduler")
    with pytest.raises(DependencyUnavailableError):
        read_items(SourceObjects, response, "scheduler")


def test_later_is_when_the_peer_says() -> None:
    response = httpx.Response(503, headers={"Retry-After": "7"})
    with pytest.raises(DependencyUnavailableError) as raised:
        read_items(SourceObjects, response, "sync-runner")
    assert (raised.value.dependency, raised.value.retry_after) == ("sync-runner", 7.0)


def test_an_unreadable_item_spoils_itself_alone_and_is_counted() -> None:
    before = dropped()
    response = httpx.Response(200, json={"items": [CONTACTS, {"name": "deals"}, None]})
    found = read_items(SourceObjects, response, "sync-runner")
    assert [each.name for each in found.items] == ["contacts"]
    assert dropped() - before == 2


def test_a_list_that_lacks_an_item_is_none_for_who_acts_on_what_is_missing() -> None:
    whole = httpx.Response(200, json={"items": [CONTACTS]})
    assert len(read_whole(SourceObjects, whole, "sync-runner").items) == 1
    with pytest.raises(DependencyUnavailableError):
        read_whole(SourceObjects, httpx.Response(200, json={"items": [CONTACTS, None]}), "x")


@pytest.mark.parametrize(
    ("response", "is_ours"),
    [
        (httpx.Response(404, json=NOT_KNOWN), True),
        (httpx.Response(404, json={"type": "about:blank"}), False),
        (httpx.Response(404, text="default backend"), False),
        (httpx.Response(404, json=["type"]), False),
        (httpx.Response(409, json=NOT_KNOWN), False),
    ],
)
def test_a_proxys_status_is_no_problem_of_ours(response: httpx.Response, is_ours: bool) -> None:
    assert is_problem(response, 404, NOT_FOUND) is is_ours
