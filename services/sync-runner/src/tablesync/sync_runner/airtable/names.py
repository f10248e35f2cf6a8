"""What people read names bases, tables and fields: ids stand behind their names."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tablesync.contracts.wording import one_line
from tablesync.sync_runner.errors import RunEndedError

LONGEST = 80


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which each id that has a name stands behind it, as in `"Sum" (fld1)`."""
    ids = "|".join(re.escape(each) for each in names if each)
    if not ids:
        return text
    return re.sub(rf'(?<!\w)("?)({ids})\1(?!\w)', lambda found: _named(found[2], names), text)


@contextmanager
def told_by_names(names: Mapping[str, str]) -> Iterator[None]:
    """Name what is meant in whatever ends a run: what is gone is known by its last name only."""
    try:
        yield
    except RunEndedError as error:
        error.summary = with_names(error.summary, names)
        raise


def _named(id_: str, names: Mapping[str, str]) -> str:
    name = one_line(names[id_])
    shown = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    return f'"{shown}" ({id_})' if shown else id_
