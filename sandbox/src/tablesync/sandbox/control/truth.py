"""Ground truth as JSON: counters, log, bases and records."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tablesync.sandbox.airtable.state import AirtableState
from tablesync.sandbox.airtable.tables import Table
from tablesync.sandbox.counters import Counters
from tablesync.sandbox.hubspot.crm_records import CrmRecords

from .reading import bad_body


def shown_counters(counters: Counters, airtable: AirtableState) -> dict[str, Any]:
    """Return all counters; `duplicates` is counted from the tables as they are now."""
    tables = [table for base in airtable.bases.values() for table in base.tables.values()]
    seen = asdict(counters.airtable)
    seen["duplicates"] = sum(map(_duplicates, tables))
    return {
        "airtable": seen,
        "hubspot": asdict(counters.hubspot),
        "mail": asdict(counters.mail),
    }


def _duplicates(table: Table) -> int:
    """Return how many rows share the value of the first field with an earlier row."""
    values = (row.cells.get(table.primary_id) for row in table.rows.values())
    counted = Counter(str(value) for value in values if value is not None)
    return sum(count - 1 for count in counted.values())


def shown_log(counters: Counters, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the recent requests of a provider since an instant in unix milliseconds."""
    provider = query.get("provider")
    try:
        since = float(query.get("since") or 0)
    except ValueError:
        raise bad_body("The parameter since has to be unix milliseconds.") from None
    rows = (row for row in counters.log if row["at"] >= since)
    return {"requests": [row for row in rows if provider in (None, "", row["provider"])]}


def shown_crm_records(records: CrmRecords, archived: bool) -> dict[str, Any]:
    """Return all records of an object with all their properties."""
    found = records.all_of(records.archived_ids if archived else records.live_ids)
    return {
        "records": [
            {
                "id": str(record.id),
                "properties": record.properties,
                "createdAt": record.properties["createdate"],
                "updatedAt": record.properties[records.modified_property],
                "archived": record.is_archived,
            }
            for record in found
        ]
    }


def shown_rows(table: Table, by_id: bool) -> dict[str, Any]:
    """Return all rows of a table by field name, or by field id."""
    names = {key: key if by_id else field.name for key, field in table.fields.items()}
    return {
        "records": [
            {"id": row.id, "fields": {names[key]: value for key, value in row.cells.items()}}
            for row in table.rows.values()
        ]
    }
