"""The first day: four steps to the first rows, shown until they are there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionView, ProviderView


class Progress(StrEnum):
    """How far a step is."""

    DONE = "done"
    CURRENT = "current"
    LATER = "later"


@dataclass(frozen=True)
class Step:
    """A step; `choices` are the providers that it offers to connect."""

    title: str
    text: str
    progress: Progress
    choices: Sequence[ProviderView] = ()
    makes_a_sync: bool = False


def first_day(
    connections: Collection[ConnectionView],
    providers: Collection[ProviderView],
    uses: Collection[ConnectionUse] | None,
) -> Sequence[Step]:
    """Return the steps, or none once rows are there, or while nobody can tell."""
    if uses is None or not providers or any(each.last_success_at for each in uses):
        return ()
    connected = {str(each.provider) for each in connections}
    targets = [each for each in providers if not each.is_source]
    sources = [each for each in providers if each.is_source]
    done = [
        any(str(each.name) in connected for each in targets),
        any(str(each.name) in connected for each in sources),
        any(each.syncs for each in uses),
        False,
    ]
    current = done.index(False)
    return [_step(number, each, current, targets, sources) for number, each in enumerate(done)]


def _words(target: str) -> Sequence[tuple[str, str]]:
    """Return the title of each step, and what it means; `target` is where the rows go."""
    return (
        (f"Connect {target}", "Where your rows will be. You choose what TableSync may use."),
        (
            "Connect a source",
            "Where do your records live today? You sign in there; TableSync only reads.",
        ),
        ("Make a sync", "Choose an object and a table, or let TableSync make the table."),
        ("See the first rows", f"They appear here and in {target} at the same time."),
    )


MAKES_A_SYNC = 2


def _step(
    number: int,
    done: bool,
    current: int,
    targets: Sequence[ProviderView],
    sources: Sequence[ProviderView],
) -> Step:
    progress = Progress.CURRENT if number == current else Progress.LATER
    offered: tuple[Sequence[ProviderView], ...] = (targets, sources, (), ())
    title, text = _words(" or ".join(each.label for each in targets))[number]
    return Step(
        title=title,
        text=text,
        progress=Progress.DONE if done else progress,
        choices=offered[number] if number == current else (),
        makes_a_sync=number == current == MAKES_A_SYNC,
    )
