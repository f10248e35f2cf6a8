"""Errors that end a run, sorted by what becomes of the run.

RunEndedError                 the run is over
├── RunFailedError            failed: `cause` says who has to act
├── RunCancelledError         cancelled by an operator
└── ConnectionLostError       interrupted, or held if it had not begun: a catch-up goes on
RunLeftError                  the run is not over, but this worker is done with it
├── StillOnTheWireError       not known what became of a request: a takeover waits for it
├── LeaseLostError            another worker has it: write nothing, anywhere
└── ShuttingDownError         handed back with its checkpoint: another worker takes it up
What we depend on is away      handed back as well, for a later turn: its worker serves others
"""

from datetime import UTC, datetime
from typing import Self

from tablesync.contracts import RunFailureCause
from tablesync.contracts.internal_api import ConnectionNotConnected


class RunEndedError(Exception):
    """The run is over; the message is one sentence for people.

    `retry_at` is when another may get through, where that is known.
    """

    def __init__(
        self,
        cause: RunFailureCause,
        summary: str,
        connection_id: str | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(summary)
        self.cause = cause
        self.summary = summary
        self.connection_id = connection_id
        self.retry_at = retry_at


class RunFailedError(RunEndedError):
    """The run cannot reach the end of its source."""

    @classmethod
    def resource(cls, summary: str, connection_id: str | None = None) -> Self:
        """Say that something at a provider is missing or forbidden."""
        return cls(RunFailureCause.RESOURCE, summary, connection_id)

    @classmethod
    def mapping(cls, summary: str) -> Self:
        """Say that a mapped property or field is missing or cannot be mapped."""
        return cls(RunFailureCause.MAPPING, summary)

    @classmethod
    def quota(
        cls, summary: str, connection_id: str | None = None, retry_at: datetime | None = None
    ) -> Self:
        """Say that a daily or monthly quota is used up, until then if that is known.

        A time that is over is not when it is refilled: a run a minute would ask in vain.
        """
        if retry_at is not None and retry_at <= datetime.now(UTC):
            retry_at = None
        return cls(RunFailureCause.QUOTA, summary, connection_id, retry_at)

    @classmethod
    def provider(cls, summary: str, connection_id: str | None = None) -> Self:
        """Say that a provider failed or timed out for too long."""
        return cls(RunFailureCause.PROVIDER, summary, connection_id)

    @classmethod
    def internal(cls, summary: str, connection_id: str | None = None) -> Self:
        """Say that it is our own fault."""
        return cls(RunFailureCause.INTERNAL, summary, connection_id)


class RunCancelledError(RunEndedError):
    """An operator cancelled the run."""

    def __init__(self) -> None:
        super().__init__(RunFailureCause.CANCELLED, "An operator cancelled the run.")


class ConnectionLostError(RunEndedError):
    """A grant that the run needs is lost: no call may be made with it."""

    def __init__(
        self, connection_id: str, summary: str, known: ConnectionNotConnected | None = None
    ) -> None:
        super().__init__(RunFailureCause.CONNECTION, summary, connection_id)
        known = known or ConnectionNotConnected()
        self.details = known.model_copy(update={"connection_id": connection_id})

    @classmethod
    def not_connected(cls, connection_id: str, known: ConnectionNotConnected) -> Self:
        """Say why the token route gives no token."""
        why = known.cause or known.connection_status or "unknown"
        return cls(connection_id, f"The connection is not connected: {why}.", known)

    @classmethod
    def of(cls, connection_id: str) -> Self:
        """Say that the grant which a run has used is lost."""
        return cls(connection_id, "Access to the account was lost.")


class RunLeftError(Exception):
    """This worker is done with the run, which goes on elsewhere."""


class LeaseLostError(RunLeftError):
    """The lease has lapsed, or another worker's fence is newer."""


class StillOnTheWireError(RunLeftError):
    """The process has to end before a request has: the table is not free yet."""


class ShuttingDownError(RunLeftError):
    """The process was asked to stop."""
