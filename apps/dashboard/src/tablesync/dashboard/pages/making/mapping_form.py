"""The mapping as a form has it: for each property a field, the words for options, and one key."""

from collections.abc import Mapping, Sequence

from tablesync.client import InvalidError
from tablesync.contracts import MappedAs
from tablesync.contracts.internal_api import AirtableField, SourceProperty
from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.shown.making.rows import twice
from tablesync.dashboard.shown.making.suggestions import Suggestion
from tablesync.dashboard.web.forms import Form


def read_mapping(
    form: Form, properties: Sequence[SourceProperty], fields: Sequence[AirtableField]
) -> list[NewMapping]:
    """Return what was chosen; a field or property that is not there any more is left out."""
    writable = {each.id for each in fields if each.writable}
    chosen = ((each.name, form.get(f"field.{each.name}")) for each in properties)
    return [
        NewMapping(source=name, field_id=field_id, as_=_as(form, name))
        for name, field_id in chosen
        if field_id in writable
    ]


def with_faults(form: Form, mapping: Sequence[NewMapping], fields: Sequence[AirtableField]) -> Form:
    """Return the form with what is wrong with its mapping beside each field."""
    names = {each.id: each.name for each in fields}
    for source, field_id in twice(mapping).items():
        name = names.get(field_id, field_id)
        said = f"{name} is mapped above already. Choose another field, or leave this one out."
        form = form.with_error(f"field.{source}", said)
    return form


def with_key_fault(
    form: Form, mapping: Sequence[NewMapping], key: str, fields: Sequence[AirtableField]
) -> Form:
    """Return the form with what is wrong with the key, beside the row that it names."""
    chosen = next((each for each in mapping if each.source == key), None)
    if chosen is None:
        said = "Choose the row by which a record’s row is found again, and a field for it."
        return form.with_error("key", said)
    field = next(each for each in fields if each.id == chosen.field_id)
    if field.mergeable:
        return form
    said = (
        f"Airtable finds no rows by {field.name}. Take a field of single line text, long text, "
        "number, select or date for the key."
    )
    return form.with_error(f"field.{key}", said)


def refused(form: Form, error: InvalidError, key: str, others: Sequence[NewMapping]) -> Form:
    """Return the form with what a service found wrong with a mapping, beside each row."""
    for each in error.problem.errors:
        place = _place(each.field, key, others)
        form = form.with_error(place, f"{each.message}. {each.remedy}".strip())
    return form if error.problem.errors else form.with_error("", error.problem.detail)


def of_suggestions(
    properties: Sequence[SourceProperty], found: Mapping[str, Suggestion]
) -> tuple[NewMapping, ...]:
    """Return what is suggested as a mapping, in the source's order."""
    return tuple(
        NewMapping(source=each.name, field_id=found[each.name].field_id)
        for each in properties
        if each.name in found
    )


def _place(field: str, key: str, others: Sequence[NewMapping]) -> str:
    """Return which field of ours a service means: `mapping.3.field_id` is one of a row's."""
    part, _, rest = field.partition(".")
    if part == "key":
        return f"field.{key}"
    position = rest.partition(".")[0]
    if part == "mapping" and position.isdecimal() and int(position) < len(others):
        return f"field.{others[int(position)].source}"
    return {"name": "name", "schedule": "every"}.get(part, "")


def _as(form: Form, name: str) -> MappedAs | None:
    wanted = form.get(f"as.{name}")
    return MappedAs(wanted) if wanted in set(MappedAs) else None
