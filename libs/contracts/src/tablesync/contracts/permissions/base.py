"""What a scope of a provider lets TableSync do, and which syncs need it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """A scope as a provider spells it, and what it allows, such as `read deals`.

    `reads` are the source objects that cannot be read without it; `writes` says whether no table
    can be written without it. A scope with neither holds up no sync. One with an `extra` is asked
    for only where somebody names it so, and missing nowhere.
    """

    scope: str
    words: str
    reads: frozenset[str] = frozenset()
    writes: bool = False
    extra: str = ""
