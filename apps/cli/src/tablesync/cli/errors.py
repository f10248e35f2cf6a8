"""Errors of the command, each with its exit code and what to do about it.

1 RefusedError         the service refuses: the request cannot be served as it is
2 NotConfiguredError   an address or the API token is missing
3 (of the client)      the token is wrong, or does not allow this
4 NotFoundError        there is no such thing
5 (of the client)      a service does not answer: try again
6 (of the client)      a change was sent and not confirmed: look again
"""

from tablesync import client
from tablesync.cli.addresses import NotConfiguredError, why_no_address

REFUSED, NOT_CONFIGURED, UNAUTHORIZED, NOT_FOUND, AWAY, UNCONFIRMED = 1, 2, 3, 4, 5, 6


class CliError(Exception):
    """Something to tell the person at the terminal, that no service has said."""


class RefusedError(CliError):
    """It did not come to what was wanted."""


class NotFoundError(CliError):
    """No service knows it."""


class StillRunningError(CliError):
    """It goes on, for longer than somebody wanted to wait."""


TOLD = (CliError, NotConfiguredError, client.TableSyncError)
# The first that fits.
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotConfiguredError, NOT_CONFIGURED),
    (client.NoAddressError, NOT_CONFIGURED),
    (client.UnauthorizedError, UNAUTHORIZED),
    (client.ForbiddenError, UNAUTHORIZED),
    (client.NotFoundError, NOT_FOUND),
    (NotFoundError, NOT_FOUND),
    (client.UnconfirmedError, UNCONFIRMED),
    (client.AwayError, AWAY),
    (StillRunningError, AWAY),
)


def exit_code(error: Exception) -> int:
    """Return the exit code of what went wrong."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), REFUSED)


def told(error: Exception) -> str:
    """Say in one line what went wrong, and what helps."""
    match error:
        case client.NoAddressError():
            return why_no_address(error.service)
        case client.UnauthorizedError():
            return (
                f"{error.service} does not accept the API token: {error.problem.detail} "
                "Check TABLESYNC_API_TOKEN, or sign in with `tablesync login`."
            )
        case client.ForbiddenError():
            return f"{error.service} does not allow this: {error.problem.detail}"
        case client.NotFoundError():
            return f"{error.service}: {error.problem.detail}"
        case client.UnconfirmedError():
            return f"{error}: it may have been made. Look before you repeat it."
    return str(error)
