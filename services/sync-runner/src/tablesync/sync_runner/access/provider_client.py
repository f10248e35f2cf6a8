"""One authorised call to a provider: gate, budgets, lease, request; and again where it failed.

What fails for a while is repeated with exponential backoff and jitter (stamina), or when the
provider says.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import httpx
import orjson
import stamina
from tablesync.service_kit import clock
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.sync_runner.access.budgets import Budget
from tablesync.sync_runner.access.gates import Admission, RefusedCall
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.stall import StallTimer

WAIT_MAX_SECONDS = 30.0
REQUEST_SECONDS = 30.0


class TransientError(Exception):
    """The call may succeed later: after `retry_after` seconds, or with growing waits."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @classmethod
    def of(cls, response: httpx.Response, message: str) -> Self:
        """Say that an answer may be a better one later, when it says so."""
        return cls(message, retry_after(response, None, at_most=WAIT_MAX_SECONDS))


# Raises for an answer that is no success: TransientError, RunEndedError, or the provider's own.
Refusal = Callable[[httpx.Response], Awaitable[None]]


@dataclass(frozen=True)
class ProviderClient:
    """Makes the calls of one run, or of one catalogue request, on one connection.

    `seconds_left` says in how long a request has to be over, or raises if no request may
    be made any more; `retry_seconds` is how long a failing call is repeated; `sending` are the
    tasks whose request is on the wire right now.
    """

    http: httpx.AsyncClient
    admission: Admission
    stall_timer: StallTimer | None = None
    retry_seconds: float = 600.0
    seconds_left: Callable[[], float] = lambda: REQUEST_SECONDS
    sending: set["asyncio.Task[Any] | None"] = field(default_factory=set)

    @property
    def connection_id(self) -> str:
        """The connection that the calls are made on."""
        return self.admission.connection_id

    async def call(
        self,
        method: str,
        path: str,
        budgets: Sequence[Budget],
        refusal: Refusal,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Call until it is answered; raises what `refusal` raises, and RunEndedError."""
        content = None if json is None else orjson.dumps(json)
        make = partial(self._request, method, path, content, params)
        try:
            async for attempt in stamina.retry_context(
                on=_wait_of,
                attempts=None,
                timeout=self.retry_seconds,
                wait_initial=0.5,
                wait_max=WAIT_MAX_SECONDS,
            ):
                with attempt:
                    response = await self._authorised(make, budgets)
                    if not response.is_success:
                        await refusal(response)
                    return response
        except TransientError as error:
            raise RunFailedError.provider(
                f"The provider has been failing for too long: {error}"
            ) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _request(
        self, method: str, path: str, content: bytes | None, params: Mapping[str, str] | None
    ) -> httpx.Request:
        if content is None:
            return self.http.build_request(method, path, params=params)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        body = self._checked_body(content)
        return self.http.build_request(method, path, params=params, content=body, headers=headers)

    async def _checked_body(self, content: bytes) -> AsyncIterator[bytes]:
        """Yield the body right before it goes out: a process may have slept since it last looked.

        Headers wait for the body, so that nothing is sent if this raises.
        """
        self.seconds_left()
        yield content

    async def _authorised(
        self, make: Callable[[], httpx.Request], budgets: Sequence[Budget]
    ) -> httpx.Response:
        """Send with a live token; a refused one is looked into, then the call is repeated."""
        repeated = False
        while True:
            await self.admission.grant()  # a closed gate must not cost a place
            for budget in budgets:
                await budget.take(self.stall_timer)
            grant = self.admission.grant_at_hand()
            if grant is None:
                continue  # whoever waits now would use its place too late, with all who wait
            request = make()
            request.headers["Authorization"] = f"Bearer {grant.token}"
            sent_at = clock.seconds()
            response = await self._send(request)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return response
            refused = RefusedCall(grant, response.status_code, sent_at, repeated)
            repeated = await self.admission.refused(refused)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        seconds, task = self.seconds_left(), asyncio.current_task()
        self.sending.add(task)
        try:
            # httpx's own timeouts are per operation; the lease needs one for the whole.
            async with asyncio.timeout(seconds):
                return await self.http.send(request)
        except (httpx.TransportError, TimeoutError) as error:
            raise TransientError(f"{request.url.host}: {type(error).__name__}") from error
        finally:
            self.sending.discard(task)


def _wait_of(error: Exception) -> bool | float:
    if not isinstance(error, TransientError):
        return False
    return True if error.retry_after is None else error.retry_after
