"""Which Airtable field suits which property of a source, and why: by name first, then by type."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from tablesync.contracts.internal_api import AirtableField, SourceProperty

RECORD_ID = "id"  # a source's record id, which is no property
SAME_NAME = "the names mean the same"
SIMILAR_NAME = "same type, similar name"
# Types that say by themselves what their values are.
_TELLING: Mapping[str, str] = MappingProxyType(
    {
        "email": "the only e-mail field",
        "phoneNumber": "the only phone field",
        "url": "the only field for addresses of pages",
    }
)
# Words that tell no two properties apart.
_FILLERS = frozenset({"the", "of", "number", "no", "name", "address", "url", "field", "value"})
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Suggestion:
    """A field for a property, and why it is suggested."""

    field_id: str
    why: str


def suggest(
    properties: Sequence[SourceProperty], fields: Sequence[AirtableField], source: str = ""
) -> dict[str, Suggestion]:
    """Return a field for each property that one suits, by the property's name.

    No field is suggested twice. `source` is the provider's label: `HubSpot ID` is the field of its
    record id.
    """
    found: dict[str, Suggestion] = {}
    free = {each.id: each for each in fields if each.writable}
    for match in (_by_same_name(source), _by_similar_name, _by_type(properties, fields)):
        for each in properties:
            if each.name in found:
                continue
            if suggestion := match(each, [field for field in free.values() if fits(each, field)]):
                found[each.name] = suggestion
                del free[suggestion.field_id]
    return found


def suggest_key(
    properties: Iterable[SourceProperty],
    fields: Iterable[AirtableField],
    suggestions: Mapping[str, Suggestion],
) -> str:
    """Return the property to find rows by: the record's id if a field is there for it.

    Else an address that is a person's own; nothing if there is neither.
    """
    mergeable = {each.id for each in fields if each.mergeable}
    candidates = [
        each
        for each in properties
        if each.name in suggestions and suggestions[each.name].field_id in mergeable
    ]
    ids = (each.name for each in candidates if each.name == RECORD_ID)
    mails = (each.name for each in candidates if each.suits[:1] == ("email",))
    return next(ids, next(mails, ""))


def fits(each: SourceProperty, field: AirtableField) -> bool:
    """Whether a field takes a property's values, as far as the source says what they are."""
    return not each.suits or field.type in each.suits


_Match = Callable[[SourceProperty, Sequence[AirtableField]], Suggestion | None]


def _by_same_name(source: str) -> _Match:
    def match(each: SourceProperty, free: Sequence[AirtableField]) -> Suggestion | None:
        names = {_plain(each.label), _plain(each.name)}
        if each.name == RECORD_ID:
            names |= {_plain(f"{source} id"), "recordid", "sourceid"}
        return _first((field for field in free if _plain(field.name) in names), SAME_NAME)

    return match


def _by_similar_name(each: SourceProperty, free: Sequence[AirtableField]) -> Suggestion | None:
    cores = {_core(each.label), _core(each.name)} - {""}
    return _first((field for field in free if _core(field.name) in cores), SIMILAR_NAME)


def _by_type(properties: Sequence[SourceProperty], fields: Sequence[AirtableField]) -> _Match:
    """Match where one property and one field of a telling type can only mean each other."""
    properties_of = {type_: [p.name for p in properties if _is_of(p, type_)] for type_ in _TELLING}
    fields_of = {type_: [f.id for f in fields if f.type == type_] for type_ in _TELLING}

    def match(each: SourceProperty, free: Sequence[AirtableField]) -> Suggestion | None:
        for type_, why in _TELLING.items():
            if properties_of[type_] == [each.name] and len(fields_of[type_]) == 1:
                return _first((field for field in free if field.type == type_), why)
        return None

    return match


def _is_of(each: SourceProperty, type_: str) -> bool:
    return each.suits[:1] == (type_,)


def _first(fields: Iterator[AirtableField], why: str) -> Suggestion | None:
    field = next(fields, None)
    return Suggestion(field.id, why) if field else None


# Each field is compared with each property, and there may be a thousand of both.
@lru_cache(maxsize=4_096)
def _plain(text: str) -> str:
    """Return a name without case, accents, spaces and signs."""
    return "".join(_words(text))


@lru_cache(maxsize=4_096)
def _core(text: str) -> str:
    """Return what is left of a name without the words that tell no two apart."""
    return "".join(each for each in _words(text) if each not in _FILLERS)


def _words(text: str) -> list[str]:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return _WORDS.findall("".join(each for each in spread if not unicodedata.combining(each)))
