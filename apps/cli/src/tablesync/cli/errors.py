"""Errors of the command, each with its exit code and what to do about it.

1 RefusedError         the service refuses: the request cannot be served as it is
2 NotConfiguredError   an address or the API token is missing
3 UnauthorizedError    the token is wrong, or does not allow this
4 NotFoundError        there is no such thing
5 AwayError            a service does not answer: try again
"""


class CliError(Exception):
    """Something to tell the person at the terminal."""

    exit_code = 1


class RefusedError(CliError):
    """The service refused, and says why."""


class NotConfiguredError(CliError):
    """The command does not know where to go, or as whom."""

    exit_code = 2


class UnauthorizedError(CliError):
    """Who we are does not allow this."""

    exit_code = 3


class NotFoundError(CliError):
    """The service does not know it."""

    exit_code = 4


class AwayError(CliError):
    """A service could not be reached, or was not able to answer."""

    exit_code = 5
