"""Names that people give: of one line, with something to be seen, and nothing that misleads.

Addresses are made of such characters alone as are seen.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

# Categories of Unicode that no line can show: controls, and separators of lines and paragraphs.
UNPRINTED = frozenset({"Cc", "Zl", "Zp"})
# Those that show nothing anywhere: controls, joiners and other formatting, and white space.
_NEVER_SEEN = UNPRINTED | {"Cf", "Cs", "Zs"}
# And nothing by themselves: marks. Scripts and emoji are spelled with them all the same, so they
# may stand beside others.
_UNSEEN = _NEVER_SEEN | {"Mn", "Mc", "Me"}
# Letters and symbols that are blank: fillers of Hangul and Khitan, an empty Braille cell, note and
# hieroglyph.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\U00016fe4\U0001d159\U00013441\U00013442")
# A plane of tags and selectors alone, most of it unassigned and shown as nothing.
_TAGS = range(0xE0000, 0xF0000)
LONGEST = 200
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+$"
# What is not seen and changes how other text reads, or makes a name look like another one.
_MISLEADING = frozenset(
    [
        "\u200b",  # zero-width space
        *map(chr, range(0x202A, 0x202F)),  # embeddings and overrides of the reading direction
        *map(chr, range(0x2060, 0x2070)),  # word joiner, unseen operators, isolates, and deprecated
        "\ufeff",  # byte order mark
        *map(chr, range(0xFFF0, 0xFFFC)),  # unassigned but shown as nothing; marks between lines
        *map(chr, range(0x17B4, 0x17B6)),  # unseen vowels of Khmer, deprecated
        *map(chr, range(0x1BCA0, 0x1BCA4)),  # of shorthand
        *map(chr, range(0x1D173, 0x1D17B)),  # of musical notes
    ]
)
# Unseen as well, but scripts and emoji are spelled with them: between two letters, signs or marks.
_JOINERS = frozenset("\u034f\u180e\u200c\u200d")
# They choose a form of the character before them.
_SELECTORS = frozenset(
    map(chr, (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
# Not seen, whatever their category says.
_HIDDEN = _BLANK | _SELECTORS | _JOINERS | _MISLEADING
# The flag of a region is a black flag, tags and their end; a tag anywhere else is misplaced.
_CHARACTER = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f|.", re.DOTALL)
# The combining class of viramas: after one a joiner may end a word, as in older Malayalam.
_VIRAMA = 9


@dataclass(frozen=True)
class NameFault:
    """What is wrong with a name, and what to do about it."""

    message: str
    remedy: str


def name_fault(name: str) -> NameFault | None:
    """Return why lists, logs and mails could not show a name, if so."""
    if not name:
        return NameFault("it is empty", "Send at least one character besides white space.")
    found = next((each for each in name if unicodedata.category(each) in UNPRINTED), None)
    if found is not None:
        message = f"it contains the control character or line break U+{ord(found):04X}"
        return NameFault(message, "Send a name of one line, without control characters.")
    if not any(map(_is_seen, name)):
        shown = ", ".join(f"U+{ord(each):04X}" for each in dict.fromkeys(name[:3]))
        message = f"it shows nothing: its characters are invisible ({shown})"
        return NameFault(message, "Send at least one letter, digit, symbol or emoji.")
    misplaced = next((each for each, fits in _characters(name) if not fits), None)
    return _not_seen(misplaced, "name") if misplaced else None


def address_fault(address: str) -> NameFault | None:
    """Return why an address could be taken for another one, if so: all of it has to be seen."""
    unseen = next((each for each in address if _is_never_seen(each)), None)
    return _not_seen(unseen, "address") if unseen else None


def legible(text: str) -> str:
    """Return a text without the unseen characters for which a name is refused."""
    return "".join(each for each, fits in _characters(text) if fits)


def _not_seen(character: str, where: str) -> NameFault:
    called = unicodedata.name(character, "").lower()
    message = f"it contains U+{ord(character):04X}{f' ({called})' if called else ''}, which"
    return NameFault(
        f"{message} is not seen here and can mislead who reads it",
        f"Leave that character out; typing the {where} anew instead of pasting it does so.",
    )


def _characters(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each character, or flag, and whether it may stand after those that may."""
    found = _CHARACTER.findall(text)
    before = ""
    for each, after in zip_longest(found, found[1:], fillvalue=""):
        fits = len(each) > 1 or _fits(each, before, after[:1])
        before = each[0] if fits else before
        yield each, fits


def _fits(character: str, before: str, after: str) -> bool:
    if character in _SELECTORS:
        return _is_spelled(before)
    if character in _JOINERS:
        follows = _is_spelled(before) or before in _SELECTORS
        return follows and (_is_spelled(after) or unicodedata.combining(before) == _VIRAMA)
    return character not in _MISLEADING and ord(character) not in _TAGS


def _is_spelled(character: str) -> bool:
    """Whether it is a letter, mark, digit or symbol, which a joiner or selector may follow."""
    unseen = not character or character in _JOINERS | _SELECTORS | _BLANK
    return not unseen and unicodedata.category(character)[0] in "LMNS"


def _is_seen(character: str) -> bool:
    return (
        unicodedata.category(character) not in _UNSEEN
        and character not in _BLANK
        and ord(character) not in _TAGS
    )


def _is_never_seen(character: str) -> bool:
    """Whether it shows nothing, wherever it stands; a mark is seen on the letter before it."""
    return (
        unicodedata.category(character) in _NEVER_SEEN
        or character in _HIDDEN
        or ord(character) in _TAGS
    )


def _fit(name: str) -> str:
    if fault := name_fault(name):
        raise PydanticCustomError("unfit_name", "{message}", {**vars(fault)})
    return name


def _all_seen(address: str) -> str:
    if fault := address_fault(address):
        raise PydanticCustomError("unfit_address", "{message}", {**vars(fault)})
    return address


# A name in a request: without white space around it, and refused with the remedy.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST),
    AfterValidator(_fit),
    Field(json_schema_extra={"minLength": 1, "pattern": _ONE_LINE}),
]

# For an address in a request, beside the pattern of its kind.
AllSeen = AfterValidator(_all_seen)
