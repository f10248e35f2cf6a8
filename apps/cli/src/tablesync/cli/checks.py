"""Full checks: asking for one, and waiting for what it finds."""

import math
import time

from tablesync.cli.answers import Asked, EndedRun, read
from tablesync.cli.client import Client
from tablesync.cli.errors import AwayError
from tablesync.contracts import RunStatus

LOOK_SECONDS = 1.0


def ask(client: Client, sync_id: str) -> Asked:
    """Ask for a check of everything; one that is under way is named again."""
    return read(Asked, "scheduler", client.post("scheduler", f"/v1/syncs/{sync_id}/check"))


def ended(client: Client, run_id: str, seconds: float) -> EndedRun:
    """Wait so long for a run's end; raises AwayError if it has none by then."""
    for _ in range(math.ceil(seconds / LOOK_SECONDS)):
        run = read(EndedRun, "scheduler", client.get("scheduler", f"/v1/runs/{run_id}"))
        if RunStatus(run.status).ended:
            return run
        time.sleep(LOOK_SECONDS)
    raise AwayError(f"{run_id} has not ended within {seconds:g} s; it goes on.")
