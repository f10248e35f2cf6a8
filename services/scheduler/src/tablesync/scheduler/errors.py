"""The scheduler's problems, sorted by what the caller must do.

Correct the request   refused (each bad field with its remedy)
Reconnect, then retry connection_not_connected, sync_held
Nothing               run_ended
"""

from dataclasses import asdict, dataclass

from tablesync.contracts import Hold, HoldKind
from tablesync.contracts.internal_api import CONNECTION_NOT_CONNECTED
from tablesync.service_kit.http.problems import Problem, conflict

_LOOKED_AT_AGAIN = (
    "It is looked at again every 15 minutes, and at once when its mapping is saved again."
)
# What ends a hold of each kind.
_WAY_OUT = {
    HoldKind.CONNECTION: "It catches up by itself once the connection is reconnected.",
    HoldKind.RESOURCE: _LOOKED_AT_AGAIN,
    HoldKind.MAPPING: _LOOKED_AT_AGAIN,
    HoldKind.QUOTA: "It is tried again each day, until the quota is refilled.",
    HoldKind.PLANNED: "It goes on after the reconnect that was announced, or when you resume it.",
}


@dataclass(frozen=True)
class Fault:
    """One bad field of a request, and what to do about it."""

    field: str
    message: str
    remedy: str


def refused(faults: list[Fault]) -> Problem:
    """Name every bad field at once."""
    detail = "; ".join(f"{each.field}: {each.message}" for each in faults)
    return Problem(422, "invalid-request", detail, errors=[asdict(each) for each in faults])


def connection_not_connected(connection_id: str, status: str, cause: str | None) -> Problem:
    """The connection has no working grant."""
    return conflict(
        CONNECTION_NOT_CONNECTED,
        f"The connection is {status}{f' ({cause})' if cause else ''}: reconnect it first.",
        connection_id=connection_id,
        cause=cause,
        connection_status=status,
    )


def sync_held(hold: Hold) -> Problem:
    """TableSync stopped the sync; nothing runs until the cause is gone."""
    return conflict(
        "sync-held",
        f"The sync is held ({hold.kind}: {hold.cause}). {_WAY_OUT[hold.kind]}",
        hold=hold.model_dump(mode="json"),
    )


def run_ended(status: str) -> Problem:
    """There is nothing left to cancel."""
    return conflict("run-ended", f"The run has ended already: {status}.", run_status=status)
