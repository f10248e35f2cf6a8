"""What may go wrong with a call, sorted by what its caller can do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class TableSyncError(Exception):
    """Base of all that this client raises."""


class AwayError(TableSyncError):
    """A service does not answer, or cannot now: nothing was changed. Try again later."""

    def __init__(self, service: str, why: str, retry_after: float | None = None) -> None:
        super().__init__(f"{service} {why}")
        self.service = service
        self.retry_after = retry_after


class NoAddressError(AwayError):
    """A service is needed of which no address was given: `urls` lacks it."""

    def __init__(self, service: str) -> None:
        super().__init__(service, "has no address here")


class UnconfirmedError(AwayError):
    """A change was sent, and no answer came: it may have been made.

    Look again, or send the same with the same `idempotency_key`: it is not made twice.
    """

    def __init__(self, service: str, why: str, idempotency_key: str) -> None:
        super().__init__(service, why)
        self.idempotency_key = idempotency_key


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of what was sent, and what helps."""

    field: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Problem:
    """Why a service has not done what it was asked (RFC 9457), with all that it said beside."""

    status: int
    type: str
    detail: str
    errors: Sequence[FieldError] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


class ProblemError(TableSyncError):
    """A service refuses: the same call would be refused again."""

    def __init__(self, service: str, problem: Problem) -> None:
        said = " ".join(f"{e.field}: {e.message}. {e.remedy}" for e in problem.errors)
        super().__init__(f"{service} refuses ({problem.status}): {said or problem.detail}")
        self.service = service
        self.problem = problem


class UnauthorizedError(ProblemError):
    """The credentials are no good, or no longer (401)."""


class ForbiddenError(ProblemError):
    """Whoever asks has not the role for it (403)."""


class NotFoundError(ProblemError):
    """There is no such thing in this workspace (404)."""


class ConflictError(ProblemError):
    """Things are not as they would have to be for it (409)."""


class InvalidError(ProblemError):
    """Something that was sent is wrong: `problem.errors` names the fields (422)."""
