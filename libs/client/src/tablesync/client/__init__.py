"""A typed client of TableSync's public APIs, for dashboards, command lines and scripts."""

from tablesync.client.credentials import ApiToken, Credentials, SessionToken
from tablesync.client.errors import (
    AwayError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NoAddressError,
    NotFoundError,
    ProblemError,
    TableSyncError,
    UnauthorizedError,
    UnconfirmedError,
)
from tablesync.client.pages import Page
from tablesync.client.tablesync import TableSync

__all__ = [
    "ApiToken",
    "AwayError",
    "ConflictError",
    "Credentials",
    "ForbiddenError",
    "InvalidError",
    "NoAddressError",
    "NotFoundError",
    "Page",
    "ProblemError",
    "SessionToken",
    "TableSync",
    "TableSyncError",
    "UnauthorizedError",
    "UnconfirmedError",
]
