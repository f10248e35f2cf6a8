"""Errors of the command, each with its exit code and what to do about it.

1 RefusedError         the service refuses: the request cannot be served as it is
2 NotConfiguredError   an address or the API token is missing
3 (of the client)      the token is wrong, or does not allow this
4 NotFoundError        there is no such thing
5 (of the client)      a service does not answer: try again
6 (of the client)      a change was sent and not confirmed: look again
"""

from tablesync.cli.addresses import NotConfiguredError, why_no_address
from tablesync.client import (
    AwayError,
    ForbiddenError,
    NoAddressError,
    ProblemError,
    TableSyncError,
    UnauthorizedError,
    UnconfirmedError,
)
from tablesync.client import NotFoundError as UnknownError
from tablesync.contracts.wording import one_line

REFUSED, NOT_CONFIGURED, UNAUTHORIZED, NOT_FOUND, AWAY, UNCONFIRMED = 1, 2, 3, 4, 5, 6


class CliError(Exception):
    """Something to tell the person at the terminal, that no service has said."""


class RefusedError(CliError):
    """It did not come to what was wanted."""


class NotFoundError(CliError):
    """No service knows it."""


class StillRunningError(CliError):
    """It goes on, for longer than somebody wanted to wait."""


TOLD = (CliError, NotConfiguredError, TableSyncError)
# The first that fits.
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotConfiguredError, NOT_CONFIGURED),
    (NoAddressError, NOT_CONFIGURED),
    (UnauthorizedError, UNAUTHORIZED),
    (ForbiddenError, UNAUTHORIZED),
    (UnknownError, NOT_FOUND),
    (NotFoundError, NOT_FOUND),
    (UnconfirmedError, UNCONFIRMED),
    (AwayError, AWAY),
    (StillRunningError, AWAY),
)


def exit_code(error: Exception) -> int:
    """Return the exit code of what went wrong."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), REFUSED)


def told(error: Exception) -> str:
    """Say in one line what went wrong, and what helps."""
    match error:
        case NoAddressError():
            return why_no_address(error.service)
        case UnauthorizedError():
            return (
                f"{error.service} does not accept the API token: {error.problem.detail} "
                "Check TABLESYNC_API_TOKEN, or sign in with `tablesync login`."
            )
        case ForbiddenError():
            return f"{error.service} does not allow this: {error.problem.detail}"
        case UnknownError():
            return f"{error.service}: {error.problem.detail}"
        case UnconfirmedError():
            return f"{error}: it may have been made. Look before you repeat it."
    return f"{error}{_page_of(error)}"


def _page_of(error: Exception) -> str:
    """Name the page that explains a refusal, where the service has told one."""
    page = error.problem.more.get("help") if isinstance(error, ProblemError) else None
    return f" See {one_line(str(page))}" if page else ""
