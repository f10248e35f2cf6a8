"""Lets programs of a stack die, one after the other, while a story goes on."""

import asyncio
import itertools
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tablesync.local_stack import LocalStack
from tablesync.local_stack.waiting import eventually


@dataclass(frozen=True)
class Death:
    """How a program is to die: killed, or asked to end; and for how many seconds it is away."""

    program: str
    by: signal.Signals = signal.SIGKILL
    absence: float = 0.0


@dataclass(frozen=True)
class End:
    """How a program has died: its exit code (-1: by a signal), and how many seconds it took."""

    death: Death
    code: int
    seconds: float


class Reaper:
    """Carries deaths out in turn; `ended` has all that there have been.

    Args:
        stack: whose programs die.
        deaths: in this order.
        rounds: how often in a block at most; None: for as long as the block lasts.

    """

    def __init__(
        self, stack: LocalStack, deaths: Sequence[Death], rounds: int | None = None
    ) -> None:
        self._stack = stack
        self._deaths = deaths
        self._rounds = rounds
        self.ended: list[End] = []

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Let programs die during a block, each of them at least once; then all are there again."""
        enough, one_round = asyncio.Event(), len(self.ended) + len(self._deaths)
        work = asyncio.create_task(self._reap(enough))
        try:
            yield
            await eventually(lambda: len(self.ended) >= one_round or work.done(), timeout=600)
        finally:
            enough.set()
            await work

    def torn(self, within_seconds: float = 30.0) -> list[End]:
        """Return who was asked to end and ended with an error, by force, or too late."""
        asked = [each for each in self.ended if each.death.by is signal.SIGTERM]
        return [each for each in asked if each.code or each.seconds > within_seconds]

    async def _reap(self, enough: asyncio.Event) -> None:
        limit = () if self._rounds is None else (self._rounds,)
        for death in itertools.chain.from_iterable(itertools.repeat(self._deaths, *limit)):
            if enough.is_set():
                return
            await self._carry_out(death)

    async def _carry_out(self, death: Death) -> None:
        """End a program that is at work, and let it come back before the next one dies.

        Python ends by a signal that comes before its program heeds them: nothing was begun then.
        """
        await asyncio.to_thread(self._stack.wait_ready, death.program)
        end = self._stack.kill if death.by is signal.SIGKILL else self._stack.stop_program
        began = time.monotonic()
        await asyncio.to_thread(end, death.program)
        code, seconds = self._stack.exit_code(death.program), time.monotonic() - began
        self.ended.append(End(death, code, seconds))
        await asyncio.sleep(death.absence)
        await asyncio.to_thread(self._stack.start_program, death.program)
        await asyncio.to_thread(self._stack.wait_ready, death.program)
