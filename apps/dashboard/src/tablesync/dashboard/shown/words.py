"""Numbers and nouns as people read them."""

import re

THIN = "\u202f"
# How a summary of a run that ended well begins; its badge says the same in our words.
_WELL = re.compile(r"succeeded(?:, (?P<rejected>[\d,]+ rejected))?: (?P<figures>[^.]+)\.?")


def number(count: float) -> str:
    """Return a number with narrow spaces by thousands, which never breaks."""
    return f"{count:,}".replace(",", THIN)


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return how many of what: `1 sync`, `24 syncs`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def are(count: int) -> str:
    """Return the verb: one `is`, more `are`."""
    return "is" if count == 1 else "are"


def how_far(read: int, total: int | None) -> str:
    """Return how many records are read, and of about how many while that still holds."""
    if not total:
        return f"{counted(read, 'record')} read"
    if read > total:
        return f"{counted(read, 'record')} read, more than estimated (about {number(total)})"
    return f"{number(read)} of about {number(total)} records"


def listed(names: list[str], most: int = 3) -> str:
    """Return names in a sentence: `a, b and 2 more`."""
    shown = names[:most]
    if len(names) > most:
        return f"{', '.join(shown)} and {number(len(names) - most)} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def figures(summary: str) -> str:
    """Return what a run says without the machine's word for its outcome."""
    well = _WELL.fullmatch(summary)
    return f"{', '.join(filter(None, well.group('figures', 'rejected')))}." if well else summary
