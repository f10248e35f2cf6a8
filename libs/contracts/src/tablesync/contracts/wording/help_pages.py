"""Which page of the help explains what went wrong, below the help's own address.

None for what is new to this version: whoever reads it is led to no page that does not exist.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tablesync.contracts.specs import NOT_GRANTED, ConnectionCause, HoldKind, RunFailureCause

_HOLDS: Mapping[str, str] = MappingProxyType(
    {
        HoldKind.CONNECTION: "waiting/connection",
        HoldKind.RESOURCE: "waiting/resource",
        HoldKind.MAPPING: "waiting/mapping",
        HoldKind.QUOTA: "waiting/quota",
        HoldKind.PLANNED: "waiting/planned",
        NOT_GRANTED: "waiting/not-granted",
    }
)
# What a run fails of and its sync then waits for is one page.
_FAILURES: Mapping[str, str] = MappingProxyType(
    {
        RunFailureCause.CONNECTION: _HOLDS[HoldKind.CONNECTION],
        RunFailureCause.RESOURCE: _HOLDS[HoldKind.RESOURCE],
        RunFailureCause.MAPPING: _HOLDS[HoldKind.MAPPING],
        RunFailureCause.QUOTA: _HOLDS[HoldKind.QUOTA],
        RunFailureCause.PROVIDER: "failing/provider",
        RunFailureCause.CANCELLED: "failing/cancelled",
        RunFailureCause.STALLED: "failing/stalled",
        RunFailureCause.SHUTDOWN: "failing/shutdown",
        RunFailureCause.INTERNAL: "failing/internal",
    }
)
_CAUSES = {str(each): f"causes/{each.replace('_', '-')}" for each in ConnectionCause}


def of_cause(cause: str | None) -> str | None:
    """Return the page that says why a connection was lost."""
    return _CAUSES.get(cause or "")


def of_hold(kind: str, *, not_granted: bool = False) -> str | None:
    """Return the page that says what a sync waits for."""
    return _HOLDS.get(NOT_GRANTED if not_granted else kind)


def of_failure(cause: str | None) -> str | None:
    """Return the page that says why a run failed."""
    return _FAILURES.get(cause or "")


def of_incident(cause: str | None) -> str | None:
    """Return the page of what an incident is about: a lost connection, or a sync that stopped."""
    return of_cause(cause) or of_failure(cause) or of_hold(cause or "")
