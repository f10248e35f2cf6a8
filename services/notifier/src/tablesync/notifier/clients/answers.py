"""What every peer's answer has in common: how it is asked for and read."""

from typing import Any, TypeVar

import httpx
import structlog
from prometheus_client import Counter
from pydantic import ValidationError
from tablesync.contracts.internal_api import Body, Items
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.service_kit.errors import DependencyUnavailableError

log = structlog.get_logger()

B = TypeVar("B", bound=Body)
I = TypeVar("I", bound=Items[Any])  # noqa: E741 - a type of items

UNREADABLE = Counter(
    "notifier_unreadable_items_total", "Items of peers' lists that were dropped.", ["peer"]
)


async def ask(http: httpx.AsyncClient, peer: str, method: str, path: str, **options: Any) -> Any:
    """Ask once; whatever is no answer means later, but for 404."""
    try:
        response = await http.request(method, path, **options)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise UnknownToPeerError(f"{peer} does not know {path}")
        response.raise_for_status()
        return response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise DependencyUnavailableError(peer) from error


def read(model: type[B], answer: Any, peer: str) -> B:
    """Read an answer; what cannot be read is no answer: later."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise DependencyUnavailableError(peer) from error


def read_items(model: type[I], answer: Any, peer: str) -> I:
    """Read a list; an item that this version cannot read spoils itself alone, and is told of."""
    try:
        found = model.read(answer)
    except ValidationError as error:
        raise DependencyUnavailableError(peer) from error
    for each in found.unreadable:
        UNREADABLE.labels(peer).inc()
        log.error("unreadable item", peer=peer, list=model.__name__, why=each.why)
    return found
