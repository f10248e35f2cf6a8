"""P28: whatever people, providers and machines do, after a check of everything all is equal."""

from anything.machine import play
from anything.runner import Runner
from hypothesis import Phase, settings
from sync_runner_rig import Rig

STORIES, STEPS, KILLS = 3, 40, 1


async def test_p28_whatever_happens_a_check_of_everything_ends_equal(rig: Rig) -> None:
    """The same stories each time; `soak` plays others, and cuts short what fails."""
    how = settings(
        max_examples=STORIES,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        derandomize=True,
    )
    await play(Runner(rig), how, most_kills=KILLS)
