"""What providers answer, read by models: what does not fit them is a provider in trouble."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from tablesync.contracts import RunFailureCause
from tablesync.sync_runner.errors import RunFailedError

log = structlog.get_logger()

_LONGEST_NUMBER = 4_000
_DEEPEST = 50
_MOST_EMPTY_PAGES = 1_000
# The type of what is defined in a way of which nothing is known but its name.
NOT_UNDERSTOOD = "not understood"
# What is called so of which not even the name, or the id, is understood: it may be any.
NAMELESS = ""


class TransientError(Exception):
    """The call may succeed later: after `retry_after` seconds, or with growing waits.

    `harmless`: the request surely did nothing. Otherwise it may have, or still may do what was
    asked for within `at_work_seconds`.
    """

    def __init__(
        self,
        message: str,
        retry_after: float | None = None,
        *,
        harmless: bool = False,
        at_work_seconds: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.harmless = harmless
        self.at_work_seconds = at_work_seconds


class SecondLook:
    """One more try for an odd answer: what is odd again is odd."""

    def __init__(self) -> None:
        self._taken = False

    def take(self, message: str) -> None:
        """Raise TransientError, but only the first time."""
        if not self._taken:
            self._taken = True
            raise TransientError(message, retry_after=0.5)


class OutcomeUnknownError(Exception):
    """It is not known whether the provider did what must not be done twice."""

    def __init__(self, cause: TransientError) -> None:
        super().__init__(str(cause))
        self.retry_after = cause.retry_after
        self.at_work_seconds = cause.at_work_seconds


class AnswerTooLargeError(RunFailedError):
    """An answer has more bytes than a run takes at once: whoever can asks for less of it."""

    def __init__(self, summary: str) -> None:
        super().__init__(RunFailureCause.PROVIDER, summary)


class EndlessListError(RunFailedError):
    """A list goes in a circle: one that goes on from its page would be read for ever."""

    def __init__(self, host: str) -> None:
        summary = f"{host} answered with a list that goes in a circle."
        super().__init__(RunFailureCause.PROVIDER, summary)


class Answer(BaseModel):
    """Base of answers; providers write ids now as numbers, now as texts."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)


A = TypeVar("A", bound=Answer)


def or_else(name: str, stand_in: Callable[[str], object]) -> WrapValidator:
    """Let something else bear the name, or id, of what is not understood; None if it has none.

    So one odd definition of a list is odd alone.
    """

    def read_leniently(told: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(told)
        except ValidationError:
            named = told.get(name) if isinstance(told, dict) else None
            return stand_in(named) if isinstance(named, str) else None

    return WrapValidator(read_leniently)


class Continuations:
    """Where the pages of one list say that it goes on: one that goes in a circle never ends.

    It does where it has gone on from there before, and, however new that is, where a page ends with
    the record that has ended another, or where no page has any. A record may be told twice, since
    it moves when it is edited: that it ends two pages of a list in one order is no such chance.
    """

    def __init__(self, begins: str | None = None) -> None:
        self._seen = {begins}
        self._ends: set[str] = set()
        self._empty = 0

    def take(self, where: str | None, host: str, last_id: str | None) -> str | None:
        """Return where the list goes on after a page that ends with this id, None at its end.

        Raises EndlessListError.
        """
        if where is None:
            return None
        self._empty = 0 if last_id else self._empty + 1
        if where in self._seen or last_id in self._ends or self._empty > _MOST_EMPTY_PAGES:
            log.error("list goes in a circle", provider=host)
            raise EndlessListError(host)
        self._seen.add(where)
        if last_id:
            self._ends.add(last_id)
        return where


def understood(model: type[A], response: httpx.Response) -> A:
    """Read a success; raises TransientError where it is not what the provider says.

    A page of a proxy, or half an answer, is a better one a moment later.
    """
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        return _understood_at_second_sight(model, response)


def _understood_at_second_sight(model: type[A], response: httpx.Response) -> A:
    """Read what is JSON but for a byte order mark, a NaN or half of a surrogate pair."""
    try:
        text = response.content.decode("utf-8-sig", errors="replace")
        told = json.loads(text, parse_constant=str, parse_int=_whole_number)
        return model.model_validate(_mended(told))
    except (ValueError, RecursionError) as error:
        host = response.request.url.host
        log.warning("unreadable answer", provider=host, error=str(error)[:500])
        raise TransientError(f"{host} answered with something that is not understood") from None


def _whole_number(digits: str) -> int | str:
    """Read a number; one that would take Python for ever stays the text that it is."""
    return int(digits) if len(digits) < _LONGEST_NUMBER else digits


def _mended(value: Any, depth: int = 0) -> Any:
    """Put U+FFFD where a text has half of a surrogate pair, which no database takes.

    What is nested more deeply than any answer is cut off: it is of one record, at the most.
    """
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        return [_mended(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(each, depth + 1) for key, each in value.items()}
    return value
