"""What an answer means for the call, as its provider sorts it: each answer is one of these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.sync_runner.access.budgets import Budget
from tablesync.sync_runner.errors import RunFailedError

WAIT_MAX_SECONDS = 30.0
# HTTP's own words for a request that was not looked at, and may be sent again.
_NOT_LOOKED_AT = (
    httpx.codes.REQUEST_TIMEOUT,
    httpx.codes.MISDIRECTED_REQUEST,
    httpx.codes.TOO_EARLY,
)


@dataclass(frozen=True)
class Ok:
    """It is what was asked for, or says that it is: it has yet to be read."""


@dataclass(frozen=True)
class AuthFailed:
    """The token was refused: auth-service rules what became of the grant."""


@dataclass(frozen=True)
class Throttled:
    """A limit was met: nobody calls within `budgets` for so many seconds.

    If the call has reserved none of them, nobody calls within the narrowest of its own either.
    """

    summary: str
    seconds: float
    budgets: Sequence[Budget] = field(default=())


@dataclass(frozen=True)
class Refused:
    """The object of the call was refused: `error` is raised, and says for whom that matters."""

    error: Exception


@dataclass(frozen=True)
class AccountState:
    """The account takes no calls at all, such as one that is frozen, unpaid or being moved.

    Its grant is not lost. `error` ends the run.
    """

    error: RunFailedError


@dataclass(frozen=True)
class Transient:
    """The call may succeed later: after `retry_after` seconds, or with growing waits.

    `harmless`: the provider says that it did nothing. `at_work`: whoever answered is not who does
    it, and that one may be at it still.
    """

    summary: str
    retry_after: float | None = None
    harmless: bool = False
    at_work: bool = False


Outcome = Ok | AuthFailed | Throttled | Refused | AccountState | Transient
Classify = Callable[[httpx.Response], Outcome]


def not_its_own(response: httpx.Response, provider: str) -> Transient | None:
    """Sort a refusal that is not the provider's own, who says each in a JSON object.

    Whoever stands before it sends pages, for a moment or until somebody mends that.
    """
    status = response.status_code
    if status in _NOT_LOOKED_AT or not isinstance(json_or_none(response), dict):
        summary = f"{provider} answered {status}, not in its own words"
        return Transient(summary, retry_after(response, None, at_most=WAIT_MAX_SECONDS))
    return None
