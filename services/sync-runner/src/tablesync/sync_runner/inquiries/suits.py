"""Which types of field take all values of a property, so that people need not try."""

from collections.abc import Mapping, Sequence

from tablesync.sync_runner.values import Unit, ValueKind

_TEXTS = ("singleLineText", "multilineText")
# Types whose cells are texts that mean something; the name of a property tells, if anything does.
_BY_NAME: Mapping[str, str] = {
    "email": "email",
    "phone": "phoneNumber",
    "mobilephone": "phoneNumber",
    "url": "url",
    "website": "url",
}
_BY_KIND: Mapping[ValueKind, Sequence[str]] = {
    ValueKind.TEXT: (*_TEXTS, "richText", "email", "url", "phoneNumber"),
    ValueKind.NUMBER: ("number", "currency", "percent", *_TEXTS),
    ValueKind.BOOL: ("checkbox", *_TEXTS),
    ValueKind.DATE: ("date", "dateTime", *_TEXTS),
    ValueKind.MOMENT: ("dateTime", "date", *_TEXTS),
    ValueKind.TEXTS: ("multipleSelects", "multilineText", "singleLineText"),
}


def suits(name: str, kind: ValueKind, *, has_options: bool, unit: Unit | None) -> tuple[str, ...]:
    """Return the types of field that take a property, the best first.

    A select takes the options that it has itself, or is made with.
    """
    usual = _BY_KIND[kind]
    best: Sequence[str] = ()
    if kind is ValueKind.NUMBER and unit is not None:
        best = ("duration",)
    elif kind is ValueKind.TEXT and has_options:
        best = ("singleSelect", *_TEXTS, "multipleSelects")
    elif kind is ValueKind.TEXT and name in _BY_NAME:
        best = (_BY_NAME[name],)
    return tuple(dict.fromkeys([*best, *usual]))
