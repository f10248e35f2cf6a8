"""What a sync would do, tried before it is saved or asked afterwards (sync-runner)."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic.config import JsonDict
from tablesync.contracts.ids import AirtableFieldId
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.names import Name
from tablesync.contracts.public_api.base import Answer, Asked, Open, Text
from tablesync.contracts.public_api.runs import RUN_ID, RejectionView
from tablesync.contracts.public_api.syncs import (
    MAPPINGS,
    NEW_SYNC,
    SYNC_ID,
    NewDestination,
    NewKey,
    NewMapping,
    NewSource,
)
from tablesync.contracts.specs import Moment, RunCounts

DRY_RUN_ID = "dry_01997f2f-3c21-7d55-8b64-7f8a9b0c1d08"
_TRIED: JsonDict = {name: NEW_SYNC[name] for name in ("source", "destination", "key", "mapping")}
_FAULT: JsonDict = {
    "field_id": "fldAmount00000001",
    "field": "Amount",
    "value": "a lot",
    "message": "is not a number",
    "remedy": "Map it to a text field.",
}
_CELL: JsonDict = {
    "field_id": "fldEmail000000001",
    "field": "E-mail",
    "source": "email",
    "label": "Email",
    "value": "ada@acme.example",
    "wanted": "ada@acme.example",
    "found": "ada@acme.test",
    "same": False,
    "fault": None,
}


class TriedSync(Asked):
    """What a sync reads, writes and maps: all that its records depend on."""

    model_config = showing(_TRIED)

    source: NewSource
    destination: NewDestination
    key: NewKey
    mapping: list[NewMapping] = Field(default=[], max_length=MAPPINGS)


class CellFault(Answer):
    """Why a record cannot be written: a value that a field cannot take, or the record itself."""

    model_config = showing(_FAULT)

    field_id: str | None = Field(description="Null where no field of it is to blame.")
    field: str | None = Field(description="The field's name.")
    value: str | None = Field(description="As the source has it, cut short.")
    message: str
    remedy: str | None = None


class TriedRecord(Answer):
    """A record of the source as Airtable would show it."""

    source_id: str
    cells: dict[AirtableFieldId, Any] = Field(
        description="As they would be sent, by field id; null where the source has nothing. A "
        "field that cannot take its value is left out."
    )
    faults: tuple[CellFault, ...] = Field(description="Why it would be rejected, if it would.")


class Trial(Answer):
    """Ten records of the source as Airtable would show them; nothing is written."""

    model_config = showing(
        {
            "records": [
                {
                    "source_id": "48211907",
                    "cells": {"fldEmail000000001": "ada@acme.example"},
                    "faults": [_FAULT],
                }
            ],
            "rejected": 1,
        }
    )

    records: tuple[TriedRecord, ...]
    rejected: int = Field(description="How many of them would be rejected.")


class ExplainedRecord(TriedSync):
    """A record that somebody asks about: by its id at the source, or by its key."""

    model_config = showing({**_TRIED, "sync_id": SYNC_ID, "record": "48211907"})

    sync_id: Text
    record: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ExplainedCell(Answer):
    """One field of a record: what the source has, what it becomes, and what Airtable has."""

    model_config = showing(_CELL)

    field_id: str
    field: str
    source: str = Field(description="The property's name.")
    label: str = Field(description="What people call that property.")
    value: Any = Field(description="What the source has now.")
    wanted: Any = Field(description="The cell that it becomes.")
    found: Any = Field(description="What Airtable's row has now.")
    same: bool = Field(description="Whether there is nothing to write.")
    fault: CellFault | None = None


class Explanation(Answer):
    """All that is known of one record in one sync."""

    model_config = showing(
        {
            "source_id": "48211907",
            "at_source": True,
            "in_airtable": True,
            "row_id": "recAda00000000001",
            "cells": [_CELL],
            "verdict": "E-mail was changed in Airtable. A check of everything corrects it.",
            "written_at": "2026-11-22T09:40:07.412Z",
            "run_id": RUN_ID,
            "rejection": None,
        }
    )

    source_id: str | None = Field(description="Null where nobody knows such a record.")
    at_source: bool
    in_airtable: bool
    row_id: str | None
    cells: tuple[ExplainedCell, ...]
    verdict: str = Field(description="What to make of it, in a sentence or two.")
    written_at: Moment | None = Field(
        description="When TableSync last wrote its row, by the database's clock."
    )
    run_id: str | None = Field(description="The last run that wrote or rejected it.")
    rejection: RejectionView | None = Field(description="If it is rejected as things are.")


class NewDryRun(TriedSync):
    """A sync whose whole effect is to be counted, and nothing written."""

    model_config = showing({**_TRIED, "sync_id": SYNC_ID})

    sync_id: Text | None = Field(default=None, description="The sync that it is, if it is one.")


class ChangeKind(StrEnum):
    """What would become of a record's row."""

    CREATE = "create"
    UPDATE = "update"
    REJECT = "reject"


class ChangedCell(Answer):
    """A cell before and after; a long one is cut short."""

    field_id: str
    field: str
    before: Any
    after: Any


class WouldChange(Answer):
    """What would become of one record."""

    source_id: str
    kind: Open[ChangeKind]
    cells: tuple[ChangedCell, ...] = Field(
        default=(), description="Those that would differ; empty where the row shows the same."
    )
    reason: str | None = Field(default=None, description="Why it would be rejected.")


class DryRun(Answer):
    """What a run over everything would do, as far as it has been counted."""

    model_config = showing(
        {
            "id": DRY_RUN_ID,
            "sync_id": SYNC_ID,
            "status": "done",
            "counts": {"read": 1200, "written": 40, "unchanged": 1159, "rejected": 1},
            "created": 32,
            "updated": 8,
            "total": None,
            "changes": [
                {
                    "source_id": "48211907",
                    "kind": "update",
                    "cells": [
                        {
                            "field_id": "fldEmail000000001",
                            "field": "E-mail",
                            "before": "ada@acme.test",
                            "after": "ada@acme.example",
                        }
                    ],
                    "reason": None,
                }
            ],
            "summary": "32 rows would be new, 8 would change, 1 record would be rejected.",
        }
    )

    id: str
    sync_id: str | None = Field(
        default=None, description="The sync that it is of; null for one that is only tried."
    )
    status: str = Field(
        description="`queued`, `running`, or, at its end, `done`, `failed` or `cancelled`."
    )
    counts: RunCounts = Field(description="`written` would be.")
    created: int
    updated: int
    total: int | None = Field(description="About how many records there are, once known.")
    changes: tuple[WouldChange, ...] = Field(description="The first 50.")
    summary: str | None = Field(description="What it came to, or why it failed.")


class NewField(Asked):
    """A field of a table to make; what is left out of its options is Airtable's or our usual."""

    model_config = showing({"name": "Amount", "type": "number", "options": {"precision": 2}})

    name: Name
    type: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,40}$")] = Field(
        description="Airtable's own name for it, such as one of `suits`."
    )
    options: dict[str, Any] | None = Field(
        default=None, description="As Airtable takes them; a select is made with its choices."
    )


class NewTable(Asked):
    """A table to make in a base; its first field is its primary one."""

    model_config = showing(
        {"name": "Contacts", "fields": [{"name": "HubSpot ID", "type": "singleLineText"}]}
    )

    name: Name
    fields: list[NewField] = Field(min_length=1, max_length=MAPPINGS)
