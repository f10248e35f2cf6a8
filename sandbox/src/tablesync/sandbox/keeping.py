"""What the sandbox keeps from one process to the next, where it is told a file for it.

Both ends of every sync, grants with their tokens, and mails; not what lasts for moments, such as
codes, faults and limits. A process that is killed has lost what the last seconds brought.
"""

import asyncio
import hashlib
import os
import pickle
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from .world import World

KEEP_SECONDS = 2.0
BEGIN_ANEW = "begin anew with `make up FRESH=1`, or `docker compose down --volumes` and `up`"


class CannotReadKeptError(ValueError):
    """What another version of the sandbox has kept, or half a file; the message has the remedy."""


@asynccontextmanager
async def keeping(world: World, file: Path | None) -> AsyncIterator[None]:
    """Go on from what a file has, and keep it up to date until the block ends.

    Raises:
        CannotReadKeptError: the file was not written by this version; it is left as it is.

    """
    if file is None:
        yield
        return
    recall(world, file)
    keeper = asyncio.create_task(_keep_on(world, file))
    try:
        yield
    finally:
        keeper.cancel()
        keep(world, file)


def recall(world: World, file: Path) -> None:
    """Put a world to where it was when the file was written, if there is one."""
    try:
        made_by, _, memory = file.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return
    # Nothing is unpickled but what these very sources have written.
    if made_by != _version():
        raise CannotReadKeptError(
            f"{file} was kept by another version of the sandbox; {BEGIN_ANEW}, "
            "or go back to that version"
        )
    try:
        world.recall(pickle.loads(memory))  # noqa: S301 - whoever can write there is us
    except (pickle.UnpicklingError, EOFError) as error:
        raise CannotReadKeptError(f"{file} is damaged; {BEGIN_ANEW}") from error


def keep(world: World, file: Path) -> None:
    """Write what is to be kept, whole or not at all; it has tokens, so nobody else may read it."""
    _write(file, _memory(world))


async def _keep_on(world: World, file: Path) -> None:
    kept = b""
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        memory = _memory(world)
        if memory == kept:
            continue
        try:
            # A few milliseconds at most, and nothing else writes meanwhile.
            _write(file, memory)
        except OSError as error:
            sys.stderr.write(f"What is here cannot be kept: {error}\n")
        else:
            kept = memory


def _memory(world: World) -> bytes:
    return _version() + b"\n" + pickle.dumps(world.memory(), pickle.HIGHEST_PROTOCOL)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    os.replace(partial, file)


@cache
def _version() -> bytes:
    """Return what tells this version of the sandbox from all others: a digest of its sources."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest().encode()
