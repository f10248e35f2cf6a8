"""The outbox (transactional outbox): events wait here, in the transaction that caused them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field
from pymongo import ASCENDING, IndexModel
from tablesync.contracts import TOPICS, Envelope, Event, StateEvent
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.indexes import Indexes

COLLECTION = "outbox"
KEEP_PUBLISHED = timedelta(days=7)

INDEXES: Indexes = {
    COLLECTION: [
        IndexModel(
            [("key", ASCENDING), ("sequence", ASCENDING), ("_id", ASCENDING)],
            name="pending",
            partialFilterExpression={"pending": True},
        ),
        IndexModel(
            [("published_at", ASCENDING)],
            name="expiry",
            expireAfterSeconds=int(KEEP_PUBLISHED.total_seconds()),
        ),
    ]
}


def _known(topic: str) -> str:
    if topic not in TOPICS:
        raise ValueError("no topic of this version")
    return topic


class Row(BaseModel):
    """What the relay reads of a row: any may have been written by hand, or by another version."""

    id: Any = Field(alias="_id")
    topic: Annotated[str, AfterValidator(_known)]
    key: str
    headers: list[tuple[str, str]]
    value: bytes


async def insert_rows(
    database: Database,
    envelopes: Sequence[Envelope[Event]],
    now_ms: int,
    session: Session,
) -> None:
    """Insert one pending row per event, in the caller's transaction."""
    if envelopes:
        rows = [_row(envelope, now_ms) for envelope in envelopes]
        await database[COLLECTION].insert_many(rows, session=session)


async def unpublished(database: Database, topic: str, keys: Iterable[str]) -> set[str]:
    """Return those of these keys for which a row of a topic still waits for the relay."""
    query = {"pending": True, "key": {"$in": [*keys]}, "topic": topic}
    return set(await database[COLLECTION].distinct("key", query))


def _row(envelope: Envelope[Event], now_ms: int) -> Document:
    event = envelope.event
    return {
        "_id": envelope.id,
        "topic": event.topic,
        "key": event.key,
        "sequence": event.sequence if isinstance(event, StateEvent) else now_ms,
        "headers": [[name, raw.decode()] for name, raw in envelope.headers()],
        "value": envelope.value(),
        "created_at": envelope.time,
        "pending": True,
    }
