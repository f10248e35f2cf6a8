"""What a peer answers on `/internal/v1`: read by the contract's model, or else asked for later."""

from typing import Any, TypeVar

import httpx
import structlog
from prometheus_client import Counter
from pydantic import ValidationError
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    Body,
    ConnectionNotConnected,
    Items,
)
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.http.problems import problem_uri
from tablesync.service_kit.http.retry_after import retry_after

log = structlog.get_logger()

B = TypeVar("B", bound=Body)
L = TypeVar("L", bound=Items[Any])

UNREADABLE_ITEMS = Counter(
    "unreadable_items_total", "Items of peers' lists that were dropped.", ["peer", "list"]
)


def read(model: type[B], response: httpx.Response, peer: str) -> B:
    """Return an answer; raises DependencyUnavailableError where there is none that can be read."""
    answer = _successful(response, peer)
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise _unreadable(model, error, peer) from None


def read_items(model: type[L], response: httpx.Response, peer: str) -> L:
    """Return a list without the items that this version cannot read: they are logged and counted.

    Raises DependencyUnavailableError where there is no list at all.
    """
    answer = _successful(response, peer)
    try:
        found = model.read(answer)
    except ValidationError as error:
        raise _unreadable(model, error, peer) from None
    for each in found.unreadable:
        UNREADABLE_ITEMS.labels(peer, model.__name__).inc()
        log.error("unreadable item", peer=peer, list=model.__name__, why=each.why)
    return found


def read_whole(model: type[L], response: httpx.Response, peer: str) -> L:
    """Return a list of which nothing is missing, for readers that act on what is not there.

    Raises DependencyUnavailableError where there is none, or an item of it cannot be read.
    """
    found = read_items(model, response, peer)
    if found.unreadable:
        raise DependencyUnavailableError(peer)
    return found


def is_problem(response: httpx.Response, status: int, type_: str) -> bool:
    """Whether a service of ours answered with this problem, and not a proxy with its status."""
    if response.status_code != status:
        return False
    body = json_or_none(response)
    return isinstance(body, dict) and body.get("type") == problem_uri(type_)


def not_connected(response: httpx.Response) -> ConnectionNotConnected | None:
    """Return what a peer says of a connection that is not connected, if that is its answer."""
    if not is_problem(response, httpx.codes.CONFLICT, CONNECTION_NOT_CONNECTED):
        return None
    return ConnectionNotConnected.model_validate(response.json())


def _successful(response: httpx.Response, peer: str) -> Any:
    if not response.is_success:
        raise DependencyUnavailableError(peer, retry_after(response))
    return json_or_none(response)


def _unreadable(model: type[Body], error: ValidationError, peer: str) -> DependencyUnavailableError:
    log.error("unreadable answer", peer=peer, body=model.__name__, error=str(error))
    return DependencyUnavailableError(peer)
