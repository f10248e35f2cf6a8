"""One authorised call to a provider: gate, budgets, lease, request; and again where it failed.

What fails for a while is repeated with exponential backoff and jitter (stamina), or when the
provider says.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any, Generic, TypeVar

import httpx
import orjson
import stamina
from tablesync.service_kit import clock
from tablesync.service_kit.http.client import (
    ANSWER_BYTES,
    MEGABYTE,
    BadPackingError,
    TooManyBytesError,
    never_sent,
)
from tablesync.service_kit.redaction import foreign_text
from tablesync.sync_runner.access.answers import (
    AnswerTooLargeError,
    OutcomeUnknownError,
    TransientError,
)
from tablesync.sync_runner.access.budgets import Claim, Reservation, reserve
from tablesync.sync_runner.access.gates import Admission, RefusedCall
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.access.outcomes import (
    WAIT_MAX_SECONDS,
    AccountState,
    AuthFailed,
    Classify,
    Outcome,
    Refused,
    Throttled,
    Transient,
)
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.stall import StallTimer

REQUEST_SECONDS = 30.0
T = TypeVar("T")


def bearer(token: str) -> Mapping[str, str]:
    """Return the header by which most providers know who calls (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


async def nothing_told(response: httpx.Response, reservation: Reservation) -> None:
    """Learn nothing: the answers do not tell of limits."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request: what it counts against, how its answer is sorted, and how a good one is read.

    `path` opens with "/" below the account's API; a URL of its own, such as the signed link to a
    bulk operation's result, is followed without a token. `claims` are its limits, the narrowest
    first; `learn` takes in what any answer tells of them: what the request has weighed, or other
    limits. `read` raises TransientError for an answer that may be a better one a moment later.
    What is not `repeatable` is sent once more only if it surely did nothing. `sign` returns the
    headers that show the token.
    """

    method: str
    path: str
    claims: Sequence[Claim]
    classify: Classify
    read: Callable[[httpx.Response], T]
    json: Any = None
    params: Mapping[str, str] | None = None
    repeatable: bool = True
    learn: Callable[[httpx.Response, Reservation], Awaitable[None]] = nothing_told
    sign: Callable[[str], Mapping[str, str]] = bearer


@dataclass(frozen=True)
class ProviderClient:
    """Makes the calls of one run, or of one catalogue request, on one connection.

    `seconds_left` says in how long a request has to be over, or raises if no request may
    be made any more; `retry_seconds` is how long a failing call is repeated; `sending` are the
    tasks whose request is on the wire right now; `answer_bytes` is how long an answer may be.
    """

    http: httpx.AsyncClient
    admission: Admission
    stall_timer: StallTimer | None = None
    retry_seconds: float = 600.0
    seconds_left: Callable[[], float] = lambda: REQUEST_SECONDS
    sending: set["asyncio.Task[Any] | None"] = field(default_factory=set)
    answer_bytes: int = 32 * MEGABYTE

    @property
    def connection_id(self) -> str:
        """The connection that the calls are made on."""
        return self.admission.connection_id

    async def call(self, call: Call[T]) -> T:
        """Call until it is answered; raises the error of a refusal, and RunEndedError.

        Raises OutcomeUnknownError for what is not repeatable, and may have been done.
        """
        content = None if call.json is None else orjson.dumps(call.json)
        try:
            return await self._attempt(call, content)
        except TransientError as error:
            return await self._repeated(call, content, error)

    async def _repeated(self, call: Call[T], content: bytes | None, first: TransientError) -> T:
        """Repeat what has failed once: most calls do not, and need no retries to be set up."""
        try:
            async for attempt in stamina.retry_context(
                on=partial(_wait_of, call),
                attempts=None,
                timeout=self.retry_seconds,
                wait_initial=0.5,
                wait_max=WAIT_MAX_SECONDS,
            ):
                with attempt:
                    if attempt.num == 1:
                        raise first
                    return await self._attempt(call, content)
        except TransientError as error:
            if not _may_repeat(call, error):
                raise OutcomeUnknownError(error) from error
            raise self.too_long(error) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, call: Call[T], content: bytes | None) -> T:
        response, outcome = await self._authorised(call, content)
        self._raise_unless_ok(call, outcome)
        return call.read(response)

    @staticmethod
    def too_long(error: Exception) -> RunFailedError:
        """Say that a call has failed for as long as it is repeated."""
        said = foreign_text(str(error))
        return RunFailedError.provider(f"The provider has been failing for too long: {said}")

    @contextmanager
    def on_the_wire(self) -> Iterator[None]:
        """Count this task among those whose request is on the wire."""
        task = asyncio.current_task()
        self.sending.add(task)
        try:
            yield
        finally:
            self.sending.discard(task)

    def _raise_unless_ok(self, call: Call[T], outcome: Outcome) -> None:
        if isinstance(outcome, Refused | AccountState):
            raise outcome.error
        if isinstance(outcome, Throttled):  # what waits is the frozen budget, or who has none
            wait = 0.0 if call.claims else outcome.seconds
            raise TransientError(outcome.summary, wait, harmless=True)
        if isinstance(outcome, Transient):
            seconds = self.seconds_left() if outcome.at_work else 0.0
            raise TransientError(
                outcome.summary,
                outcome.retry_after,
                harmless=outcome.harmless,
                at_work_seconds=seconds,
            )

    def _request(self, call: Call[T], content: bytes | None, grant: Grant) -> httpx.Request:
        url: httpx.URL | str = call.path
        headers: dict[str, str] = {}
        if call.path.startswith("/"):
            url = _parsed(f"{self._base_url(grant)}{call.path}")
            headers |= call.sign(grant.token)
        body = None
        if content is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
            body = self._checked_body(content)
        return self.http.build_request(
            call.method,
            url,
            params=call.params,
            content=body,
            headers=headers,
            extensions={ANSWER_BYTES: self.answer_bytes},
        )

    def _base_url(self, grant: Grant) -> str:
        """Return where the token may be sent: its own account's API, or that of all accounts."""
        base_url = grant.endpoint or self._default_base_url
        if not base_url:
            raise RunFailedError.internal(
                "TableSync does not know where this account's API is.", self.connection_id
            )
        return base_url.rstrip("/")

    @cached_property
    def _default_base_url(self) -> str:
        return str(self.http.base_url)

    async def _checked_body(self, content: bytes) -> AsyncIterator[bytes]:
        """Yield the body right before it goes out: a process may have slept since it last looked.

        Headers wait for the body, so that nothing is sent if this raises.
        """
        self.seconds_left()
        yield content

    async def _authorised(
        self, call: Call[T], content: bytes | None
    ) -> tuple[httpx.Response, Outcome]:
        """Send with a live token; a refused one is looked into, then the call is repeated."""
        repeated = False
        while True:
            await self.admission.grant()  # a closed gate must not cost a place
            async with reserve(call.claims, self.stall_timer) as reservation:
                grant = self.admission.grant_at_hand()
                if grant is None:
                    continue  # whoever waits now would use its place too late, with all who wait
                request = self._request(call, content, grant)
                sent_at, reservation.used = clock.seconds(), True
                response = await self._send(request)
                await call.learn(response, reservation)
            outcome = _sorted(call, response)
            if not isinstance(outcome, AuthFailed):
                await _freeze(call, outcome)
                return response, outcome
            refused = RefusedCall(grant, response.status_code, sent_at, repeated)
            repeated = await self.admission.refused(refused)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        seconds = self.seconds_left()
        with self.on_the_wire():
            try:
                # httpx's own timeouts are per operation; the lease needs one for the whole.
                async with asyncio.timeout(seconds):
                    return await self.http.send(request)
            except TooManyBytesError as error:
                raise AnswerTooLargeError(str(error)) from None
            except BadPackingError as error:
                raise TransientError(str(error)) from None
            except (httpx.TransportError, TimeoutError) as error:
                raise TransientError(
                    f"{request.url.host}: {type(error).__name__}",
                    harmless=never_sent(error),
                    at_work_seconds=seconds,
                ) from error


