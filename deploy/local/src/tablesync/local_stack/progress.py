"""One line of progress for a person who waits: what is being done."""

import sys
from collections.abc import Callable

Progress = Callable[[str], None]


def print_progress(line: str) -> None:
    """Write the line to standard error, so that standard output stays the program's own."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def no_progress(_: str) -> None:
    """Say nothing; tests use this."""
