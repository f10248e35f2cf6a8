"""Parts of a page that change by themselves: the tab says which version it shows of each."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from tablesync.dashboard.live.hub import EVERYTHING
from tablesync.dashboard.live.streams import Render
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.rendering import partial

MOST_PARTS = 200
_A_PART = re.compile(r"([\w-]{1,80})\.(\w{1,40})")


def left(id_: str) -> "Part":
    """Return a part that stays as a tab has it."""
    return Part(id_, "", str)


@dataclass(frozen=True)
class Part:
    """A part of a page as it is now; `version` changes with whatever it shows.

    Without a version it is left as it is: nobody tells of it now.
    """

    id: str
    version: str
    html: Callable[[], str]


def parts_shown(told: str) -> dict[str, str]:
    """Read which version of which part a tab shows; what is none of ours is left out."""
    found = (_A_PART.fullmatch(each) for each in told.split(",")[:MOST_PARTS])
    return {each[1]: each[2] for each in found if each}


def keeping(
    shown: str,
    read: Callable[[Asked, Iterable[str]], Awaitable[Sequence[Part]]],
    about: Collection[str] = (),
) -> Render:
    """Return what sends each part that is not as the tab has it, and takes away what is gone.

    `read` is told the ids of all that is shown. With `about` it is asked only at events about these
    things or kinds (`sync:*`), to which it may add those that it finds, and at beats.
    """
    has = parts_shown(shown)

    async def render(asked: Asked, changed: Collection[str]) -> str:
        if about and not _concerns(changed, about):
            return ""
        parts = {each.id: each for each in await read(asked, has)}
        told_of = (each for each in parts.values() if each.version)
        other = [each for each in told_of if has.get(each.id, each.version) != each.version]
        told = [_new(has, each) for each in other]
        gone = [each for each in has if each not in parts]
        for each in gone:
            del has[each]
        return "".join([*told, *(partial(each, "", "delete") for each in gone)])

    return render


def _concerns(changed: Collection[str], about: Collection[str]) -> bool:
    kinds = {f"{each.partition(':')[0]}:*" for each in changed}
    return any(each in about for each in (*changed, *kinds)) or EVERYTHING in changed


def _new(has: dict[str, str], part: Part) -> str:
    has[part.id] = part.version
    return partial(part.id, part.html())
