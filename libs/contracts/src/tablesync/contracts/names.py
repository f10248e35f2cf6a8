"""Names that people give: of one line, and with something in them that can be seen."""

import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

# Categories of Unicode that no line can show: controls, and separators of lines and paragraphs.
UNPRINTED = frozenset({"Cc", "Zl", "Zp"})
# Those that show nothing by themselves: controls, joiners and other formatting, white space and
# marks. Scripts and emoji are spelled with them all the same, so they may stand beside others.
_UNSEEN = UNPRINTED | {"Cf", "Cs", "Zs", "Mn", "Mc", "Me"}
# Letters and symbols that are blank: fillers of Hangul, an empty Braille cell, note and hieroglyph.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159\U00013441\U00013442")
# A plane of tags and selectors alone, most of it unassigned and shown as nothing.
_TAGS = range(0xE0000, 0xF0000)
LONGEST = 200
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"


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
    return None


def _is_seen(character: str) -> bool:
    return (
        unicodedata.category(character) not in _UNSEEN
        and character not in _BLANK
        and ord(character) not in _TAGS
    )


def _fit(name: str) -> str:
    if fault := name_fault(name):
        raise PydanticCustomError("unfit_name", "{message}", {**vars(fault)})
    return name


# A name in a request: without white space around it, and refused with the remedy.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST),
    AfterValidator(_fit),
    Field(json_schema_extra={"minLength": 1, "pattern": _ONE_LINE}),
]
