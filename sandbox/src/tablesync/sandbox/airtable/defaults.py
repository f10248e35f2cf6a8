"""The bases that every sandbox starts with: one empty table per HubSpot object."""

from collections.abc import Iterable, Mapping
from typing import Any

from tablesync.sandbox.ids import airtable_id, seeded_airtable_id
from tablesync.sandbox.people import ADA, AIRTABLE_IDS
from tablesync.sandbox.seed.catalogue import AIRTABLE_KEY_FIELD, CATALOGUE, PropertySpec

from . import errors
from .field_types import PRIMARY, make_field
from .tables import Base, Table

_DATE = {"dateFormat": {"name": "iso"}}
_OPTIONS: dict[str, dict[str, Any]] = {
    "number": {"precision": 2},
    "currency": {"precision": 2, "symbol": "€"},
    "checkbox": {"icon": "check", "color": "greenBright"},
    "date": _DATE,
    "dateTime": {**_DATE, "timeFormat": {"name": "24hour"}, "timeZone": "utc"},
}


def default_bases() -> dict[str, Base]:
    """Return Ada's three bases; their ids are the same after every reset."""
    bases = (_default_base(kind) for kind in CATALOGUE)
    return {base.id: base for base in bases}


def _default_base(kind: str) -> Base:
    title = kind.capitalize()
    base_id = seeded_airtable_id("app", kind)
    workspace = seeded_airtable_id("wsp", ADA.email)
    base = Base(base_id, f"Acme {kind}", workspace, {AIRTABLE_IDS[ADA.email]: "create"})
    table_id = seeded_airtable_id("tbl", kind)
    key = {"name": AIRTABLE_KEY_FIELD, "type": "singleLineText"}
    specs = [spec for spec in CATALOGUE[kind] if spec.name != "hs_object_id"]
    wanted = [key, *map(_field, specs)]
    ids = [seeded_airtable_id("fld", kind, entry["name"]) for entry in wanted]
    base.tables[table_id] = make_table(title, wanted, table_id, ids)
    return base


def _field(spec: PropertySpec) -> dict[str, Any]:
    wanted: dict[str, Any] = {"name": spec.label, "type": spec.airtable_type}
    if spec.airtable_type in ("singleSelect", "multipleSelects"):
        # A sync writes HubSpot's labels or its values, as its mapping says: both are options.
        names = [*(label for _, label in spec.options), *(value for value, _ in spec.options)]
        wanted["options"] = {"choices": [{"name": name} for name in dict.fromkeys(names)]}
    elif spec.airtable_type in _OPTIONS:
        wanted["options"] = _OPTIONS[spec.airtable_type]
    return wanted


def make_table(
    name: str,
    wanted: Iterable[Mapping[str, Any]],
    table_id: str = "",
    field_ids: list[str] | None = None,
    description: str | None = None,
) -> Table:
    """Return an empty table; its first field is primary. Raise a 422 refusal if it cannot be."""
    entries = list(wanted)
    ids = field_ids or [""] * len(entries)
    fields = [make_field(name, entry, ids[n]) for n, entry in enumerate(entries)]
    if not fields or fields[0].type not in PRIMARY:
        raise errors.unprocessable(
            "INVALID_FIELD_TYPE_FOR_CREATE", f"{name} needs a first field that can be primary"
        )
    if len({entry.name.lower() for entry in fields}) != len(fields):
        raise errors.unprocessable("DUPLICATE_OR_EMPTY_FIELD_NAME", "Duplicate field name")
    by_id = {entry.id: entry for entry in fields}
    view_id = seeded_airtable_id("viw", table_id) if table_id else airtable_id("viw")
    return Table(table_id or airtable_id("tbl"), name, by_id, fields[0].id, view_id, description)
