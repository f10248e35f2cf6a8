"""P28 with other stories each time: one that fails is cut short, and told with its seed."""

import os
import random

from anything.machine import play
from anything.runner import Runner
from hypothesis import settings
from sync_runner_rig import Rig

STORIES, STEPS, KILLS = 300, 80, 3


async def test_p28_whatever_happens_a_check_of_everything_ends_equal(rig: Rig) -> None:
    """Play stories; `SEED=<number>` plays those of an earlier time."""
    seeded = int(os.environ.get("SEED") or random.randrange(10**6))
    how = settings(
        max_examples=STORIES, stateful_step_count=STEPS, derandomize=False, database=None
    )
    try:
        await play(Runner(rig), how, most_kills=KILLS, seeded=seeded)
    except Exception as error:
        error.add_note(f"SEED={seeded}")
        raise
