"""Runs: waiting for one's end, and what is seen of it meanwhile."""

import math
from collections.abc import AsyncIterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tablesync.cli import session
from tablesync.cli.errors import StillRunningError, told
from tablesync.cli.format import counts, plain
from tablesync.client import AwayError, NotFoundError, TableSync
from tablesync.contracts import RunStatus
from tablesync.contracts.public_api.runs import RunView

LOOK_SECONDS = 1.0


def has_ended(run: RunView) -> bool:
    """Whether a run has come to its end; a status of a later version is none."""
    return run.status in RunStatus.__members__.values() and RunStatus(run.status).ended


async def ended(tablesync: TableSync, run_id: str, seconds: float) -> RunView:
    """Wait so long for a run's end; raises StillRunningError if it has none by then."""
    for _ in range(math.ceil(seconds / LOOK_SECONDS)):
        run = await tablesync.runs.get(run_id)
        if has_ended(run):
            return run
        await session.pause(LOOK_SECONDS)
    raise StillRunningError(f"{run_id} has not ended within {seconds:g} s; it goes on.")


async def followed(tablesync: TableSync, run_id: str, console: Console) -> RunView:
    """Wait for a run's end, however long it takes, and show meanwhile how far it is.

    Services that are away for a while are waited for: the run goes on without them.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("waiting", total=None, said="")
        async for run in _states(tablesync, run_id):
            if isinstance(run, AwayError):
                bar.update(task, said=told(run))
            elif has_ended(run):
                return run
            else:
                bar.update(task, **await _seen(tablesync, run))
    raise AssertionError("states have no end")


async def _seen(tablesync: TableSync, run: RunView) -> dict[str, Any]:
    """Return what a bar shows of a run that goes on: what its runner says, or else its status."""
    try:
        now = await tablesync.runs.progress(run.id)
    except (AwayError, NotFoundError):
        return {"description": plain(run.status).plain, "said": counts(run.counts)}
    return {
        "description": plain(now.phase or now.status).plain,
        "said": counts(now.counts),
        "total": now.total,
        "completed": now.counts.read,
    }


async def _states(tablesync: TableSync, run_id: str) -> AsyncIterator[RunView | AwayError]:
    while True:
        try:
            yield await tablesync.runs.get(run_id)
        except AwayError as error:
            yield error
        await session.pause(LOOK_SECONDS)