@lru_cache(maxsize=1_000)
def _parsed(url: str) -> httpx.URL:
    """Parse a URL; those of a run are few."""
    return httpx.URL(url)


def _sorted(call: Call[T], response: httpx.Response) -> Outcome:
    """Sort an answer; one that sends elsewhere is none, and a token goes to nobody else."""
    if 300 <= response.status_code < 400:  # noqa: PLR2004 - HTTP's own numbers
        host = response.request.url.host
        return Transient(f"{host} answered {response.status_code}, which sends elsewhere")
    return call.classify(response)


async def _freeze(call: Call[T], outcome: Outcome) -> None:
    """Let nobody call within a limit that was met; the call itself least of all."""
    if not isinstance(outcome, Throttled):
        return
    frozen, claimed = {*outcome.budgets}, [each.budget for each in call.claims]
    if frozen.isdisjoint(claimed):
        frozen.update(claimed[:1])
    for each in frozen:
        await each.freeze(outcome.seconds)


def _may_repeat(call: Call[T], error: TransientError) -> bool:
    return call.repeatable or error.harmless


def _wait_of(call: Call[T], error: Exception) -> bool | float:
    if not isinstance(error, TransientError) or not _may_repeat(call, error):
        return False
    return True if error.retry_after is None else error.retry_after
