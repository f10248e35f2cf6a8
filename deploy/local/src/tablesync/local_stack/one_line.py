"""What keeps a stack from starting, as a person at a prompt wants to read it: in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from tablesync.local_stack.occupation import AlreadyRunningError
from tablesync.local_stack.ports import PortTakenError
from tablesync.local_stack.progress import print_progress
from tablesync.local_stack.stack import ProgramEndedError
from tablesync.local_stack.tools import MissingToolError


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """End the command: with exit code 2 if nothing was touched, with 1 if it went wrong later."""
    try:
        yield
    except (AlreadyRunningError, PortTakenError) as error:
        _end(error, 2)
    except (MissingToolError, ProgramEndedError, TimeoutError) as error:
        _end(error, 1)


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    """End the command with exit code 2 because of what the environment says."""
    try:
        yield
    except ValueError as error:
        _end(error, 2)


def _end(error: Exception, code: int) -> None:
    print_progress(str(error))
    raise typer.Exit(code) from None
