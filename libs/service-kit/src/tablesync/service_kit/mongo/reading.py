"""Tolerant reading: a stored document that this version cannot read spoils nothing but itself.

A newer version has written it, or somebody's hand. It is counted each time that it is met, logged
once by each process, and left as it is; one that waits for its turn is put back (`set_aside`), so
that it comes by itself once it was mended, and meanwhile does not come first for ever.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import structlog
from prometheus_client import Counter
from pydantic import ValidationError
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.mongo import Collection, Document, Session, from_now

log = structlog.get_logger()

T = TypeVar("T")


class Identified(Protocol):
    """What was read from a document."""

    @property
    def id(self) -> Any:
        """Return the document's id."""


H = TypeVar("H", bound=Identified)
Read = Callable[[Document], T]

ASIDE_SECONDS = 60.0
ALARMS_KEPT = 10_000
SET_ASIDE = Counter(
    "documents_set_aside_total",
    "Stored documents that could not be read, or not be worked on, each time they were met.",
    ["collection"],
)


class UnreadableDocumentError(Exception):
    """A stored document that this version cannot read; its text holds no value of it."""

    def __init__(self, collection: str, id_: Any, why: str) -> None:
        super().__init__(f"{id_} of {collection} cannot be read: {why}")
        self.id = id_


@dataclass(frozen=True)
class Found(Generic[T]):
    """What was found and can be read, in its order, and the ids of what cannot."""

    items: list[T] = field(default_factory=list)
    unread_ids: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.items) + len(self.unread_ids)


def read(collection: Collection, model: Read[T], document: Document) -> T:
    """Read one document that is needed; raises UnreadableDocumentError, which was logged."""
    id_ = document["_id"]
    try:
        item = model(document)
    except Exception as error:
        why = _why(error)
        _alarms.begin(collection, id_, why)
        raise UnreadableDocumentError(collection.name, id_, why) from None
    _alarms.end(collection, id_)
    return item


def read_all(collection: Collection, model: Read[T], documents: Iterable[Document]) -> Found[T]:
    """Read what can be read of several documents."""
    found = Found[T]()
    for each in documents:
        try:
            found.items.append(read(collection, model, each))
        except UnreadableDocumentError:
            found.unread_ids.append(each["_id"])
    return found


def read_or_none(collection: Collection, model: Read[T], document: Document | None) -> T | None:
    """Read one document that others can do without: None if there is none to be read."""
    found = read_all(collection, model, [document] if document else [])
    return found.items[0] if found.items else None


async def alone(collection: Collection, id_: Any, work: Awaitable[object]) -> bool:
    """Whether work on one document succeeded: its own error is alarmed, an outage is raised."""
    try:
        await work
    except Exception as error:
        if is_unavailable(error):
            raise
        _alarm_of_work(collection, id_, error)
        return False
    return True


async def each_alone(
    collection: Collection, items: Iterable[H], work: Callable[[H], Awaitable[object]], at_once: int
) -> list[Any]:
    """Work on several documents, so many at once; return the ids of those where it failed.

    An outage ends what is under way and is raised.
    """
    places, failed = asyncio.Semaphore(at_once), []

    async def one(item: H) -> None:
        async with places:
            if not await alone(collection, item.id, work(item)):
                failed.append(item.id)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))
    except ExceptionGroup as outages:
        raise outages.exceptions[0] from None
    return failed


async def set_aside(
    collection: Collection, ids: Sequence[Any], due_field: str, session: Session | None = None
) -> None:
    """Put documents back that could not be read or worked on: a minute later it is their turn."""
    if ids:
        change = {due_field: from_now(ASIDE_SECONDS), "set_aside_at": "$$NOW"}
        await collection.update_many({"_id": {"$in": ids}}, [{"$set": change}], session=session)


class _Alarms:
    """Counts each time and logs the first; forgets the oldest where they are very many."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, str], str] = {}

    def begin(self, collection: Collection, id_: Any, why: str) -> None:
        SET_ASIDE.labels(collection.name).inc()
        key = _name(collection, id_)
        if self._begun.get(key) != why:
            log.error("document set aside", collection=collection.name, id=str(id_), why=why)
            self._begun[key] = why
        if len(self._begun) > ALARMS_KEPT:
            del self._begun[next(iter(self._begun))]

    def end(self, collection: Collection, id_: Any) -> None:
        if self._begun and self._begun.pop(_name(collection, id_), ""):
            log.info("document is read again", collection=collection.name, id=str(id_))


def _name(collection: Collection, id_: Any) -> tuple[str, str]:
    """Name a document; its id may be of a type that is no key of a dict."""
    return str(collection.full_name), repr(id_)


_alarms = _Alarms()


def _alarm_of_work(collection: Collection, id_: Any, error: Exception) -> None:
    if not isinstance(error, UnreadableDocumentError):
        _alarms.begin(collection, id_, _origin(error))
    elif error.id != id_:  # of its own the alarm was raised when it was read
        _alarms.begin(collection, id_, str(error))


def _why(error: Exception) -> str:
    """Name members and reasons, never a value: a value may be anything."""
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults)
    return f"{error.args[0]}: missing" if isinstance(error, KeyError) else type(error).__name__


def _origin(error: Exception) -> str:
    """Say what went wrong, and where, by the type and the line alone."""
    (*_, last) = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {last.name}, line {last.lineno}"
