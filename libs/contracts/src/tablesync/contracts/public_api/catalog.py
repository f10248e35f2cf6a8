"""What a sync would do, tried before it is saved or asked afterwards (sync-runner)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic.config import JsonDict
from tablesync.contracts.ids import AirtableFieldId
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.names import Name
from tablesync.contracts.public_api.base import Answer, Asked
from tablesync.contracts.public_api.runs import RUN_ID, RejectionView
from tablesync.contracts.public_api.syncs import (
    MAPPINGS,
    NEW_SYNC,
    SYNC_ID,
    NewDestination,
    NewKey,
    NewMapping,
    NewSource,
    Text,
)
from tablesync.contracts.specs import Moment

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
