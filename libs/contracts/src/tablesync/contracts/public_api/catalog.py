"""What a sync would do, tried before it is saved (sync-runner)."""

from typing import Any

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.ids import AirtableFieldId
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked
from tablesync.contracts.public_api.syncs import (
    MAPPINGS,
    NEW_SYNC,
    NewDestination,
    NewKey,
    NewMapping,
    NewSource,
)

_TRIED: JsonDict = {name: NEW_SYNC[name] for name in ("source", "destination", "key", "mapping")}
_FAULT: JsonDict = {
    "field_id": "fldAmount00000001",
    "field": "Amount",
    "value": "a lot",
    "message": "is not a number",
    "remedy": "Map it to a text field.",
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
