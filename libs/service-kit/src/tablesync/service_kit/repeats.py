"""Takes repetitions out of the log: of a library's lines, and of our own about one trouble."""

import logging
from typing import Any

import structlog

log = structlog.get_logger()
QUIET_SECONDS = 600.0


class WithoutRepeats(logging.Filter):
    """Passes each line of a library once in ten minutes, whatever its details.

    Clients of Kafka try again ten times a second, and say so each time.
    """

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is of another library, or has not been said of late."""
        if record.name.partition(".")[0] != self._library:
            return True
        line, now = (record.name, str(record.msg)), record.created
        if now - self._said_at.get(line, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._said_at[line] = now
        return True


class Trouble:
    """Something that may fail again and again: told when it begins, changes and ends."""

    def __init__(self, begins: str, ends: str, **about: Any) -> None:
        self._begins, self._ends, self._about = begins, ends, about
        self._kind: type[Exception] | None = None

    def met(self, error: Exception) -> None:
        """Tell of a failure, unless the one before was of the same kind."""
        if type(error) is not self._kind:
            self._kind = type(error)
            log.warning(self._begins, **self._about, error=repr(error))

    def over(self) -> None:
        """Tell that it works again, if it did not."""
        if self._kind is not None:
            self._kind = None
            log.info(self._ends, **self._about)
