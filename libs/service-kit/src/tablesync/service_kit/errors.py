"""Errors, sorted by what the caller must do.

DependencyUnavailableError   wait and try again; nothing is wrong with the request
UnknownToPeerError           it knows nothing of what it was asked about: go on without
Problem (problems.py)        tell the caller: the request cannot be served as it is
everything else              our fault: retried a few times, then dead-lettered or a 500
"""

import httpx
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging import kafka


class UnknownToPeerError(Exception):
    """Another service answered that it does not know what it was asked about."""


class DependencyUnavailableError(Exception):
    """Another service is away or overloaded: try again after `retry_after` seconds."""

    def __init__(self, dependency: str, retry_after: float = 1.0) -> None:
        super().__init__(f"{dependency} is unavailable")
        self.dependency = dependency
        self.retry_after = retry_after


def is_unavailable(error: BaseException) -> bool:
    """Whether something that we depend on was away: then the message is kept."""
    return (
        isinstance(error, DependencyUnavailableError | httpx.TransportError)
        or mongo.is_unavailable(error)
        or kafka.is_unavailable(error)
    )
