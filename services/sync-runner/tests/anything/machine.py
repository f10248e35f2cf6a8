"""The stories that Hypothesis makes up: what happens, how often, and to what."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from anything.contacts import GIVEN, HOME, MAILS, OPTIONS
from anything.runner import PROVIDERS, Runner
from anything.story import Story
from anything.table import BY_HAND, SOURCES

STEP_SECONDS = 240


@dataclass(frozen=True)
class Happening:
    """One thing that happens: a method of Story, and what to call it with."""

    name: str
    how: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.how.items())})"


def often(times: int, name: str, **how: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Any]]:
    """Have something happen so often, compared with the rest."""
    return [st.builds(Happening, st.just(name), st.fixed_dictionaries(how)) for _ in range(times)]


MAIL = st.sampled_from(("", *MAILS))
WHICH = st.integers(0, 7)
SEVERAL = st.lists(WHICH, min_size=2, max_size=4, unique=True)
YES_OR_NO = st.booleans()
VALUES = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in GIVEN.items()}
)
ROW = {"at": st.integers(0, 1), "which": WHICH}
RENAMED = st.sampled_from(
    [
        (name, value, label)
        for name, options in OPTIONS.items()
        for value in options
        for label in options.values()
    ]
)
CHOICES = st.sampled_from(
    [(SOURCES[name], label) for name, options in OPTIONS.items() for label in options.values()]
)
ZONES = st.sampled_from((HOME, "Asia/Tokyo", "UTC"))
DURING = {"calls": st.integers(0, 14), "check": YES_OR_NO}
HAPPENINGS = st.one_of(
    *often(3, "create", mail=MAIL, values=VALUES),
    *often(4, "edit", which=WHICH, silently=YES_OR_NO, values=VALUES),
    *often(5, "give", which=WHICH, mail=MAIL, silently=YES_OR_NO),
    *often(4, "pass_on", which=SEVERAL, silently=YES_OR_NO),
    *often(3, "archive", which=WHICH),
    *often(3, "restore", which=WHICH, touched=YES_OR_NO),
    *often(2, "purge", which=WHICH, anew=YES_OR_NO),
    *often(2, "merge", which=SEVERAL, into_new=YES_OR_NO),
    *often(1, "rename_option", which=RENAMED),
    *often(1, "move", zone=ZONES),
    *often(1, "search_lags", seconds=st.sampled_from((0, 3_600))),
    *often(4, "edit_row", **ROW, field=st.sampled_from(sorted(BY_HAND)), emptied=YES_OR_NO),
    *often(2, "take_key", at=ROW["at"], which=SEVERAL),
    *often(1, "empty_row", **ROW),
    *often(2, "delete_rows", at=ROW["at"], which=SEVERAL),
    *often(1, "write_note", **ROW),
    *often(1, "add_row", at=ROW["at"]),
    *often(2, "change_options", at=ROW["at"], which=CHOICES, offered=YES_OR_NO),
    *often(1, "edit_mapping", at=ROW["at"], points=YES_OR_NO),
    *often(6, "run"),
    *often(2, "check"),
    *often(2, "edit_during_a_run", which=WHICH, mail=MAIL, **DURING),
    *often(2, "lose_answers", performed=YES_OR_NO, count=st.integers(1, 2)),
    *often(2, "revoke_and_reconnect", provider=st.sampled_from(PROVIDERS), **DURING),
    *often(1, "kill_a_runner", **DURING),
)


class Anything(RuleBasedStateMachine):
    """Plays stories on an event loop that another thread runs."""

    def __init__(self, runner: Runner, loop: asyncio.AbstractEventLoop, most_kills: int) -> None:
        super().__init__()
        self._loop = loop
        self._story = Story(runner, most_kills)
        self._broken = False
        self._play(self._story.begin())

    @rule(what=HAPPENINGS)
    def happens(self, what: Happening) -> None:
        """Let something happen."""
        self._play(getattr(self._story, what.name)(**what.how))

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        """Look at the tables."""
        self._play(self._story.look())

    def teardown(self) -> None:
        """Check everything, whatever has happened: then all is equal."""
        if not self._broken:
            self._play(self._story.end())

    def _play(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            asyncio.run_coroutine_threadsafe(part, self._loop).result(STEP_SECONDS)
        except BaseException:
            self._broken = True
            raise


async def play(
    runner: Runner, how: settings, *, most_kills: int, seeded: int | None = None
) -> None:
    """Play stories on this event loop, made up from a seed if one is given."""
    machine: Any = partial(Anything, runner, asyncio.get_running_loop(), most_kills)
    if seeded is not None:
        machine = seed(seeded)(machine)
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
