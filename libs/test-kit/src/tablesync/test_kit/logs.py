"""What a test and the work it started have logged, and nobody else's lines.

Services of other suites live in the same process to its end, and go on logging.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from structlog import DropEvent
from structlog.testing import capture_logs
from structlog.types import EventDict

_capturing: ContextVar[object] = ContextVar("_capturing", default=None)


@contextmanager
def own_logs() -> Iterator[list[EventDict]]:
    """Yield the lines of this task, and of all tasks and copied contexts that began within."""
    mine = object()

    def without_others(_logger: object, _method: str, event: EventDict) -> EventDict:
        if _capturing.get() is not mine:
            raise DropEvent
        return event

    token = _capturing.set(mine)
    try:
        with capture_logs([without_others]) as logs:
            yield logs
    finally:
        _capturing.reset(token)
