"""The scheduler's problems, sorted by what the caller must do.

Correct the request   refused (each bad field with its remedy)
Reconnect, then retry connection_not_connected, sync_held
Nothing               run_ended
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tablesync.contracts import Hold, SyncStatus
from tablesync.contracts.internal_api import CONNECTION_NOT_CONNECTED
from tablesync.contracts.wording import runs_again
from tablesync.service_kit.http.problems import Problem, conflict


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


def sync_held(status: SyncStatus, holds: Sequence[Hold]) -> Problem:
    """TableSync stopped the sync; nothing runs until every cause is gone."""
    causes = "; ".join(f"{each.kind}: {each.cause}" for each in holds)
    paused = ", and paused" if status is SyncStatus.PAUSED else ""
    when = runs_again(status, [each.kind for each in holds])
    return conflict(
        "sync-held",
        f"The sync is held ({causes}){paused}. It runs again {when}.",
        hold=holds[0].model_dump(mode="json"),
        holds=[each.model_dump(mode="json") for each in holds],
    )


def run_ended(status: str) -> Problem:
    """There is nothing left to cancel."""
    return conflict("run-ended", f"The run has ended already: {status}.", run_status=status)
