"""Field types: which can be created, and what their options have to be."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import available_timezones

from tablesync.sandbox.ids import airtable_id

from . import errors
from .tables import Field

PLAIN = frozenset({"singleLineText", "multilineText", "richText", "email", "url", "phoneNumber"})
SELECTS = frozenset({"singleSelect", "multipleSelects"})
MERGEABLE = frozenset(
    {"number", "singleLineText", "multilineText", "singleSelect", "multipleSelects", "date"}
)
COMPUTED = frozenset(
    [
        "formula",
        "rollup",
        "count",
        "multipleLookupValues",
        "autoNumber",
        "createdTime",
        "lastModifiedTime",
        "createdBy",
        "lastModifiedBy",
        "button",
        "aiText",
        "externalSyncSource",
    ]
)
PRIMARY = PLAIN | {"number", "currency", "percent", "duration", "date", "dateTime", "barcode"}
_DATE_FORMATS = {
    "local": "l",
    "friendly": "LL",
    "us": "M/D/YYYY",
    "european": "D/M/YYYY",
    "iso": "YYYY-MM-DD",
}
_DURATION_FORMATS = ("h:mm", "h:mm:ss", "h:mm:ss.S", "h:mm:ss.SS", "h:mm:ss.SSS")
_COLOURS = [
    f"{hue}{shade}"
    for shade in ("Light2", "Light1", "Bright", "Dark1")
    for hue in [
        "blue",
        "cyan",
        "teal",
        "green",
        "yellow",
        "orange",
        "red",
        "pink",
        "purple",
        "gray",
    ]
]

Options = dict[str, Any]
Normaliser = Callable[[Mapping[str, Any]], Options | None]


def make_computed_field(wanted: Mapping[str, Any]) -> Field:
    """Return a field that only people can make, in the app; nobody writes it."""
    kind = str(wanted["type"])
    return Field(airtable_id("fld"), str(wanted["name"]), kind, dict(wanted.get("options") or {}))


def make_field(table_name: str, wanted: Mapping[str, Any], field_id: str = "") -> Field:
    """Return a field made from a create request; raise a 422 refusal for an impossible one."""
    name, kind = str(wanted.get("name") or "").strip(), str(wanted.get("type"))
    if not name:
        raise errors.unprocessable("DUPLICATE_OR_EMPTY_FIELD_NAME", "Field name cannot be empty")
    if kind in COMPUTED:
        text = f"Creating {kind} fields is not supported at this time"
        raise errors.unprocessable(
            "UNSUPPORTED_FIELD_TYPE_FOR_CREATE", f"Invalid options for {table_name}.{name}: {text}"
        )
    if kind not in _NORMALISERS:
        raise errors.invalid_request()
    try:
        options = _NORMALISERS[kind](wanted.get("options") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.invalid_options(table_name, name, str(error)) from None
    return Field(field_id or airtable_id("fld"), name, kind, options, wanted.get("description"))


def new_choice(name: str, position: int, colour: str | None = None) -> dict[str, Any]:
    """Return a select option with an id and a colour."""
    picked = colour or _COLOURS[position % len(_COLOURS)]
    return {"id": airtable_id("sel"), "name": name, "color": picked}


def _none(_: Mapping[str, Any]) -> None:
    return None


def _choices(options: Mapping[str, Any]) -> Options:
    names = [str(choice["name"]) for choice in options["choices"]]
    if len(set(names)) != len(names):
        raise ValueError("duplicate choice names")
    colours = [choice.get("color") for choice in options["choices"]]
    if unknown := [each for each in colours if each is not None and each not in _COLOURS]:
        raise ValueError(f"unknown colour {unknown[0]}")
    return {"choices": [new_choice(name, n, colours[n]) for n, name in enumerate(names)]}


def _precision(maximum: int) -> Callable[[Mapping[str, Any]], Options]:
    def normalise(options: Mapping[str, Any]) -> Options:
        precision = options["precision"]
        if not isinstance(precision, int) or not 0 <= precision <= maximum:
            raise ValueError(f"precision must be 0 to {maximum}")
        return {"precision": precision}

    return normalise


def _currency(options: Mapping[str, Any]) -> Options:
    return {**_precision(7)(options), "symbol": str(options["symbol"])}


def _date(options: Mapping[str, Any]) -> Options:
    name = options["dateFormat"]["name"]
    return {"dateFormat": {"name": name, "format": _DATE_FORMATS[name]}}


def _date_time(options: Mapping[str, Any]) -> Options:
    name, zone = options["timeFormat"]["name"], options["timeZone"]
    # Upper-case "UTC" is refused, although it is a name in the time zone database.
    if zone not in ("utc", "client") and (zone == "UTC" or zone not in available_timezones()):
        raise ValueError(f"unknown time zone {zone}")
    clock = {"12hour": "h:mma", "24hour": "HH:mm"}[name]
    return {**_date(options), "timeFormat": {"name": name, "format": clock}, "timeZone": zone}


def _rating(options: Mapping[str, Any]) -> Options:
    if not 1 <= int(options["max"]) <= 10:
        raise ValueError("max must be 1 to 10")
    return {"icon": options["icon"], "max": int(options["max"]), "color": options["color"]}


def _checkbox(options: Mapping[str, Any]) -> Options:
    return {"icon": options["icon"], "color": options["color"]}


def _duration(options: Mapping[str, Any]) -> Options:
    wanted = options["durationFormat"]
    if wanted not in _DURATION_FORMATS:
        raise ValueError(f"unknown duration format {wanted}")
    return {"durationFormat": wanted}


def _links(options: Mapping[str, Any]) -> Options:
    return {
        "linkedTableId": str(options["linkedTableId"]),
        "isReversed": False,
        "prefersSingleRecordLink": bool(options.get("prefersSingleRecordLink", False)),
    }


def _attachments(_: Mapping[str, Any]) -> Options:
    return {"isReversed": False}


_NORMALISERS: dict[str, Normaliser] = {
    **dict.fromkeys(PLAIN, _none),
    **dict.fromkeys(SELECTS, _choices),
    "number": _precision(8),
    "percent": _precision(8),
    "currency": _currency,
    "date": _date,
    "dateTime": _date_time,
    "rating": _rating,
    "checkbox": _checkbox,
    "duration": _duration,
    "multipleRecordLinks": _links,
    "multipleAttachments": _attachments,
    "singleCollaborator": _none,
    "multipleCollaborators": _none,
    "barcode": _none,
}
