"""Answers of peers: read by the contract, and by no more of it than is needed."""

from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from tablesync.contracts.internal_api import SourceObjects, SyncOwner
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.answers import read, read_items

pytestmark = pytest.mark.unit

OWNER: dict[str, Any] = {"sync_id": "syn_1", "name": "Contacts", "source": None, "owner_id": "op_1"}
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
