"""`/v1/dlq`: what this service parked, for those who run TableSync; replayed in this process."""

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from tablesync.contracts import TOPICS, Envelope, Event, MalformedEventError, UnknownEventTypeError
from tablesync.contracts.envelope import decode
from tablesync.contracts.public_api.dead_letters import (
    DeadLetterPage,
    DeadLetterView,
    Replayed,
    WholeDeadLetter,
)
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.problems import Problem, conflict, invalid
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import platform_only
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.consumer import Consumer
from tablesync.service_kit.messaging.dead_letters import PAGE, DeadLetter
from tablesync.service_kit.messaging.kafka import DEAD_LETTERS_GONE_DAYS
from tablesync.service_kit.mongo import Database, database_now
from tablesync.service_kit.mongo.indexes import Indexes, expiry

MARKS = "dead_letter_marks"
# A mark outlasts its letter.
INDEXES: Indexes = {MARKS: [expiry("replayed_at", DEAD_LETTERS_GONE_DAYS)]}
Start = Annotated[str | None, Query(alias="from", pattern=r"^[a-z-]+/[0-9]{1,18}$")]
Limit = Annotated[int, Query(ge=1, le=1_000)]


class ReplayableLetters:
    """The dead letters of one service, with the marks of those that were replayed."""

    def __init__(self, subscriptions: Subscriptions, database: Database) -> None:
        self._consumers = subscriptions.consumers
        self._letters = subscriptions.dead_letters
        self._marks = database[MARKS]
        self._database = database

    async def list(self, start: str | None, limit: int, *, replayed: bool) -> DeadLetterPage:
        """Return a page of letters without headers and values, oldest first; raises Problem 422.

        A page is of one topic, and is empty where all its letters were replayed: `next` says
        where to go on, until it is None.
        """
        for topic, letter_id in self._from(start):
            if letters := await self._letters.list(topic, letter_id, limit):
                summaries = await self._summaries(letters)
                items = [each for each in summaries if replayed or not each.replayed_at]
                return DeadLetterPage(items=items, next=f"{topic}/{letters[-1].id + 1}")
        return DeadLetterPage(items=[], next=None)

    def _from(self, start: str | None) -> Iterable[tuple[str, int]]:
        topics = list(self._consumers)
        if start is None:
            return [(each, 0) for each in topics]
        topic, _, letter_id = start.partition("/")
        if topic not in topics:
            raise invalid("from", "this service has no such topic", "Send a page's `next`.")
        later = topics[topics.index(topic) + 1 :]
        return [(topic, int(letter_id)), *((each, 0) for each in later)]

    async def _summaries(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetterView]:
        ids = [_mark_id(each) for each in letters]
        found = self._marks.find({"_id": {"$in": ids}})
        marks = {mark["_id"]: mark["replayed_at"] async for mark in found}
        return [_summary(each, marks.get(_mark_id(each))) for each in letters]

    async def show(self, topic: str, letter_id: int) -> WholeDeadLetter:
        """Return one letter whole; raises Problem 404."""
        letter = await self._find(topic, letter_id)
        mark = await self._marks.find_one({"_id": _mark_id(letter)})
        headers = {name: (raw or b"").decode(errors="replace") for name, raw in letter.headers}
        summary = _summary(letter, mark["replayed_at"] if mark else None)
        value, encoding = _printable(letter.value)
        return WholeDeadLetter(
            **summary.model_dump(), headers=headers, value=value, encoding=encoding
        )

    async def replay(self, topic: str, letter_id: int) -> Replayed:
        """Handle a letter now; raises Problem 422 or 409 with the reason, and keeps it."""
        letter = await self._find(topic, letter_id)
        await _handle(self._consumers[topic], _read(letter))
        now = await database_now(self._database)
        await self._marks.update_one(
            {"_id": _mark_id(letter)}, {"$set": {"replayed_at": now}}, upsert=True
        )
        return Replayed(replayed_at=rfc3339(now))

    async def _find(self, topic: str, letter_id: int) -> DeadLetter:
        letter = await self._letters.get(topic, letter_id) if topic in self._consumers else None
        if letter is None:
            raise Problem(404, "not-found", "There is no such dead letter in this service.")
        return letter


def routes(subscriptions: Subscriptions, database: Database, verifier: Verifier) -> APIRouter:
    """Make the router; only platform principals are admitted."""
    admit = Depends(platform_only(verifier))
    router = APIRouter(prefix="/v1/dlq", tags=["dead letters"], dependencies=[admit])
    letters = ReplayableLetters(subscriptions, database)

    @router.get("")
    async def list_dead_letters(
        start: Start = None, limit: Limit = PAGE, replayed: bool = False
    ) -> DeadLetterPage:
        return await letters.list(start, limit, replayed=replayed)

    @router.get("/{topic}/{letter_id}", responses=declares(404))
    async def show_dead_letter(topic: str, letter_id: int) -> WholeDeadLetter:
        return await letters.show(topic, letter_id)

    @router.post("/{topic}/{letter_id}/replay", responses=declares(404, 409))
    async def replay_dead_letter(topic: str, letter_id: int) -> Replayed:
        return await letters.replay(topic, letter_id)

    return router


def _read(letter: DeadLetter) -> Envelope[Event]:
    if letter.cut_from_bytes is not None:
        raise Problem(422, "dead-letter-cut", _why_not_replayed(letter))
    try:
        return decode(letter.headers, letter.value)
    except (MalformedEventError, UnknownEventTypeError) as error:
        detail = f"It can still not be read: {type(error).__name__}: {error}"
        raise Problem(422, "dead-letter-unreadable", detail) from error


def _why_not_replayed(letter: DeadLetter) -> str:
    hours = TOPICS[letter.topic].retention_hours
    return (
        f"It was too large to be kept whole: only the beginning of its {letter.cut_from_bytes} "
        f"bytes is here, and a part cannot be replayed. The original is in {letter.topic}, "
        f"partition {letter.partition}, offset {letter.offset}, for {hours} hours after it was "
        "sent. Have its sender send it again, smaller."
    )


async def _handle(consumer: Consumer, envelope: Envelope[Event]) -> None:
    try:
        await consumer.handle(envelope)
    except Exception as error:
        if is_unavailable(error):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise conflict("replay-failed", f"It failed again: {reason}") from error


def _mark_id(letter: DeadLetter) -> str:
    return f"{letter.topic}/{letter.id}"


def _summary(letter: DeadLetter, replayed_at: datetime | None) -> DeadLetterView:
    at = rfc3339(replayed_at) if replayed_at else None
    return DeadLetterView(**vars(letter), type=letter.type, replayed_at=at)


def _printable(value: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return value.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(value).decode(), "base64"
