"""The scheduler's problems, sorted by what the caller must do.

Correct the request   refused (each bad field with its remedy)
Reconnect, then retry connection_not_connected, sync_held
Look, then decide     edited_meanwhile, others_match, draft_moved_on, too_many_drafts
Nothing               run_ended
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tablesync.contracts import Hold, HoldKind, SyncStatus
from tablesync.contracts.internal_api import CONNECTION_NOT_CONNECTED
from tablesync.contracts.wording import loss, runs_again
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


def connection_not_connected(
    connection_id: str, status: str, cause: str | None, provider: str | None = None
) -> Problem:
    """The connection has no working grant; where its provider is known, the cause is told."""
    why = loss(cause, provider) if provider else f"The connection is {status}."
    return conflict(
        CONNECTION_NOT_CONNECTED,
        f"{why} Reconnect it first.",
        connection_id=connection_id,
        cause=cause,
        connection_status=status,
    )


def sync_held(
    status: SyncStatus, holds: Sequence[Hold], providers: Mapping[str | None, str]
) -> Problem:
    """TableSync stopped the sync; nothing runs until every cause is gone.

    `providers` are those of its connections, by id.
    """
    causes = "; ".join(_because(each, providers) for each in holds)
    paused = ", and paused" if status is SyncStatus.PAUSED else ""
    when = runs_again(status, [each.told_as for each in holds])
    return conflict(
        "sync-held",
        f"The sync is held ({causes}){paused}. It runs again {when}.",
        hold=holds[0].model_dump(mode="json"),
        holds=[each.model_dump(mode="json") for each in holds],
    )


def _because(hold: Hold, providers: Mapping[str | None, str]) -> str:
    if hold.kind is HoldKind.CONNECTION and (provider := providers.get(hold.connection_id)):
        return loss(hold.cause, provider).rstrip(".")
    return f"{hold.kind}: {hold.cause}"


def edited_meanwhile(version: int, now: Mapping[str, Any]) -> Problem:
    """Somebody has edited the sync since: whoever edits it now should see what it is."""
    return conflict(
        "edited-meanwhile",
        f"Somebody has edited this sync meanwhile; it is version {version} now. Nothing was "
        "changed: look at what it is, and send your edit with that version.",
        version=version,
        sync=now,
    )


def others_match(seen: int, matching: int) -> Problem:
    """Not as many syncs match as whoever changes them all has seen."""
    return conflict(
        "others-match",
        f"{matching} syncs match now, not {seen}. Nothing was changed: look at which they are, and "
        "send how many you have seen.",
        seen=seen,
        matching=matching,
    )


def draft_moved_on(version: int, sync_id: str | None) -> Problem:
    """The draft was changed or finished since: nothing of it is merged unseen."""
    what = "This sync is made already" if sync_id else "This draft was changed meanwhile"
    return conflict(
        "edited-meanwhile",
        f"{what}. Nothing was changed: look at what it is now.",
        version=version,
        sync_id=sync_id,
    )


def too_many_drafts(most: int) -> Problem:
    """One person has begun more than anybody finishes."""
    detail = f"You have begun {most} syncs and finished none of them. Discard one that is not"
    return conflict("limit-reached", f"{detail} needed any more.", limit=most)


def run_ended(status: str) -> Problem:
    """There is nothing left to cancel."""
    return conflict("run-ended", f"The run has ended already: {status}.", run_status=status)
