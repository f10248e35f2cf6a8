"""Makes a table in Airtable for whoever sets up a sync, or says why it cannot be made."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from tablesync.contracts.internal_api import AirtableTable
from tablesync.contracts.public_api.catalog import NewField, NewTable
from tablesync.service_kit.http.problems import Problem, conflict, invalid
from tablesync.sync_runner.access.answers import OutcomeUnknownError
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.errors import ForbiddenError, RefusedError
from tablesync.sync_runner.airtable.schema import Table
from tablesync.sync_runner.api.catalog import shown_table
from tablesync.sync_runner.inquiries.reach import Reach

# Without it a connection works: it is asked for at the click that needs it.
PERMISSION = "schema.bases:write"
_ISO = {"dateFormat": {"name": "iso"}}
# What Airtable wants to be told of a field, where whoever asks leaves it out.
USUAL: Mapping[str, Mapping[str, Any]] = {
    "number": {"precision": 2},
    "currency": {"precision": 2, "symbol": "$"},
    "percent": {"precision": 2},
    "duration": {"durationFormat": "h:mm:ss"},
    "rating": {"icon": "star", "max": 5, "color": "yellowBright"},
    "checkbox": {"icon": "check", "color": "greenBright"},
    "date": _ISO,
    "dateTime": {**_ISO, "timeFormat": {"name": "24hour"}, "timeZone": "client"},
    "singleSelect": {"choices": []},
    "multipleSelects": {"choices": []},
}


class NewTables:
    """Makes tables in bases of one workspace at a time."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def create(
        self, workspace_id: str, connection_id: str, base_id: str, wanted: NewTable
    ) -> AirtableTable:
        """Make a table and return it; raises Problem.

        The base is read first: what is forbidden then is the making alone.
        """
        _check_options(wanted)
        async with self._reach.destination(workspace_id, connection_id) as client:
            _check_names(wanted, await client.tables(base_id))
            return shown_table(await _made(client, connection_id, base_id, wanted))


async def _made(
    client: AirtableClient, connection_id: str, base_id: str, wanted: NewTable
) -> Table:
    fields = [_sent(each) for each in wanted.fields]
    try:
        return await client.create_table(base_id, wanted.name, fields)
    except ForbiddenError as error:
        raise _forbidden(error, connection_id) from error
    except RefusedError as error:
        raise _refused(error, wanted) from error
    except OutcomeUnknownError as error:
        if found := _named(wanted.name, await client.tables(base_id)):
            return found
        detail = "Airtable did not say whether it made the table; look there, and try again."
        raise Problem(503, "unavailable", detail, headers={"Retry-After": "30"}) from error


def _sent(field: NewField) -> dict[str, Any]:
    options = {**USUAL.get(field.type, {}), **(field.options or {})}
    return {"name": field.name, "type": field.type} | ({"options": options} if options else {})


def _check_options(wanted: NewTable) -> None:
    for position, each in enumerate(wanted.fields):
        try:
            orjson.dumps(each.options)
        except TypeError:
            remedy = "Send texts in UTF-8, and numbers of at most 64 bits."
            raise invalid(f"fields.{position}.options", "cannot be sent", remedy) from None


def _check_names(wanted: NewTable, tables: Sequence[Table]) -> None:
    if _named(wanted.name, tables):
        raise _taken("name", f"the base has a table {wanted.name} already")
    seen: set[str] = set()
    for position, each in enumerate(wanted.fields):
        if each.name.lower() in seen:
            raise _taken(f"fields.{position}.name", f"another field is called {each.name}")
        seen.add(each.name.lower())


def _named(name: str, tables: Sequence[Table]) -> Table | None:
    return next((each for each in tables if each.name.lower() == name.lower()), None)


def _taken(field: str, message: str) -> Problem:
    return invalid(field, message, "Choose another name; capitals do not tell two names apart.")


def _forbidden(error: ForbiddenError, connection_id: str) -> Problem:
    """Say what is missing: the person's right in that base, or what was granted to TableSync."""
    if error.of_role:
        return conflict(
            "role-too-low",
            "Whoever connected Airtable may not make tables in this base: that takes the "
            f"permission level Creator there. Airtable says: {error.message}",
            connection_id=connection_id,
        )
    return conflict(
        "permission-missing",
        "TableSync was not allowed to make tables at Airtable "
        f"({PERMISSION}): reconnect Airtable and allow it.",
        connection_id=connection_id,
        also=[PERMISSION],
    )


def _refused(error: RefusedError, wanted: NewTable) -> Problem:
    """Name the member of the request that Airtable does not take."""
    if error.kind == "DUPLICATE_TABLE_NAME":
        return _taken("name", f"the base has a table {wanted.name} already")
    place = next(
        (
            f"fields.{position}"
            for position, each in enumerate(wanted.fields)
            if f"{wanted.name}.{each.name}:" in error.message
        ),
        "fields.0" if error.kind == "INVALID_FIELD_TYPE_FOR_CREATE" else "fields",
    )
    remedy = "Send a type that Airtable makes, with the options that it wants for it."
    return invalid(place, f"Airtable does not take it: {error.message}", remedy)
