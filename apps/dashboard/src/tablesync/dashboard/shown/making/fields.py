"""Properties and fields in words: what their values are, and what becomes of them on the way."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from tablesync.contracts import MappedAs
from tablesync.contracts.internal_api import AirtableField, SourceProperty
from tablesync.dashboard.shown.words import counted, listed

TEXTS = frozenset({"singleLineText", "multilineText", "richText", "email", "url", "phoneNumber"})
SELECTS = frozenset({"singleSelect", "multipleSelects"})
NUMBERS = frozenset({"number", "currency", "percent", "duration", "rating"})
DAYS = frozenset({"date", "dateTime"})
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "singleLineText": "Single line text",
        "multilineText": "Long text",
        "richText": "Rich text",
        "email": "Email",
        "url": "URL",
        "phoneNumber": "Phone number",
        "number": "Number",
        "currency": "Currency",
        "percent": "Percent",
        "duration": "Duration",
        "rating": "Rating",
        "checkbox": "Checkbox",
        "singleSelect": "Single select",
        "multipleSelects": "Multiple select",
        "date": "Date",
        "dateTime": "Date with time",
        "barcode": "Barcode",
    }
)
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "text": "text",
        "number": "number",
        "bool": "yes or no",
        "date": "date",
        "moment": "date and time",
        "texts": "list of text",
    }
)


def type_words(field: AirtableField) -> str:
    """Return what Airtable calls a field's type, with the sign of a currency."""
    symbol = field.options.get("symbol") if field.type == "currency" else None
    return f"Currency ({symbol})" if symbol else type_named(field.type)


def type_named(name: str) -> str:
    """Return what Airtable calls a type; one that is new is told as it is."""
    return _TYPES.get(name, name)


def kind_words(each: SourceProperty) -> str:
    """Return what a property's values are."""
    if each.options:
        return "choices" if each.kind == "texts" else "choice"
    words = _KINDS.get(each.kind or "", each.type)
    return f"{words}, {each.unit}" if each.unit else words


def has_choice_of_words(each: SourceProperty, field: AirtableField) -> bool:
    """Whether an option can be written as people see it, or as the value behind it."""
    return bool(each.options) and (field.type in TEXTS | SELECTS or field.type == "barcode")


def conversions(
    each: SourceProperty, field: AirtableField, as_: MappedAs | None = None
) -> Iterator[str]:
    """Yield what is done to values on their way, as far as anything is."""
    kind = each.kind
    if field.type in SELECTS and each.options and (note := _unknown_options(each, field, as_)):
        yield note
    if kind == "texts" and field.type in TEXTS:
        yield "A list is written as one text, with semicolons between."
    elif kind == "bool" and field.type in TEXTS:
        yield "Written as “true” or “false”."
    elif kind == "moment" and field.type == "date":
        yield "Only the day is written, by the time zone of the account."
    elif kind == "date" and field.type == "dateTime":
        yield "A day becomes its midnight, UTC."
    elif kind in ("date", "moment") and field.type in TEXTS:
        yield "Written as text, such as 2026-11-22."
    elif field.type == "duration" and each.unit:
        yield f"{each.unit.capitalize()} become hours and minutes."


def doubts(each: SourceProperty, field: AirtableField) -> Iterator[str]:
    """Yield why values may be rejected, by their types alone."""
    if not each.suits or field.type in each.suits:
        return
    what = kind_words(each).capitalize()
    yield f"{what} in a field of type {type_words(field)}: what it cannot take is rejected."


def _unknown_options(
    each: SourceProperty, field: AirtableField, as_: MappedAs | None
) -> str | None:
    """Say which options the field lacks: Airtable is not asked to add any."""
    choices = field.options.get("choices")
    if not isinstance(choices, list):
        return None
    known = {str(choice.get("name")) for choice in choices if isinstance(choice, dict)}
    told = [each.value if as_ is MappedAs.VALUE else each.label for each in each.options]
    missing = [f"“{name}”" for name in told if name not in known]
    if not missing:
        return None
    are = "is" if len(missing) == 1 else "are"
    return (
        f"{counted(len(missing), 'option')} {are} not in Airtable yet: {listed(missing)}. Records "
        "with them are rejected until you add them there."
    )
