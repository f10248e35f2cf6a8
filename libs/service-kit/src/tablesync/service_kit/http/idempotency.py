"""Idempotency-Key: a public mutation that is sent twice has one effect and one answer.

In a route it is one parameter and one call:

    once = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/v1/syncs", status_code=201)
    async def create_sync(body: NewSync, once: Once = once) -> SyncView:
        return await once(lambda unit: syncs.create(unit, once.principal, body))

The answer is stored in the effect's transaction, per (workspace, principal, route), for 24 hours.
The same key with the same request gives the same answer, before the route's body runs; with
another request 422; while the first is still at work 409. Without a key nothing is remembered. A
problem is never remembered either, since it had no effect. At rest an answer is sealed with the
key itself, of which only a digest is stored: an answer may hold a secret that is shown once.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure
from tablesync.service_kit import sealing
from tablesync.service_kit.http.openapi import IDEMPOTENCY_KEY
from tablesync.service_kit.http.problems import Problem, RaisedAnswer, conflict
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.indexes import Indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

T = TypeVar("T")


class Caller(Protocol):
    """Who sends a request: keys of different callers have nothing to do with each other."""

    @property
    def key_scope(self) -> tuple[str, str]:
        """Whose an Idempotency-Key is."""


C = TypeVar("C", bound=Caller)

COLLECTION = "idempotency"
KEEP = timedelta(hours=24)
INDEXES: Indexes = {
    COLLECTION: [
        IndexModel(
            [("created_at", ASCENDING)], name="expiry", expireAfterSeconds=int(KEEP.total_seconds())
        )
    ]
}
KEY_MAX_CHARACTERS = 255
_WRITE_CONFLICT = 112


class ReplayedAnswer(RaisedAnswer):
    """The answer that the first request got."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, "replayed")
        self._status = status
        self._body = body

    def response(self, help_url: str = "") -> Response:
        """Return the stored answer, marked as a replay; one without content has no body at all."""
        headers = {"Idempotency-Replayed": "true"}
        if self._status == HTTPStatus.NO_CONTENT:
            return Response(status_code=self._status, headers=headers)
        return JSONResponse(self._body, self._status, headers=headers)


@dataclass(frozen=True)
class Memory:
    """What is remembered of one key: `id` and `request` are digests, `key` stays in memory."""

    database: Database
    key: str
    id: str
    request: str
    status: int

    async def recall(self) -> None:
        """Raise the stored answer, if there is one; raises Problem 422 for another request."""
        row = await self.database[COLLECTION].find_one({"_id": self.id})
        if row is None:
            return
        if row["request"] != self.request:
            raise _reused()
        raise ReplayedAnswer(row["status"], json.loads(sealing.unseal(self.key, row["answer"])))

    async def claim(self, unit: UnitOfWork) -> None:
        """Reserve the key in this transaction; raises Problem 409 while another one has it."""
        row = {"_id": self.id, "request": self.request, "created_at": unit.now}
        try:
            await self.database[COLLECTION].insert_one(row, session=unit.session)
        except OperationFailure as error:
            if error.code == _WRITE_CONFLICT:
                raise _in_use() from error
            raise

    async def remember(self, unit: UnitOfWork, answer: Any) -> None:
        """Store the answer in this transaction."""
        sealed = sealing.seal(self.key, json.dumps(jsonable_encoder(answer)).encode())
        change = {"$set": {"status": self.status, "answer": sealed}}
        await self.database[COLLECTION].update_one({"_id": self.id}, change, session=unit.session)


# Asks in a change's own transaction whether its caller may make it still; raises Problem if not.
Admit = Callable[[UnitOfWork, Any], Awaitable[None]]


async def _as_before(unit: UnitOfWork, who: Caller) -> None:
    """Admit who was admitted when the request came."""


class OnceBy(Generic[C]):
    """A request's mutation: call it with the work that its one transaction consists of."""

    def __init__(
        self,
        units: UnitsOfWork,
        principal: C,
        memory: Memory | None = None,
        admit: Admit = _as_before,
    ) -> None:
        self.principal = principal
        self._units = units
        self._memory = memory
        self._admit = admit

    async def __call__(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Run `work` as one unit of work; return what it returns, which is the answer's body."""

        async def admitted(unit: UnitOfWork) -> T:
            await self._admit(unit, self.principal)
            return await work(unit)

        if self._memory is None:
            return await self._units.run(admitted)
        memory = self._memory
        try:
            return await self._units.run(lambda unit: _remembered(memory, unit, admitted))
        except DuplicateKeyError:
            await memory.recall()
            raise


Once = OnceBy[Principal]


def dependency(
    units: UnitsOfWork,
    principal: Callable[..., Coroutine[Any, Any, Caller]],
    admit: Admit = _as_before,
) -> Any:
    """Make the default of a route's `once: Once` parameter; `principal` says who may call.

    What may change between that and the change itself is asked once more by `admit`.
    """
    in_flight: set[str] = set()

    async def provide(
        request: Request,
        who: Caller = Depends(principal),
        idempotency_key: str | None = Header(
            None,
            alias=IDEMPOTENCY_KEY,
            min_length=1,
            max_length=KEY_MAX_CHARACTERS,
            description="Of your choice, such as a UUID: sent twice, the request acts once.",
        ),
    ) -> AsyncIterator[OnceBy[Caller]]:
        if idempotency_key is None:
            yield OnceBy(units, who, admit=admit)
            return
        memory = await _memory(units.database, request, who, idempotency_key)
        with _alone(memory.id, in_flight):
            await memory.recall()
            yield OnceBy(units, who, memory, admit)

    # Function scope: the key is free again before the caller has the answer.
    return Depends(provide, scope="function")


async def _remembered(
    memory: Memory, unit: UnitOfWork, work: Callable[[UnitOfWork], Awaitable[T]]
) -> T:
    await memory.claim(unit)
    answer = await work(unit)
    await memory.remember(unit, answer)
    return answer


async def _memory(database: Database, request: Request, who: Caller, key: str) -> Memory:
    route = request.scope["route"]
    scope = (*who.key_scope, request.method, route.path_format, key)
    body = hashlib.sha256(await request.body()).hexdigest()
    content = (request.url.path, request.url.query, body)
    return Memory(database, key, _digest(scope), _digest(content), route.status_code or 200)


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@contextmanager
def _alone(key_id: str, in_flight: set[str]) -> Iterator[None]:
    """Refuse a second request in this process at once; the transaction does so across them."""
    if key_id in in_flight:
        raise _in_use()
    in_flight.add(key_id)
    try:
        yield
    finally:
        in_flight.discard(key_id)


def _reused() -> Problem:
    return Problem(
        422,
        "idempotency-key-reused",
        "This Idempotency-Key was sent before with another request; use a fresh one.",
        errors=[
            {
                "field": IDEMPOTENCY_KEY,
                "message": "was used for another request",
                "remedy": "Make a new key for each new request, such as a UUID.",
            }
        ],
    )


def _in_use() -> Problem:
    return conflict(
        "idempotency-key-in-use",
        "The first request with this Idempotency-Key is still at work; ask again in a second.",
        headers={"Retry-After": "1"},
    )
